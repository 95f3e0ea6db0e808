select * from {{ ref('ordres') }} where id is null
