select * from {{ ref('x', v=2) }}
