"""Sends the message of a `notify` task to each of its receivers, and says in words who did not get it."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from yamldag.executors.reach import OutOfReachError, Reach
from yamldag.executors.request import client, words

NO_APPRISE = "needs one more package: pip install 'yamldag[notify]'"
_PATIENCE = 30.0


class _UntoldError(Exception):
    """Why a receiver did not get it, in words."""

    def __init__(self, words: str, *, retry: bool) -> None:
        super().__init__(words)
        self.retry = retry


def tell(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`. Those that did not get it are all named; only when none got it is
    it tried again, lest the others get it twice."""
    missed: list[_UntoldError] = []
    for receiver in spec["to"]:
        name = _named(receiver)
        try:
            if receiver["kind"] == "apprise":
                _by_apprise(receiver, spec)
            else:
                _by_webhook(receiver, spec)
            print(f"{name}: told", flush=True)
        except _UntoldError as error:
            print(f"{name}: {error}", flush=True)
            missed.append(error)
    if not missed:
        return {"state": "success", "output": None}
    retry = len(missed) == len(spec["to"]) and all(each.retry for each in missed)
    return {"state": "failed", "reason": "; ".join(map(str, missed)), "retry": retry}


def _named(receiver: dict[str, Any]) -> str:
    """Of an address its kind and, of a webhook, the host: what stands behind it may be all that signs in."""
    parts = urlsplit(receiver["url"])
    if receiver["kind"] == "apprise":
        return str(parts.scheme)
    return f"{receiver['kind']} at {parts.hostname or ''}"


# Webhooks


def _by_webhook(receiver: dict[str, Any], spec: dict[str, Any]) -> None:
    name, url = _named(receiver), receiver["url"]
    reach = Reach(**spec["reach"])
    if spec["attach"]:
        raise _UntoldError(
            f"{name} takes no files: `attach` is for receivers by apprise, and for `email`", retry=False
        )
    try:
        with client(reach) as sender:
            sender.follow_redirects = False
            sender.timeout = httpx.Timeout(_PATIENCE)
            response = sender.post(url, json=_BODIES[receiver["kind"]](spec), headers=receiver["headers"])
    except OutOfReachError as error:
        raise _UntoldError(str(error), retry=False) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
        raise _UntoldError(
            f"{name} has an address, or a header, that can't be sent to", retry=False
        ) from None
    except (httpx.HTTPError, OSError) as error:
        raise _UntoldError(words(error, url), retry=True) from None
    if response.status_code >= 300:
        status = f"{response.status_code} {response.reason_phrase}".strip()
        retry = response.status_code in (408, 425, 429) or response.status_code >= 500
        raise _UntoldError(f"{name} answers {status}", retry=retry)


def _whole(spec: dict[str, Any]) -> str:
    return "\n".join(part for part in (spec["subject"], spec["text"]) if part)


def _slack(spec: dict[str, Any]) -> dict[str, Any]:
    plain = _whole(spec)
    for mark, written in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
    ):  # so that nobody calls @everyone by a name
        plain = plain.replace(mark, written)
    return {"text": plain}


def _teams(spec: dict[str, Any]) -> dict[str, Any]:
    blocks = [
        {"type": "TextBlock", "text": text, "wrap": True, "weight": weight}
        for text, weight in ((spec["subject"], "bolder"), (spec["text"], "default"))
        if text
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _discord(spec: dict[str, Any]) -> dict[str, Any]:
    return {"content": _whole(spec)[:2000], "allowed_mentions": {"parse": []}}


def _webhook(spec: dict[str, Any]) -> dict[str, Any]:
    """`text` alone is what most chats read; the parts are for one's own receivers."""
    told = {"text": _whole(spec), "subject": spec["subject"], "message": spec["text"]}
    return told if spec["html"] is None else {**told, "html": spec["html"]}


_BODIES = {"slack": _slack, "teams": _teams, "discord": _discord, "webhook": _webhook}


# All that apprise knows


def _by_apprise(receiver: dict[str, Any], spec: dict[str, Any]) -> None:
    scheme = _named(receiver)
    try:
        import apprise
    except ModuleNotFoundError:
        raise _UntoldError(f"`{scheme}` {NO_APPRISE}", retry=False) from None
    with _listening() as said:
        known = apprise.Apprise.instantiate(receiver["url"])
        if known is None:
            raise _UntoldError(f"nothing here knows how to tell `{scheme}` by such an address", retry=False)
        _judge(receiver["url"], Reach(**spec["reach"]))
        one = apprise.Apprise()
        one.add(known)
        html = spec["html"]
        done = one.notify(
            body=html if html is not None else spec["text"] or spec["subject"],
            title=spec["subject"] if html is not None or spec["text"] else "",
            body_format=apprise.NotifyFormat.HTML if html is not None else apprise.NotifyFormat.TEXT,
            attach=spec["attach"] or None,
        )
    if not done:
        lines = [line for line in said.getvalue().splitlines() if line.strip()]
        why = f": {lines[0].strip().rstrip('.')}" if lines else ""
        raise _UntoldError(f"`{scheme}` did not take it{why}", retry=True)


def _judge(url: str, reach: Reach) -> None:
    """A service's address may hold a host, or what signs in in its place: then nothing is known by that name."""
    parts = urlsplit(url)
    try:
        reach.addresses(parts.hostname or "", 443)
    except OutOfReachError as error:
        raise _UntoldError(str(error), retry=False) from None
    except (OSError, ValueError):
        return


@contextlib.contextmanager
def _listening() -> Iterator[io.StringIO]:
    """What it warns of."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    log = logging.getLogger("apprise")
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.WARNING)
    log.propagate = False
    try:
        yield said
    finally:
        log.removeHandler(handler)
        log.setLevel(before[0])
        log.propagate = before[1]
