"""How requests sign in beyond a header: HTTP Digest, and OAuth 2 with the client's own credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class SigningError(Exception):
    """Why there is no token, in words."""

    def __init__(self, words: str, *, retry: bool) -> None:
        super().__init__(words)
        self.retry = retry


def signed(client: httpx.Client, given: Mapping[str, Any] | None) -> httpx.Auth | None:
    """What goes with each request; a token is fetched, and goes with all of them from then on. `given`:
    `{digest: [user, password]}`, or `{token_url, client_id, client_secret, scope}`. Raises SigningError."""
    if given is None:
        return None
    if "digest" in given:
        return httpx.DigestAuth(*given["digest"])
    client.headers["Authorization"] = f"Bearer {_token(client, given)}"
    return None


def _token(client: httpx.Client, given: Mapping[str, Any]) -> str:
    form = {"grant_type": "client_credentials"}
    if given.get("scope"):
        form["scope"] = str(given["scope"])
    who = (str(given["client_id"]), str(given.get("client_secret") or ""))
    told = client.post(str(given["token_url"]), data=form, auth=who, follow_redirects=False)
    if told.status_code != 200:
        words = f"`token_url` gives no token: it answers {told.status_code} {told.reason_phrase}".strip()
        raise SigningError(words, retry=told.status_code >= 500)
    try:
        token = told.json()["access_token"]
    except (ValueError, KeyError, TypeError):
        token = None
    if not isinstance(token, str):
        raise SigningError("`token_url` gives no `access_token`", retry=False)
    return token
