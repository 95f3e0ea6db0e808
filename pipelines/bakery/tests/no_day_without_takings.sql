-- Fails with the days on which something was sold and nothing taken.
select sales.day
from {{ ref('sales') }} as sales
left join {{ ref('takings') }} as takings on takings.day = sales.day
where takings.takings is null or takings.takings <= 0
