"""Files of the web: read only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from yamldag.executors.copying.places import Place, StoreError, shown
from yamldag.executors.reach import Reach


@contextmanager
def opened(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    import httpx

    from yamldag.executors.request import UselessError, answer, words
    from yamldag.executors.signing import SigningError

    assert mode == "rb"
    asked = answer(place["url"], place.get("headers") or {}, reach, place.get("signing"), place.get("tls"))
    try:
        with asked as response:
            if response.status_code >= 400:
                raise StoreError(
                    f"{shown(place['url'])} answers {response.status_code} {response.reason_phrase}"
                )
            yield cast(BinaryIO, _Stream(response.iter_bytes(1 << 16)))
    except UselessError as error:
        raise StoreError(str(error), retry=False) from None
    except SigningError as error:
        raise StoreError(str(error), retry=error.retry) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError):
        raise StoreError(
            "`from` is no web address that can be asked, or a header can't be sent", retry=False
        ) from None
    except httpx.HTTPError as error:
        raise StoreError(words(error, place["url"])) from None


class _Stream:
    """Bytes that come by themselves, as a file that is read once."""

    closed = False

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        pieces, got = [self._held], len(self._held)
        while size < 0 or got < size:
            part = next(self._parts, None)
            if part is None:
                break
            pieces.append(part)
            got += len(part)
        whole = b"".join(pieces)
        size = len(whole) if size < 0 else size
        self._held = whole[size:]
        return whole[:size]

    read1 = read

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def flush(self) -> None:
        pass
