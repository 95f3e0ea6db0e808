"""dbt projects, as far as they can be known without running dbt: their graph, and a task for each of its nodes."""
