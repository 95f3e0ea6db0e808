"""Environments of tasks for tests: beside pytest's own interpreter, each built by whoever wants it first."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from yamldag.executors import environment

FOLDER = Path(sys.prefix) / "environments"
"""They stay there for the next time: what is in one is told by its name."""
ENV = {"PYTHONDONTWRITEBYTECODE": ""}
"""For commands whose tasks run in one: half of the time would be spent on compiling what they load."""
AIRFLOW = [
    "apache-airflow-task-sdk==1.3.2",
    "apache-airflow-providers-http==6.3.0",
    "apache-airflow-providers-postgres==7.1.1",
    "apache-airflow-providers-sqlite==4.3.4",
    "apache-airflow-providers-standard==1.21.0",
]
DBT = ["dbt-core>=1.9,<1.12", "dbt-duckdb>=1.9,<2"]
"""From 1.12 on dbt-core fetches a part of itself from elsewhere when it is installed."""


def built(requirements: Sequence[str]) -> str:
    """Its interpreter. Skips the test where they can't be installed, and fails it in CI."""
    pip = {"PIP_NO_COMPILE": "1", "PIP_QUIET": "1"}  # most of it is never loaded
    with pytest.MonkeyPatch.context() as patch:
        for name, value in pip.items():
            patch.setenv(name, value)
        try:
            made = environment.environment(str(FOLDER), requirements, "/")
        except (environment.Unbuilt, OSError) as problem:
            words = f"{requirements[0]} and the like can't be installed: {problem}"
            if os.environ.get("CI") == "true":
                pytest.fail(words)
            pytest.skip(words)
    return environment.python_of(made)


def lend(project: Path) -> None:
    """Let the tasks of a project find what is built."""
    (project / ".yamldag").mkdir(exist_ok=True)
    if not (project / ".yamldag" / "environments").exists():
        (project / ".yamldag" / "environments").symlink_to(FOLDER)
