{% set table = ref %} select * from {{ table('x') }}
