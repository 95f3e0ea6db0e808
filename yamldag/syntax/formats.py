"""The formats that a JSON Schema can ask of a text. Each is a function of the text; unknown ones ask nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from yamldag.syntax import patterns

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_OFFSET = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_TIME = rf"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]|23:59:60)(?:\.[0-9]+)?{_OFFSET}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_IN_URI = r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=\[\]-]|%[0-9A-Fa-f]{2})*"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_HEX = "[0-9A-Fa-f]"
_COUNTED = r"(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?"


def _like(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(pattern, text) is not None


def _date(text: str) -> bool:
    try:
        return re.fullmatch(_DATE, text) is not None and bool(date.fromisoformat(text))
    except ValueError:  # the 30th of February
        return False


def _moment(text: str) -> bool:
    return _date(text[:10]) and text[10:11] in {"T", "t"} and _time(text[11:])


_time = _like(_TIME)


def _uri(text: str) -> bool:
    return _WITH_SCHEME(text) and _reference(text)


_WITH_SCHEME = _like(_SCHEME + ".*")


def _reference(text: str) -> bool:
    from urllib.parse import urlsplit

    try:
        port = urlsplit(text).port
    except ValueError:  # half a bracket, a port that is none
        return False
    return _PART(text) and (port is None or port < 65_536)


_PART = _like(_IN_URI)


def _address(version: int) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        import ipaddress

        try:
            return ipaddress.ip_address(text).version == version and "%" not in text
        except ValueError:
            return False

    return fits


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _date,
    "date-time": _moment,
    "time": _time,
    "duration": _like(rf"P(?!\Z)(?:[0-9]+W|{_COUNTED})"),
    "email": _like(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*"),
    "hostname": _like(rf"(?=.{{1,253}}\.?\Z){_LABEL}(?:\.{_LABEL})*\.?"),
    "ipv4": _address(4),
    "ipv6": _address(6),
    "uri": _uri,
    "uri-reference": _reference,
    "uuid": _like(rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"),
    "regex": patterns.is_pattern,
    "json-pointer": _like(r"(?:/(?:[^~/]|~[01])*)*"),
}
