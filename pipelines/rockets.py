"""What the tasks of rocket_launches.yml do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yamldag

KINDS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"RIFF": ".webp"}
"""What the bytes of a picture begin with, and the ending of such a file."""


def fetch_launches(url: str, limit: int) -> list[dict[str, Any]]:
    """The coming launches: id, name, time, and the address of a picture or null."""
    launches: list[dict[str, Any]] = []
    page: str | None = url
    while page and len(launches) < limit:
        answer = json.loads(_get(page))
        launches += [
            {key: each.get(key) for key in ("id", "name", "net", "image")} for each in answer["results"]
        ]
        page = answer["next"]
        print(f"{len(launches)} of {answer['count']} launches")
    return launches[:limit]


def get_picture(launch: dict[str, Any], folder: str) -> dict[str, Any]:
    """The picture's file and size. Skips a launch that has none."""
    if not launch["image"]:
        raise yamldag.Skip("the launch has no picture")
    try:
        data = _get(launch["image"])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise yamldag.Skip("the picture is gone (404)") from None
        raise
    ending = next((ending for start, ending in KINDS.items() if data.startswith(start)), None)
    if ending is None:
        raise yamldag.Skip(f"what came is no picture: it begins with {data[:12]!r}")
    path = Path(folder, launch["id"] + ending)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"file": str(path), "bytes": len(data)}


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "yamldag-example"})  # noqa: S310  (a param's address)
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        body: bytes = answer.read()
    return body
