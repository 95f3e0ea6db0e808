"""Bytes as text: the bound on size, the encoding, and the characters that YAML can't hold."""

import re

from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.source import Source

MAX_FILE = 10 * 1024 * 1024

_PRINTABLE = bytes(set(range(0x20, 0x100)) - {0x7F} | {0x09, 0x0A, 0x0D})
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_BOM = "\ufeff"


def read(path: str, data: bytes) -> tuple[Source | None, list[Diagnostic]]:
    """A file's bytes (UTF-8, or UTF-16 behind its mark) as a source, or no source and the reason why not."""
    if len(data) > MAX_FILE:
        return None, [_too_large(path)]
    encoding = _UTF16.get(data[:2], "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return None, [_undecodable(path, data, encoding, error.start)]
    source = Source(path, text.lstrip(_BOM) if text.startswith(_BOM) else text)
    if data.translate(None, _PRINTABLE) or not text.isascii():
        found = unprintable(source)
        if found:
            return None, [found]
    return source, []


def rewritten(data: bytes, before: str, after: str) -> bytes | None:
    """The bytes of a file whose text was `before`, with the text `after` and all else as it was; None if its text is
    another one by now."""
    encoding = _UTF16.get(data[:2], "utf-8")
    text = data.decode(encoding, "replace")
    mark = text[: len(text) - len(text.lstrip(_BOM))]
    return (mark + after).encode(encoding) if text == mark + before else None


def unprintable(source: Source) -> Diagnostic | None:
    """The first character that YAML text can't hold."""
    match = _UNPRINTABLE.search(source.text)
    if not match:
        return None
    message = f"expected text, found the control character U+{ord(match[0]):04X}"
    helping = "remove it, or write it as an escape inside double quotes"
    return Diagnostic("YD103", message, Place(source, match.start(), match.end()), helping)


def _too_large(path: str) -> Diagnostic:
    message = "expected a file of at most 10 MiB, found a larger one"
    return Diagnostic("YD105", message, Place(Source(path, ""), 0, 0), "split it into several files")


def _undecodable(path: str, data: bytes, encoding: str, at: int) -> Diagnostic:
    """The source of the place is what can be read of the file, with signs in place of the rest."""
    source = Source(path, data.decode(encoding, "replace").lstrip(_BOM))
    offset = len(data[:at].decode(encoding).lstrip(_BOM))
    shown = encoding[:6].upper()
    message = f"expected {shown} text, found the byte 0x{data[at]:02x}"
    return Diagnostic("YD103", message, Place(source, offset, offset + 1), "save the file as UTF-8")
