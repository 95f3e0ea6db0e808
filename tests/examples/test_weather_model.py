"""The example of machine learning: trained with the true scikit-learn, and published when a person says yes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.project import YAMLDAG
from tests.e2e.serving import wait_until
from tests.environments import ENV, built, lend
from tests.examples.standing import ROOT, standing


def test_the_best_model_is_published_with_its_card_once_somebody_agrees(tmp_path: Path) -> None:
    for path in (ROOT / "pipelines").glob("weather_*"):
        (tmp_path / "pipelines").mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / "pipelines")
    python = built(packages(tmp_path))
    lend(tmp_path)
    into = tmp_path / "models"
    with standing() as url:
        params = ("--param", f"url={url}/v1/forecast", "--param", f"into={into}")
        run = begin(tmp_path, "run", "weather_model", "--json", *params)
        [asked] = wait_until(lambda: json.loads(tell(tmp_path, "approvals", "--json")))
        assert not into.exists()
        tell(tmp_path, "approve", "weather_model", "ask", "--value", "note=good for spring")
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    card = json.loads((into / "card.json").read_text())
    candidates = {each["kind"]: each["score"] for each in card["candidates"]}
    assert card["kind"] in candidates
    assert set(candidates) == {"linear", "neighbours", "forest"}
    assert (card["run"], card["note"]) == (json.loads(out)["run_id"], "good for spring")
    assert 0.8 <= card["score"] <= 1
    assert f"Publish `{card['kind']}`?" in asked["message"]
    told = subprocess.run(
        [python, "-c", "import joblib, sys; print(joblib.load(sys.argv[1]).predict([[52.5, 13.4, 15, 12]])[0])", into / "model.joblib"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert -30 < float(told.stdout) < 50


def packages(project: Path) -> list[str]:
    written: dict[str, Any] = yaml.safe_load((project / "pipelines" / "weather_model.yml").read_text())
    found: list[str] = written["vars"]["packages"]
    return found


def begin(project: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
    env |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", **ENV}
    return subprocess.Popen(
        [*YAMLDAG, *arguments], cwd=project, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def tell(project: Path, *arguments: str) -> str:
    done = begin(project, *arguments)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    return out
