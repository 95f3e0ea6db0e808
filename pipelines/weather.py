"""What the tasks of weather_dashboard.yml do."""

from __future__ import annotations

import csv
import html
from collections import defaultdict
from pathlib import Path
from typing import Any, TypeAlias

import yamldag

Row: TypeAlias = dict[str, Any]

COLUMNS = ("city", "time", "temperature", "rain")
WIDTH, HEIGHT, MARGIN = 640, 120, 8

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }}
  svg {{ width: 100%; height: auto; background: #f4f6f8; border-radius: 8px }}
  polyline {{ fill: none; stroke: #c2410c; stroke-width: 2 }}
  rect {{ fill: #2563eb }}
  h2 {{ margin-bottom: 0 }} p {{ margin-top: 0; color: #57606a }}
</style>
<h1>{title}</h1>
<p>Temperature as a line, rain as bars, hour by hour in UTC.</p>
{cities}
</html>
"""


def clean(city: str, forecast: dict[str, Any]) -> list[Row]:
    """One row per hour. A missing temperature becomes the one before it; a city without any is skipped."""
    hourly = forecast["hourly"]
    rows: list[Row] = []
    last: float | None = None
    for time, temperature, rain in zip(
        hourly["time"], hourly["temperature_2m"], hourly["precipitation"], strict=True
    ):
        last = temperature if temperature is not None else last
        if last is not None:
            rows.append({"city": city, "time": time, "temperature": last, "rain": rain or 0.0})
    if not rows:
        raise yamldag.Skip(f"there is no forecast for {city}: every value is missing")
    return rows


def join(cities: list[list[Row] | None]) -> list[Row]:
    """All rows, by city and time; skipped cities came as null."""
    rows = [row for city in cities if city for row in city]
    return sorted(rows, key=lambda row: (row["city"], row["time"]))


def write_csv(rows: list[Row], path: str) -> dict[str, int]:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return {"rows": len(rows)}


def write_page(rows: list[Row], path: str, title: str) -> dict[str, int]:
    by_city: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_city[row["city"]].append(row)
    drawn = "\n".join(_section(city, its) for city, its in by_city.items())
    Path(path).write_text(PAGE.format(title=html.escape(title), cities=drawn), encoding="utf-8")
    return {"cities": len(by_city)}


def _section(city: str, rows: list[Row]) -> str:
    warmth = [row["temperature"] for row in rows]
    rain = sum(row["rain"] for row in rows)
    words = f"{min(warmth)} to {max(warmth)} °C, {rain:.1f} mm of rain"
    return f"<h2>{html.escape(city)}</h2>\n<p>{words}</p>\n{_chart(rows)}"


def _chart(rows: list[Row]) -> str:
    warmth = [row["temperature"] for row in rows]
    low, span = min(warmth), max(max(warmth) - min(warmth), 1)
    wide = (WIDTH - 2 * MARGIN) / max(len(rows) - 1, 1)
    tall = HEIGHT - 2 * MARGIN
    bars, points = [], []
    for place, row in enumerate(rows):
        x = MARGIN + place * wide
        points.append(f"{x:.1f},{HEIGHT - MARGIN - (row['temperature'] - low) / span * tall:.1f}")
        if row["rain"]:
            high = min(row["rain"] * 20, tall)
            place_and_size = (
                f'x="{x:.1f}" y="{HEIGHT - high:.1f}" width="{wide * 0.8:.1f}" height="{high:.1f}"'
            )
            bars.append(f"<rect {place_and_size}/>")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(bars)}<polyline points="{" ".join(points)}"/></svg>'
