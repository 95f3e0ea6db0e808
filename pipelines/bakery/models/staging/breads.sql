select
    id as bread_id,
    name,
    price_cents / 100.0 as price
from {{ ref('raw_breads') }}
