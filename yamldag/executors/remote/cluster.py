"""Requests to the API of a Kubernetes cluster, which bear with one that is busy, or away for a while."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import httpx

from yamldag.executors.remote.access import Access
from yamldag.executors.request import words

_CONNECT = 30.0
"""Seconds for a connection, and for the answer to a request that is no stream."""
SHORTLY, LONG = 30.0, 300.0
"""Seconds for which it is asked again: as a rule, and where there is a Job of ours that goes on."""
_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
"""Seconds before it is asked again for the first time, twice as many each time, and at most."""
_SLACK = 30.0
"""Seconds of silence more than a watch may last: then it was lost."""
_GONE = 410
_KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]
"""A stream that is silent for hours is not one that was lost."""


class Refused(Exception):  # noqa: N818
    """What it answers is not what was wanted, or it can't be reached."""

    def __init__(self, words: str, *, retry: bool) -> None:
        super().__init__(words)
        self.retry = retry


class Cluster:
    """One cluster, in one namespace. Several threads may ask it."""

    def __init__(self, given: Access, namespace: str | None) -> None:
        self.url = given.url
        self.namespace = namespace or given.namespace or "default"
        self.patience = SHORTLY
        """Seconds for which it is asked again."""
        self.reached = False
        """Whether it has ever answered: one that never did is not asked again."""
        transport = httpx.HTTPTransport(verify=given.tls, trust_env=False, socket_options=_KEEP_ALIVE)
        self._client = httpx.Client(
            base_url=given.url, transport=transport, auth=_Bearer(given), timeout=httpx.Timeout(_CONNECT)
        )

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def path(self, kind: str, name: str | None = None, group: str = "api/v1") -> str:
        """Of the things of one kind in the namespace, or of one of them."""
        return f"/{group}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def ask(self, method: str, path: str, fine: tuple[int, ...] = (), **more: Any) -> httpx.Response:
        """The answer, good or one of `fine`. Raises Refused."""
        until, pause = time.monotonic() + self.patience, _PAUSE
        while True:
            try:
                answer = self._client.request(method, path, **more)
            except httpx.TransportError as problem:
                if not self.reached or time.monotonic() > until:
                    raise Refused(self._away(problem), retry=True) from None
                wait: float = pause
            else:
                self.reached = True
                if answer.is_success or answer.status_code in fine:
                    return answer
                wait = _wanted(answer, pause)
                if not _passes(answer) or time.monotonic() + wait > until:
                    raise self.refused(answer)
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def told(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The same, of an answer that is good, what it says. Raises Refused."""
        found = _object(self.ask(method, path, **more))
        if not found:
            raise Refused(f"what answers at {self.url} is no Kubernetes cluster", retry=False)
        return found

    def look(self, path: str) -> dict[str, Any] | None:
        """What is there; None: nothing is. Raises Refused."""
        answer = self.ask("GET", path, (404,))
        return None if answer.status_code == 404 else _object(answer)

    def watch(
        self, path: str, params: Mapping[str, str], seconds: int
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each event, its type and its object, until the cluster ends it, the connection is lost, or it no longer
        knows the version that was begun with: then all is to be listed again. Raises Refused."""
        asked = {**params, "watch": "1", "timeoutSeconds": str(seconds)}
        with contextlib.suppress(httpx.TransportError), self.stream(path, asked, seconds + _SLACK) as answer:
            if answer.status_code == _GONE or _passes(answer):
                time.sleep(0 if answer.status_code == _GONE else _wanted(answer, _PAUSE))
                return
            if not answer.is_success:
                raise self.refused(answer)
            for line in lines(answer):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    if event["object"].get("code") == _GONE:
                        return
                    raise Refused(_said(event["object"]) or "the cluster broke a watch off", retry=True)
                yield event["type"], event["object"]
            return
        time.sleep(_PAUSE)

    @contextlib.contextmanager
    def stream(self, path: str, params: Mapping[str, str], silence: float | None) -> Iterator[httpx.Response]:
        """An answer that comes bit by bit, with at most so many seconds between two; one that is not good has been
        read. Raises httpx.TransportError."""
        timeout = httpx.Timeout(_CONNECT, read=silence)
        asked: dict[str, Any] = {"params": dict(params), "headers": {"accept-encoding": "identity"}}
        with self._client.stream("GET", path, timeout=timeout, **asked) as answer:
            if not answer.is_success:
                answer.read()
            yield answer

    def refused(self, answer: httpx.Response) -> Refused:
        """In words."""
        status, said = answer.status_code, _object(answer)
        told = _said(said)
        if status == 401:
            return Refused(
                f"the cluster at {self.url} does not know us: what signs in is not good there", retry=False
            )
        if status == 403:
            told = told or f"{answer.request.method} {answer.request.url.path}"
            return Refused(f"the cluster does not allow it: {told}", retry="exceeded quota" in told)
        if status == 404 and (said.get("details") or {}).get("kind") == "namespaces":
            return Refused(f"there is no namespace `{self.namespace}` in the cluster", retry=False)
        return Refused(told or f"the cluster at {self.url} answers {status}", retry=_passes(answer))

    def _away(self, problem: Exception) -> str:
        if isinstance(problem, httpx.TimeoutException):
            return f"the cluster at {self.url} gave no answer for {_CONNECT:g} seconds"
        return f"the cluster at {self.url} can't be reached, or was lost: {words(problem, self.url)}"


class _Bearer(httpx.Auth):
    """Signs each request by the token of the moment; one that is not good is asked for anew, once."""

    def __init__(self, given: Access) -> None:
        self._token = given.token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        before = self._sign(request, anew=False)
        answer = yield request
        if answer.status_code == 401 and self._sign(request, anew=True) != before:
            yield request

    def _sign(self, request: httpx.Request, *, anew: bool) -> str | None:
        token = self._token(anew)
        if token:
            request.headers["authorization"] = f"Bearer {token}"
        return token


def lines(answer: httpx.Response) -> Iterator[bytes]:
    """Each whole line, without its end: what is left was cut off."""
    kept = b""
    for data in answer.iter_bytes():
        *whole, kept = (kept + data).split(b"\n")
        yield from whole


def _passes(answer: httpx.Response) -> bool:
    """Whether that may be better when it is asked again."""
    return answer.status_code == 429 or answer.status_code >= 500


def _wanted(answer: httpx.Response, otherwise: float) -> float:
    """Seconds that it wants us to wait."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), LONG) if said.isascii() and said.isdecimal() else otherwise


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except (ValueError, httpx.ResponseNotRead):
        return {}
    return found if isinstance(found, dict) else {}


def _said(status: Mapping[str, Any]) -> str:
    return str(status.get("message") or "").strip()
