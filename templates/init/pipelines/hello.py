"""What the tasks of hello.yml do."""

from __future__ import annotations

import yamldag


def count_letters(text: str) -> dict[str, int]:
    """What a function returns is its task's output. What it prints goes to the task's log."""
    letters = sum(character.isalpha() for character in text)
    if not letters:
        raise yamldag.Skip("there is no letter to count")
    print(f"{text!r} has {letters} letters")
    return {"letters": letters}
