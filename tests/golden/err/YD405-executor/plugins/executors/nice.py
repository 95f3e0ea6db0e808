"""Runs tasks at a lower priority."""

schema = {"properties": {"level": {"type": "integer", "minimum": 1, "maximum": 19}}, "required": ["level"]}


def run(task, level):
    return task.call(["nice", "-n", str(level), *task.argv])
