"""The part of weather_model.yml that needs scikit-learn: its tasks name it as their `requirements`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def train(kind: str, rows: str, folder: str) -> dict[str, Any]:
    """A fitted candidate, and its score by cross-validation."""
    kinds: dict[str, Any] = {
        "linear": LinearRegression(),
        "neighbours": make_pipeline(StandardScaler(), KNeighborsRegressor(5)),
        "forest": RandomForestRegressor(30, random_state=0),
    }
    data, wanted = _read(rows)
    score = float(cross_val_score(kinds[kind], data, wanted, cv=3).mean())
    path = Path(folder) / f"{kind}.joblib"
    joblib.dump(kinds[kind].fit(data, wanted), path)
    print(f"{kind}: {score:.3f}")
    return {"kind": kind, "model": str(path), "score": round(score, 4)}


def evaluate(candidates: list[dict[str, Any]], rows: str) -> dict[str, Any]:
    """The candidate that tells best what none has seen."""
    data, wanted = _read(rows)
    judged = []
    for each in candidates:
        told = joblib.load(each["model"])
        found = told.predict(data)
        score, degrees = float(r2_score(wanted, found)), float(mean_absolute_error(wanted, found))
        print(f"{each['kind']}: {score:.3f}, {degrees:.2f} degrees")
        judged.append({**each, "score": round(score, 4), "degrees": round(degrees, 2)})
    return max(judged, key=lambda one: float(one["score"]))


def _read(path: str) -> tuple[list[list[float]], list[float]]:
    rows = json.loads(Path(path).read_text(encoding="utf-8"))
    return [row[:-1] for row in rows], [row[-1] for row in rows]
