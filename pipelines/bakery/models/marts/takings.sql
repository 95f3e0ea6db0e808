select
    sales.day,
    sum(sales.pieces * breads.price) as takings
from {{ ref('sales') }} as sales
inner join {{ ref('breads') }} as breads on breads.bread_id = sales.bread_id
group by sales.day
