"""Promise: several schedulers share the work, any of them may die or hang, and nothing is lost or done twice."""

from __future__ import annotations

import os
from pathlib import Path

from tests.e2e.project import Project
from tests.faults.conftest import Tell
from tests.faults.fleet import Size, fleet, torment

LONG = os.environ.get("YAMLDAG_FAULTS") == "long"
SIZES = {
    "postgresql": Size(runs=1000, fan=18, kills=80, crashes=20, pauses=20, freezes=10)
    if LONG
    else Size(runs=90, fan=6, kills=10, crashes=3, pauses=2, freezes=1),
    "mariadb": Size(runs=250, fan=18, kills=30, crashes=10, pauses=10, freezes=5, schedulers=2)
    if LONG
    else Size(runs=40, fan=6, kills=4, crashes=2, pauses=1, freezes=1, schedulers=2),
}


def test_nothing_is_lost_or_doubled_whoever_dies_or_hangs(
    server_url: str, tmp_path: Path, figures: Tell
) -> None:
    kind = server_url.partition(":")[0]
    seed = int(os.environ.get("YAMLDAG_SEED", "1"))
    size = SIZES[kind]
    with fleet(Project(tmp_path), server_url, size, seed) as made:
        found = torment(made, size, patience=3600 if LONG else 120)
    figures(seed=seed, doubled=0, unexplained=0, **found)
