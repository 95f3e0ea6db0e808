select *
from {{ two() }}
