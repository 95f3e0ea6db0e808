with people as (select * from {{ source('crm', 'poeple') }})
select * from people
join {{ source("shop", 'orders') }} using (id)
join {{ ref('old') }} using (id)
