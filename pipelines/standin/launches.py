"""Coming launches in the shape of the Launch Library 2 API, page by page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipelines.standin import pictures
from pipelines.standin.answer import Answer, data, failure

PATH = "/2.2.0/launch/upcoming/"
FIRST = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
DEFAULT_LIMIT = 5


@dataclass(frozen=True, slots=True)
class Launch:
    rocket: str
    mission: str
    picture: str = "good"
    """good, none, missing (404), broken (not a picture), slow, or flaky (every other request is a 500)."""


LAUNCHES = (
    Launch("Falcon 9 Block 5", "Starlink Group 12-3"),
    Launch("Ariane 62", "Galileo L14", "slow"),
    Launch("Nuri", "CAS500-3"),
    Launch("Electron", "The Owl Flies Again", "missing"),
    Launch("Vulcan VC4S", "USSF-87"),
    Launch("Long March 2D", "Unknown Payload", "none"),
    Launch("H3-24", "QZS-7", "flaky"),
    Launch("New Glenn", "Blue Moon Pathfinder"),
    Launch("PSLV-XL", "Oceansat-3A", "broken"),
    Launch("Vega-C", "CO3D 2"),
    Launch("Soyuz 2.1b", "Progress MS-34"),
    Launch("Falcon Heavy", "Dragon XL-1"),
)


def page(base: str, query: dict[str, str]) -> Answer:
    """`limit` launches from `offset` on, and the addresses of the pages around them."""
    try:
        limit, offset = int(query.get("limit", DEFAULT_LIMIT)), int(query.get("offset", 0))
    except ValueError:
        return failure(400, "limit and offset must be numbers")
    limit, offset = max(1, min(limit, 100)), max(0, offset)
    before, after = max(0, offset - limit), offset + limit
    return data(
        {
            "count": len(LAUNCHES),
            "next": _address(base, limit, after) if after < len(LAUNCHES) else None,
            "previous": _address(base, limit, before) if offset else None,
            "results": [_launch(base, number) for number in range(offset, min(after, len(LAUNCHES)))],
        }
    )


def picture(name: str, asked: int) -> Answer:
    """The picture of launch number `name`; `asked` says how often it was asked for, this time included."""
    number = int(name) if name.isdigit() and int(name) < len(LAUNCHES) else None
    kind = LAUNCHES[number].picture if number is not None else "missing"
    if number is None or kind in ("missing", "none"):
        return failure(404, "Not found.")
    if kind == "flaky" and asked % 2 == 1:
        return failure(500, "Server Error")
    if kind == "broken":
        return Answer(200, "image/png", b"<html>This picture has moved.</html>")
    return Answer(200, "image/png", pictures.png(number), slow=kind == "slow")


def _address(base: str, limit: int, offset: int) -> str:
    return f"{base}{PATH}?limit={limit}&offset={offset}"


def _launch(base: str, number: int) -> dict[str, object]:
    launch = LAUNCHES[number]
    net = FIRST + timedelta(days=3 * number, minutes=17 * number)
    ident = str(uuid.uuid5(uuid.NAMESPACE_URL, launch.mission))
    return {
        "id": ident,
        "url": f"{base}/2.2.0/launch/{ident}/",
        "slug": f"{launch.rocket}-{launch.mission}".lower().replace(" ", "-"),
        "name": f"{launch.rocket} | {launch.mission}",
        "status": {"id": 1, "name": "Go for Launch", "abbrev": "Go", "description": "Current T-0 confirmed."},
        "net": f"{net:%Y-%m-%dT%H:%M:%SZ}",
        "window_start": f"{net:%Y-%m-%dT%H:%M:%SZ}",
        "window_end": f"{net + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        "rocket": {"id": 8000 + number, "configuration": {"id": 100 + number, "name": launch.rocket}},
        "mission": {"id": 6000 + number, "name": launch.mission, "type": "Communications"},
        "image": None if launch.picture == "none" else f"{base}/pictures/{number}.png",
    }
