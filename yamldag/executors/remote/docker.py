"""Carries out a `docker` task, by the HTTP API of a Docker engine: about ten requests.

A container belongs to the engine, and lives on when we die. So there is a keeper beside us, a process that does nothing
but wait for our end: if that comes before the container's, it removes the container. A container's name is that of its
attempt, and its label that of the task: whoever starts an attempt again finds its container, and what an earlier
attempt has left is removed first.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import ssl
import tarfile
import threading
from collections.abc import Iterator
from typing import Any

import httpx

from yamldag.executors.remote.keeper import Keeper
from yamldag.executors.remote.told import ended, environment, failed

_VERSION = "v1.41"
"""Of the API: Docker 20.10 and what came after it speak it."""
_FOLDER = "yamldag"
"""In the container, at its root: what is written to `output` there is the task's output."""
_LABEL = "yamldag.task"
_STOP = 8
"""Seconds from TERM to KILL: within those that we have ourselves."""
_CONNECT = 30.0
_LONGEST = (1 << 20) + 1
_HEAD = 8
"""Bytes before each piece of a log: which stream it is of, and how long it is."""


class _Refused(Exception):  # noqa: N818
    def __init__(self, words: str, *, retry: bool) -> None:
        super().__init__(words)
        self.retry = retry


def warm_up() -> None:
    """All that every task needs is loaded with this module."""


def carry_out(spec: dict[str, Any]) -> dict[str, Any]:
    """The result: `{exit}` of the command, or why there is none. Its output is left at `spec["output"]`."""
    url = spec["engine"]["url"]
    try:
        with _client(spec["engine"]) as client:
            return _Container(client, spec).carry_out()
    except _Refused as refused:
        return failed(str(refused), retry=refused.retry)
    except (httpx.HTTPError, OSError, ssl.SSLError) as problem:
        return failed(f"the Docker engine at {url} can't be reached, or was lost: {_words(problem)}")


def reach(engine: dict[str, Any]) -> tuple[bool, str]:
    """Whether it answers, and words on it."""
    try:
        with _client(engine) as client:
            answer = client.get(f"/{_VERSION}/version", timeout=_CONNECT)
    except (httpx.HTTPError, OSError, ssl.SSLError) as problem:
        return False, f"the Docker engine at {engine['url']} can't be reached: {_words(problem)}"
    if not answer.is_success:
        return False, _message(answer)
    try:
        return True, f"it answers: Docker {answer.json()['Version']}"
    except (ValueError, KeyError, TypeError):
        return False, f"what answers at {engine['url']} is no Docker engine"


def _client(engine: dict[str, Any]) -> httpx.Client:
    scheme, _, place = engine["url"].partition("://")
    timeout = httpx.Timeout(None, connect=_CONNECT)  # a container may be silent for as long as it likes
    if scheme == "unix":
        return httpx.Client(
            transport=httpx.HTTPTransport(uds=f"/{place.lstrip('/')}"),
            base_url="http://docker",
            timeout=timeout,
        )
    safe = scheme == "https" or engine["cert_file"] is not None
    verify: ssl.SSLContext | bool = True
    if safe:
        verify = ssl.create_default_context(cafile=engine["ca_file"])
        if engine["cert_file"] is not None:
            verify.load_cert_chain(engine["cert_file"], engine["key_file"])
    base = f"{'https' if safe else 'http'}://{place.rstrip('/')}"
    return httpx.Client(base_url=base, timeout=timeout, verify=verify, trust_env=False)


