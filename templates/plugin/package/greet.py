"""Greets somebody, as often as you like."""

from yamldag import Fail

schema = {
    "properties": {
        "name": {"type": "string", "minLength": 1, "description": "Who is greeted: `Ann`"},
        "times": {"type": "integer", "minimum": 1, "default": 1, "description": "How often"},
    },
    "required": ["name"],
    "x-short": "name",  # greet: Ann
    "x-output": {
        "type": "object",
        "properties": {"greetings": {"type": "integer"}},
        "required": ["greetings"],
    },
}


def run(name: str, times: int = 1) -> dict[str, int]:
    """What it prints is the task's log, what it returns its output. It runs in a process of its own."""
    if name == "nobody":
        raise Fail("there is nobody to greet")  # fails without retries; any other exception is tried again
    for _ in range(times):
        print(f"Hello {name}!")
    return {"greetings": times}
