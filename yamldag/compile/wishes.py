"""Which advice a project wishes for: the codes and names below `lint`, here and in its environments."""

from __future__ import annotations

from collections.abc import Iterator, Set

from yamldag.compile.documents import entries
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Scalar, Seq


def check(root: Map, faulty: Set[int]) -> list[Diagnostic]:
    """What is wished for and is no code, no beginning of one, and no name."""
    return [_unknown(word) for word in _words(root) if id(word) not in faulty and not _exists(word.text)]


def _words(root: Map) -> Iterator[Scalar]:
    environments = (node for _, node in entries(root, "environments").values())
    for block in (root, *environments):
        for _, listed in entries(block, "lint").values() if type(block) is Map else ():
            yield from (
                node for node in (listed.items if type(listed) is Seq else [listed]) if type(node) is Scalar
            )


def _exists(word: str) -> bool:
    return any(code.startswith(word) or CODES[code].name == word for code in CODES)


def _unknown(word: Scalar) -> Diagnostic:
    near = nearest(word.text, [*CODES, *(code.name for code in CODES.values())])
    help_ = f"did you mean `{near}`?" if near else "`yamldag explain` lists the codes"
    return Diagnostic("YD404", f"there is no code or name `{word.text}`", at(word), help_)