class _Container:
    def __init__(self, client: httpx.Client, spec: dict[str, Any]) -> None:
        self._client = client
        self._spec = spec
        self._path = f"/containers/{spec['name']}"

    def carry_out(self) -> dict[str, Any]:
        self._remove_others()
        with self._kept():
            signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=self._stop, daemon=True).start())
            if self._create():
                self._ask("PUT", f"{self._path}/archive", params={"path": "/"}, content=_folder())
            self._ask("POST", f"{self._path}/start", fine=(304,))
            self._pass_on()
            code = int(self._ask("POST", f"{self._path}/wait").json()["StatusCode"])
            self._fetch()
        return ended(code)

    def _ask(self, method: str, path: str, fine: tuple[int, ...] = (), **more: Any) -> httpx.Response:
        answer = self._client.request(method, f"/{_VERSION}{path}", **more)
        if answer.is_success or answer.status_code in fine:
            return answer
        raise _Refused(_message(answer), retry=answer.status_code >= 500)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """The container is removed at the end, whoever comes to it."""
        keeper = Keeper(self._remove_beside)
        try:
            yield
        finally:
            self._ask("DELETE", self._path, (404, 409), params={"force": "1", "v": "1"})
            keeper.let_go()

    def _remove_beside(self) -> None:
        with _client(self._spec["engine"]) as client:
            client.delete(f"/{_VERSION}{self._path}", params={"force": "1", "v": "1"})

    def _remove_others(self) -> None:
        """Containers of earlier attempts, whose keepers have died with them."""
        wanted = json.dumps({"label": [f"{_LABEL}={self._spec['key']}"]})
        for each in self._ask("GET", "/containers/json", params={"all": "1", "filters": wanted}).json():
            if f"/{self._spec['name']}" not in each["Names"]:
                self._ask("DELETE", f"/containers/{each['Id']}", (404, 409), params={"force": "1", "v": "1"})

    def _create(self) -> bool:
        """False: it is there already, for this very attempt."""
        spec = self._spec
        env = {**environment(spec["env"]), "YAMLDAG_OUTPUT": f"/{_FOLDER}/output"}
        body: dict[str, Any] = {
            "Image": spec["image"],
            "Env": [f"{name}={value}" for name, value in env.items()],
            "Labels": {_LABEL: spec["key"], **spec["labels"]},
            "HostConfig": spec["limits"],
        }
        if spec["entrypoint"] is not None:
            body["Entrypoint"] = spec["entrypoint"]
        if spec["args"] or spec["entrypoint"] is not None:
            body["Cmd"] = spec["args"]
        for pulled in (False, True):
            answer = self._ask(
                "POST", "/containers/create", (404, 409), params={"name": spec["name"]}, json=body
            )
            if answer.status_code == 404 and not pulled:
                self._pull()
                continue
            if answer.status_code == 404:
                raise _Refused(_message(answer), retry=False)
            return answer.status_code != 409
        raise AssertionError

    def _pull(self) -> None:
        image = self._spec["image"]
        os.write(1, f"pulling {image}\n".encode())
        name, tag = _parts(image)
        params = {"fromImage": name} | ({"tag": tag} if tag else {})
        with self._client.stream(
            "POST", f"/{_VERSION}/images/create", params=params, headers=_login(self._spec["engine"])
        ) as answer:
            if not answer.is_success:
                answer.read()
                raise _Refused(
                    f"{image} can't be pulled: {_message(answer)}", retry=answer.status_code >= 500
                )
            for line in answer.iter_lines():
                told = json.loads(line) if line.strip() else {}
                if "error" in told:
                    raise _Refused(f"{image} can't be pulled: {told['error']}", retry=True)

    def _pass_on(self) -> None:
        """What it writes, as it comes, until it ends."""
        path = f"/{_VERSION}{self._path}/logs"
        with self._client.stream("GET", path, params={"follow": "1", "stdout": "1", "stderr": "1"}) as answer:
            if not answer.is_success:
                answer.read()
                raise _Refused(_message(answer), retry=True)
            kept = b""
            for data in answer.iter_raw():
                kept = _written(kept + data)

    def _fetch(self) -> None:
        answer = self._ask("GET", f"{self._path}/archive", (404,), params={"path": f"/{_FOLDER}/output"})
        if answer.status_code == 404:
            return
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
            found = archive.next()
            inside = archive.extractfile(found) if found is not None and found.isfile() else None
            if inside is not None:
                with open(self._spec["output"], "wb", opener=_private) as file:
                    file.write(inside.read(_LONGEST))

    def _stop(self) -> None:
        """By another client: this one reads the log, which ends when the container does."""
        with contextlib.suppress(_Refused, httpx.HTTPError), _client(self._spec["engine"]) as client:
            client.post(f"/{_VERSION}{self._path}/stop", params={"t": str(_STOP)})


def _written(data: bytes) -> bytes:
    """Write the whole pieces of a log; what is left begins one that has not come whole."""
    while len(data) >= _HEAD and len(data) >= _HEAD + (size := int.from_bytes(data[4:_HEAD], "big")):
        piece, data = data[_HEAD : _HEAD + size], data[_HEAD + size :]
        while piece:
            piece = piece[os.write(1, piece) :]
    return data


def _folder() -> bytes:
    """The folder for the output, as an archive: whoever the image's user is may write there."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo(_FOLDER)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o777
        archive.addfile(entry)
    return made.getvalue()


def _parts(image: str) -> tuple[str, str]:
    """The name and the tag of an image; a digest belongs to the name."""
    name, colon, tag = image.rpartition(":")
    if "@" in image or not colon or "/" in tag:
        return image, "" if "@" in image else "latest"
    return name, tag


def _login(engine: dict[str, Any]) -> dict[str, str]:
    """The header that signs in to the registry of the image."""
    if engine["user"] is None:
        return {}
    said = json.dumps({"username": engine["user"], "password": engine["password"] or ""})
    return {"x-registry-auth": base64.urlsafe_b64encode(said.encode()).decode()}


def _message(answer: httpx.Response) -> str:
    try:
        words = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        words = f"the Docker engine answers {answer.status_code}"
    return words.strip()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _words(problem: Exception) -> str:
    words = getattr(problem, "strerror", None) or str(problem)
    return (words.partition("] ")[2] or words or "the connection was lost").lower()
