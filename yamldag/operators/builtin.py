"""The names that a plug-in can't have."""

BUILT_IN = (
    *("bash", "command", "python", "http", "sql", "copy", "docker", "kubernetes", "ssh", "dbt", "pipeline"),
    *("wait", "approval", "branch", "short_circuit", "email", "notify", "airflow", "noop"),
)
"""The operators that come with yamldag."""
KEYS = frozenset((
    "needs", "args", "with", "trigger_rule", "when", "foreach", "matrix", "max_active", "retries", "retry_delay",
    "retry_backoff", "max_retry_delay", "timeout", "allow_failure", "on_lost", "depends_on_past", "pool", "pool_slots",
    "priority", "env", "working_dir", "output", "produces", "queue", "cache", "on_failure", "on_success", "on_retry",
    "description", "setup", "teardown_of", "tasks", "use", "defaults",
))  # fmt: skip
"""The keys of a task, group or use that are no operators."""
