"""What comes before and after the training in weather_model.yml."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import yamldag

KEPT_BACK = 3
"""Days of each city that no candidate sees."""


def prepare(answers: list[str], folder: str) -> dict[str, Any]:
    """Each row: latitude, longitude, day, hour, temperature."""
    known: list[list[float]] = []
    kept_back: list[list[float]] = []
    cities = 0
    for path in answers:
        rows = _rows(json.loads(Path(path).read_text(encoding="utf-8")))
        cities += bool(rows)
        last = max((row[2] for row in rows), default=0)
        known += [row for row in rows if row[2] <= last - KEPT_BACK]
        kept_back += [row for row in rows if row[2] > last - KEPT_BACK]
    if not known:
        raise yamldag.Fail("there is nothing to learn from: no city has a temperature")
    print(f"{len(known)} rows of {cities} cities to learn from, {len(kept_back)} kept back")
    return {
        "known": _written(folder, "known.json", known),
        "kept_back": _written(folder, "kept_back.json", kept_back),
        "rows": len(known),
        "cities": cities,
    }


def _rows(answer: dict[str, Any]) -> list[list[float]]:
    place = [answer["latitude"], answer["longitude"]]
    hours = zip(answer["hourly"]["time"], answer["hourly"]["temperature_2m"], strict=True)
    return [
        [*place, index // 24, int(time[11:13]), degrees]
        for index, (time, degrees) in enumerate(hours)
        if degrees is not None
    ]


def _written(folder: str, name: str, rows: list[list[float]]) -> str:
    path = Path(folder) / name
    path.write_text(json.dumps(rows), encoding="utf-8")
    return str(path)


def publish(model: str, into: str, card: dict[str, Any]) -> dict[str, str]:
    """Both are there whole, or not at all: whoever reads the folder meanwhile finds the old ones."""
    folder = Path(into)
    folder.mkdir(parents=True, exist_ok=True)
    part, written = folder / "model.part", folder / "card.part"
    shutil.copyfile(model, part)
    written.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, folder / "model.joblib")
    os.replace(written, folder / "card.json")
    return {"model": str(folder / "model.joblib"), "card": str(folder / "card.json")}
