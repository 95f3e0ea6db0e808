"""A fresh project for each test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve, Served


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def serve(project: Project) -> Iterator[Serve]:
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, command: str = "serve") -> Served:
        process = subprocess.Popen(
            [*YAMLDAG, command, *(arguments or ("--port", "0"))],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        running.append(process)
        return Served(project, process)

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
