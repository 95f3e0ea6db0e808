"""The seeds of the fuzzer, each of them once: among them what has gone wrong before."""

import pytest

from tests.fuzz.fuzz_compile import CORPUS
from tests.fuzz.passes import one_input


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_a_seed_gives_a_tree_or_diagnostics(name: str) -> None:
    one_input((CORPUS / name).read_bytes())
