"""argparse, in our words: a wrong option or choice is told with the nearest one that there is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

from yamldag.syntax.nearest import nearest

_LARGEST = 2**31 - 1


class Parser(argparse.ArgumentParser):
    """The arguments of one command."""

    def __init__(self, name: str, description: str, width: int) -> None:
        super().__init__(
            prog=f"yamldag {name}",
            description=description,
            formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=width),
            allow_abbrev=False,
        )

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """What was given. Raises SystemExit, once it is said what is wrong or what `--help` asks."""
        parsed, rest = self.parse_known_intermixed_args(arguments)  # `clear RUN --only TASK` is right, too
        if rest:
            self.error(self._unknown(rest[0]))
        return parsed

    def _unknown(self, word: str) -> str:
        if not word.startswith("-"):
            return f"`{word}` is one argument too many"
        name = word.partition("=")[0]
        near = nearest(name, self._option_string_actions)
        return f"there is no option `{name}`" + (f"; did you mean `{near}`?" if near else "")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        near = nearest(str(value), map(str, action.choices))
        known = ", ".join(f"`{each}`" for each in action.choices)
        hint = f"; did you mean `{near}`?" if near else ""
        raise argparse.ArgumentError(action, f"expected one of {known}, found `{value}`{hint}")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        if action.type is int:
            try:
                number = int(arg_string)
            except ValueError:
                raise argparse.ArgumentError(
                    action, f"expected a whole number, found `{arg_string}`"
                ) from None
            if abs(number) > _LARGEST:
                raise argparse.ArgumentError(
                    action, f"expected a whole number up to {_LARGEST}, found `{arg_string}`"
                )
            return number
        return super()._get_value(action, arg_string)
