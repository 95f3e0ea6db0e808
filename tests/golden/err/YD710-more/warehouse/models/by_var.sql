{{ config(tags=var('tags')) }} select 1
