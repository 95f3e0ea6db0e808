select * from {{ ref('self') }}
