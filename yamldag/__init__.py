"""Pipelines written as YAML: checked like a program, drawn, and run on schedule with every state in SQL."""

__version__ = "0.1.0"


class Skip(Exception):  # noqa: N818  (an outcome, not an error)
    """Raised in a task's function: the task ends `skipped`, with these words as the reason."""


class Fail(Exception):  # noqa: N818
    """Raised in a task's function: the task ends `failed` at once, without its retries."""


class Stopped(BaseException):
    """Raised in the `run` of an executor's plug-in, once, while it is at work: its task is to end, since it was
    cancelled or its time is over. It has the grace of a task to end what it has begun elsewhere; then it is killed."""
