"""What several rooms of tests of operators start once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.operators.stores import object_store
from yamldag.operators.contract import Json


@pytest.fixture(scope="session")
def bucket() -> Iterator[dict[str, Json]]:
    """A connection to an object store with one bucket."""
    with object_store("lake") as connection:
        yield connection
