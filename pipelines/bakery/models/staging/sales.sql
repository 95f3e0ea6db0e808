select
    id as sale_id,
    cast(day as date) as day,
    bread as bread_id,
    pieces
from {{ ref('raw_sales') }}
where pieces >= {{ var('at_least', 1) }}
