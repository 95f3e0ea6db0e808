{{ config(tags=["daily"]) }}
select * from {{ ref("customers") }}
