"""Messages that are signed as Standard Webhooks are: by a secret that both sides know, with an id and a time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

PREFIX = "whsec_"
WINDOW = 300.0
"""Seconds that a message's time may lie from ours."""
ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_ID = re.compile(r"[!-~]{1,200}")
_TIME = re.compile(r"[0-9]{1,12}")
_MOST = 10
"""Signatures of one message: several while a secret is being changed."""


def new_webhook_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, name: str, time: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    made = hmac.new(key, b".".join((name.encode(), time.encode(), body)), hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def is_signed(secret: str | None, headers: dict[str, str], body: bytes, now: float) -> bool:
    """Whether it was signed by that secret, not long ago. None: by nobody's, which takes as long to deny."""
    name, time, given = (headers.get(each, "") for each in (ID, TIME, SIGNATURE))
    if not _ID.fullmatch(name) or not _TIME.fullmatch(time) or abs(float(time) - now) > WINDOW:
        return False
    try:
        wanted = signature(secret or PREFIX + base64.b64encode(bytes(32)).decode(), name, time, body)
    except binascii.Error:
        return False
    good = [hmac.compare_digest(wanted.encode(), each.encode()) for each in given.split(" ")[:_MOST]]
    return any(good) and bool(secret)


def digest_of(name: str) -> str:
    """What is kept of a message's id."""
    return hashlib.sha256(name.encode()).hexdigest()
