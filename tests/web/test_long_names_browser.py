"""Names, tags and descriptions as long as they may be widen no page, on a phone, a tablet or a desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.conftest import Sit
from tests.web.seeds import Seeded, seed

NAME = "a_pipeline_" + "with_a_name_that_goes_on_" * 5 + "and_ends"
TASK = "a_task_" + "whose_name_goes_on_" * 5 + "too"
TEXT = f"""pipeline: {NAME}
description: See https://example.org/{"a-page-of-a-wiki-" * 8} for more.
owner: {"a-team-with-a-long-name-" * 2}
tags: [a-tag-that-is-rather-long, another-tag-that-is-long, a-third-tag-that-is-long]
schedule: {{cron: "@daily", timezone: America/New_York}}
tasks:
  {TASK}: {{bash: "true", description: {"on-and-on-" * 20}}}
  again: {{bash: "true", needs: {TASK}}}
"""
PAGES = (
    "/", "/pipelines", "/runs", f"/pipelines/{NAME}", f"/pipelines/{NAME}/schedule", f"/pipelines/{NAME}/trigger",
    f"/pipelines/{NAME}/backfill", f"/pipelines/{NAME}/code", f"/runs?pipeline={NAME}",
)  # fmt: skip


@pytest.fixture
def seeded(tmp_path: Path) -> Seeded:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "long.yml").write_text(TEXT)
    return seed(tmp_path)


def run_of(seeded: Seeded, task: str) -> str:
    """Where a run of the long one shows that task. Its place is the first, by its name."""
    return f"/runs/p000-00000?task={task}"


@pytest.mark.parametrize("width", [390, 740, 800, 1024, 1280, 1440])
def test_long_names_widen_no_page(sit: Sit, seeded: Seeded, width: int) -> None:
    seat = sit(width, zone="Asia/Kolkata")
    wide = {}
    for path in (
        *PAGES,
        run_of(seeded, TASK),
        f"/runs/p000-00000/task?task={TASK}",
        "/runs/p000-00000/clear",
    ):
        page = seat.open(path)
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if path == "/pipelines":
            over = max(
                over,
                page.evaluate("(p => p.scrollWidth - p.clientWidth)(document.querySelector('.listing'))"),
            )
        if over > 0:
            wide[path] = over
    assert wide == {}
    assert seat.complaints == []
