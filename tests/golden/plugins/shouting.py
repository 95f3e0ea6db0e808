"""A plug-in's operator, as an installed package would bring it."""

from typing import Any


class Shout:
    schema = {  # noqa: RUF012
        "description": "Says it loudly.",
        "type": ["string", "object"],
        "properties": {
            "text": {"type": "string", "x-template": True},
            "times": {"type": "integer", "minimum": 1},
        },
        "additionalProperties": False,
        "x-short": "text",
        "x-required": [["text"]],
    }

    def run(self, text: str) -> Any:
        return text.upper()


operator = Shout()
