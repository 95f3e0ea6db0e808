"""Masks secrets in what a task writes: as they are, and in every writing that programs commonly give them."""

from __future__ import annotations

import base64
import html
import itertools
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from yamldag.operators.secrets import TOO_SHORT
from yamldag.plan.hidden import MASK

LONG = 8
"""Characters from which on a secret in an output fails the attempt."""
_LINE = 4
"""Characters of a line that is masked by itself; where one is shorter, the secret is masked as a whole too."""
_CUT = 4
"""Characters from which on the beginning of a secret is masked, where the text ends with it."""
_WRAPS = (76, 64)
"""Characters after which base64 begins a new line."""
_URL_SAFE = ("", "/", "!$&'()*+,;=:@/~-._", "!'()*~", "/:@!$&'()*+,;=")


class Mask:
    """Knows some secrets. Bytes in, bytes out; what may be the beginning of one waits for the rest."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({form for each in secrets for form in forms(each)})
        self._pattern = re.compile(_any_of(known)) if known else None
        self._heads = _heads(known)
        self._longest = max(map(len, known), default=0)
        self._over_lines = any(b"\n" in form for form in known)
        self._kept = b""

    def feed(self, data: bytes) -> bytes:
        """The next part of what is written."""
        if self._pattern is None:
            return data
        whole = self._kept + data
        # Whole secrets first: the beginning of one may be the end of another.
        done, pieces = 0, []
        limit = self._unsettled(whole)
        for match in self._pattern.finditer(whole):
            if match.start() >= limit:
                break
            pieces += [whole[done : match.start()], MASK.encode()]
            done = match.end()
        limit = max(limit, done)
        pieces.append(whole[done:limit])
        self._kept = whole[limit:]
        return b"".join(pieces)

    def end(self) -> bytes:
        """What was kept back; the beginning of a secret that was cut off is masked."""
        kept, self._kept = self._kept, b""
        if self._pattern is None:
            return kept
        kept = self._pattern.sub(MASK.encode(), kept)
        cut = self._unsettled(kept)
        return kept[:cut] + MASK.encode() if len(kept) - cut >= _CUT else kept

    def text(self, text: str) -> str:
        """A whole text, masked."""
        if self._pattern is None:
            return text
        masked = self._pattern.sub(MASK.encode(), text.encode("utf-8", "surrogatepass"))
        cut = self._unsettled(masked)
        if len(masked) - cut >= _CUT:
            masked = masked[:cut] + MASK.encode()
        return masked.decode("utf-8", "replace")

    def _unsettled(self, data: bytes) -> int:
        """Where what may become a secret begins, at the end of the data."""
        start = max(0, len(data) - self._longest + 1)
        if not self._over_lines:
            start = max(start, data.rfind(b"\n") + 1)
        for at in range(start, len(data)):
            head = data[at : at + TOO_SHORT]
            if head in self._heads and any(form.startswith(data[at:]) for form in self._heads[head]):
                return at
        return len(data)


def holds(text: str, secrets: Iterable[str]) -> bool:
    """Whether a text holds one of these secrets, in whatever writing."""
    data = text.encode("utf-8", "surrogatepass")
    return any(form in data for each in secrets if len(each) >= LONG for form in forms(each))


def forms(secret: str) -> set[bytes]:
    """Every writing of a secret, and of each of its lines."""
    if len(secret) < TOO_SHORT:
        return set()
    parts = {secret, secret.strip()}
    lines = {line.strip() for line in secret.splitlines()} - {""}
    if len(lines) > 1:
        parts = {*parts, *lines} if min(map(len, lines)) < _LINE else lines
    found = {form for part in parts for form in _writings(part)}
    found |= {
        form for whole in (secret, secret.strip()) for form in _base64(whole.encode("utf-8", "surrogatepass"))
    }
    return {form for form in found if len(form) >= TOO_SHORT}


def _writings(text: str) -> Iterator[bytes]:
    data = text.encode("utf-8", "surrogatepass")
    yield data
    yield from _hexadecimal(data)
    yield from _base64(data)
    plain = data.decode("utf-8", "replace")
    for written in {*_escaped(plain), *_in_urls(plain)}:
        yield written.encode("utf-8", "replace")


def _escaped(text: str) -> Iterator[str]:
    """In JSON (and JSON in JSON), Python, HTML and the shell."""
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield once.replace("/", "\\/")
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        yield repr(once)[1:-1]
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    yield text.encode("ascii", "backslashreplace").decode()  # stderr of Python, where it is ASCII
    yield repr(text.encode())[2:-1]
    yield text.replace("\\", "\\\\").replace("'", "\\'")
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield html.escape(text).replace("&#x27;", "&#39;")
    quoted = shlex.quote(text)
    yield quoted[1:-1] if quoted != text else text
    yield text.replace("'", "'\\''")
    yield re.sub(r"([^A-Za-z0-9_@%+=:,./\n-])", r"\\\1", text)
    yield text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    yield text.replace("\r\n", "\n").replace("\n", "\r\n")


def _in_urls(text: str) -> Iterator[str]:
    for safe in _URL_SAFE:
        for written in (quote(text, safe=safe), quote_plus(text, safe=safe)):
            yield written
            yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), written)
    yield quote(quote(text, safe=""), safe="")


def _hexadecimal(data: bytes) -> Iterator[bytes]:
    for separator in ("", " ", ":", "\\x", "%"):
        written = data.hex(separator) if len(separator) == 1 else data.hex()
        if separator == "\\x":
            written = "".join(f"\\x{byte:02x}" for byte in data)
        yield written.encode()
        yield written.upper().replace("\\X", "\\x").encode()


def _base64(data: bytes) -> Iterator[bytes]:
    """By itself or inside something longer: it may begin at each of the three bytes of a group."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            written = encode(b"\0" * before + data)
            first = (before * 8 + 5) // 6  # characters that hold bits of what stands before
            whole = (before + len(data)) * 8 // 6  # those that hold bits of the secret alone
            core = written[first:whole]
            if len(core) >= TOO_SHORT:
                yield core
    alone = base64.b64encode(data)
    for width in _WRAPS:
        if len(alone) > width:
            yield from (
                alone[at : at + width] for at in range(0, len(alone), width) if len(alone) - at >= LONG
            )


def _heads(known: list[bytes]) -> dict[bytes, list[bytes]]:
    """What each of them begins with, cut as short as what is read may end, and those that go on from there."""
    heads: dict[bytes, list[bytes]] = {}
    for form in known:
        for length in range(1, TOO_SHORT + 1):
            if len(form) > length:
                heads.setdefault(form[:length], []).append(form)
    return heads


def _any_of(known: list[bytes]) -> bytes:
    """An expression for the longest of these, which are sorted: those that begin alike are tried together."""
    first = known[0]
    pairs = zip(first, known[-1], strict=False)
    shared = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    if len(known) == 1:
        return re.escape(first)
    rests = [form[shared:] for form in known]
    ends, rests = (True, rests[1:]) if rests[0] == b"" else (False, rests)
    groups = [_any_of(list(group)) for _, group in itertools.groupby(rests, key=lambda form: form[:1])]
    return re.escape(first[:shared]) + b"(?:" + b"|".join(groups) + b")" + (b"?" if ends else b"")
