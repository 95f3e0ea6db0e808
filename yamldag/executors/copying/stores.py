"""Where files are: this machine, the web, FTP, SFTP, S3 and what else fsspec knows.

What is written is there whole or as it was before: beside its place first, or as an upload that is completed at the
end. A process that is killed leaves at most a file that begins with a dot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from yamldag.executors.copying import files, fsspecs, ftp, web
from yamldag.executors.copying.places import Place, StoreError, in_words, scheme_of
from yamldag.executors.reach import OutOfReachError, Reach

_BY_SCHEME: dict[str, Callable[[Place, str, Reach], AbstractContextManager[BinaryIO]]] = {
    "file": files.opened,
    "http": web.opened,
    "https": web.opened,
    "ftp": ftp.opened,
    "ftps": ftp.opened,
}


def reading(place: Place, reach: Reach) -> AbstractContextManager[BinaryIO]:
    """The file's bytes. Raises StoreError, OutOfReachError."""
    return _open(place, "rb", reach)


def writing(place: Place, reach: Reach) -> AbstractContextManager[BinaryIO]:
    """What takes the file's bytes. Raises StoreError, OutOfReachError."""
    return _open(place, "wb", reach)


def sign_in(place: Place) -> tuple[bool, str]:
    """Whether the store of a place lets us in, and words on it."""
    try:
        with in_words(place["url"], "rb"):
            (ftp if scheme_of(place) in ("ftp", "ftps") else fsspecs).try_to_sign_in(place, Reach(inner=True))
    except (StoreError, OutOfReachError) as error:
        return False, str(error)
    return True, "it lets us in"


def known(place: Place) -> None:
    """Raises StoreError if nothing here knows such a place."""
    if scheme_of(place) not in _BY_SCHEME:
        with in_words(place["url"], "wb"):
            fsspecs.known(place)


@contextmanager
def _open(place: Place, mode: str, reach: Reach) -> Iterator[BinaryIO]:
    opened = _BY_SCHEME.get(scheme_of(place), fsspecs.opened)
    with in_words(place["url"], mode), opened(place, mode, reach) as file:
        yield file
