"""Asks an application without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp

BASE = "http://127.0.0.1:8080"
OWN = {"origin": BASE, "sec-fetch-site": "same-origin"}
"""What a browser says when a page of ours asks."""


@dataclass(frozen=True)
class Browser:
    """`headers` go with every request."""

    app: ASGIApp
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, headers={**self.headers, **(headers or {})}, **more)

        return asyncio.run(ask())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers)

    def post(self, path: str, form: Mapping[str, str] | None = None, **more: Any) -> httpx.Response:
        """As a form of one of our pages is sent."""
        return self.request("POST", path, OWN, data=dict(form or {}), **more)

    def being(self, **headers: str) -> Browser:
        """The same, by somebody."""
        return Browser(self.app, {**self.headers, **headers})
