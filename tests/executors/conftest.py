"""A local executor that leaves nothing behind, whatever a test does to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from yamldag.executors.local.executor import LocalExecutor


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    made = LocalExecutor(tmp_path / "state")
    yield made
    made.close()
