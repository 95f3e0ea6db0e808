"""What people ask: why a task is not running, and what a run would do."""
