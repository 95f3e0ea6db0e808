"""A stand-in that speaks the API of a Docker engine over a socket: its containers are processes of this machine.

No engine runs in the tests. What this one does is what the API's documentation says of the ten requests that we send; an
image is a name, and its entry point is `/bin/sh -c 'echo default'`.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socketserver
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.led import Led


@dataclass
class Container(Led):
    body: dict[str, Any]
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    pieces: list[bytes] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        words = [
            *(self.body.get("Entrypoint") or ["/bin/sh", "-c", "echo default"]),
            *self.body.get("Cmd", []),
        ]
        env = dict(each.partition("=")[::2] for each in self.body["Env"])
        assert env["YAMLDAG_OUTPUT"] == "/yamldag/output"
        env |= {"YAMLDAG_OUTPUT": f"{self.folder}/yamldag/output", "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(
            words, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        readers = [threading.Thread(target=self._read, args=(number,)) for number in (1, 2)]
        for each in readers:
            each.start()
        threading.Thread(target=self._await, args=(readers,)).start()

    def _read(self, number: int) -> None:
        assert self.process is not None
        stream = (self.process.stdout, self.process.stderr)[number - 1]
        assert stream is not None
        while data := os.read(stream.fileno(), 1000):
            self.pieces.append(bytes([number, 0, 0, 0]) + len(data).to_bytes(4, "big") + data)

    def _await(self, readers: list[threading.Thread]) -> None:
        assert self.process is not None
        for each in readers:
            each.join()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        self.ended.set()


@dataclass
class Engine:
    """What it holds, and what it was asked."""

    folder: Path
    images: set[str] = field(default_factory=lambda: {"here:latest", "here:1"})
    containers: dict[str, Container] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/s"


@contextmanager
def private(folder: Path) -> Iterator[Engine]:
    engine = Engine(folder)

    class Handler(_Handler):
        pass

    Handler.engine = engine
    server = _Server(f"{folder}/s", Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for each in engine.containers.values():
            each.kill(signal.SIGKILL)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever asked was killed."""


class _Handler(BaseHTTPRequestHandler):
    engine: Engine
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "here"

    def log_message(self, *_: Any) -> None:
        pass

    def _do(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = re.sub(r"^/v1\.41", "", parts.path)
        self.engine.asked.append(f"{self.command} {path}")
        name = path.split("/")[2] if path.startswith("/containers/") else ""
        act = (
            self.command,
            re.sub(r"^/containers/[^/]+", "/containers/X", path) if name != "create" else path,
        )
        if act == ("GET", "/version"):
            self._json(200, {"Version": "27.1.1", "ApiVersion": "1.46", "MinAPIVersion": "1.24"})
        elif act == ("GET", "/containers/X") and name == "json":
            wanted = json.loads(query["filters"])["label"]
            self._json(200, [
                {"Id": key, "Names": [f"/{key}"]} for key, each in self.engine.containers.items()
                if all(label in [f"{k}={v}" for k, v in each.body["Labels"].items()] for label in wanted)
            ])  # fmt: skip
        elif act == ("POST", "/containers/create"):
            self._create(query["name"], json.loads(body))
        elif act == ("POST", "/images/create"):
            self._pull(query)
        elif (container := self.engine.containers.get(name)) is None:
            self._json(404, {"message": f"No such container: {name}"})
        else:
            self._of(container, name, act, query, body)

    def _create(self, name: str, body: dict[str, Any]) -> None:
        image = body["Image"] if ":" in body["Image"] else f"{body['Image']}:latest"
        if name in self.engine.containers:
            self._json(409, {"message": f"Conflict. The container name {name} is already in use"})
        elif image not in self.engine.images:
            self._json(404, {"message": f"No such image: {image}"})
        else:
            self.engine.made.append(body)
            folder = self.engine.folder / name
            folder.mkdir(exist_ok=True)
            self.engine.containers[name] = Container(body, folder)
            self._json(201, {"Id": name, "Warnings": []})

    def _pull(self, query: dict[str, str]) -> None:
        image = f"{query['fromImage']}:{query['tag']}"
        told: list[dict[str, str]] = [{"status": "Pulling"}]
        if image.startswith("far"):
            self.engine.images.add(image)
        else:
            told.append({"error": f"manifest for {image} not found"})
        self._send(200, "".join(json.dumps(each) + "\r\n" for each in told).encode())

    def _of(
        self, container: Container, name: str, act: tuple[str, str], query: dict[str, str], body: bytes
    ) -> None:
        if act == ("PUT", "/containers/X/archive"):
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                archive.extractall(container.folder, filter="data")
            self._send(200, b"")
        elif act == ("POST", "/containers/X/start"):
            try:
                if container.process is None:
                    container.start()
            except OSError as problem:
                self._json(400, {"message": f"failed to create task: exec: {problem.strerror}"})
                return
            self._send(204, b"")
        elif act == ("GET", "/containers/X/logs"):
            self._follow(container)
        elif act == ("POST", "/containers/X/wait"):
            container.ended.wait()
            self._json(200, {"StatusCode": container.code})
        elif act == ("POST", "/containers/X/stop"):
            container.kill(signal.SIGTERM)
            if not container.ended.wait(float(query["t"])):
                container.kill(signal.SIGKILL)
            self._send(204, b"")
        elif act == ("GET", "/containers/X/archive"):
            self._archive(container, query["path"])
        elif act == ("DELETE", "/containers/X"):
            container.kill(signal.SIGKILL)
            self.engine.containers.pop(name, None)
            self._send(204, b"")
        else:
            self._json(404, {"message": "page not found"})

    def _follow(self, container: Container) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        at = 0
        while True:
            over = container.ended.wait(0.02)
            for piece in container.pieces[at:]:
                at += 1
                # Pieces are cut as they like by what lies between.
                for part in (piece[:5], piece[5:]):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            if over and at == len(container.pieces):
                self.wfile.write(b"0\r\n\r\n")
                return

    def _archive(self, container: Container, path: str) -> None:
        there = container.folder / path.lstrip("/")
        if not there.exists():
            self._json(404, {"message": f"Could not find the file {path} in container"})
            return
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            archive.add(there, there.name)
        self._send(200, made.getvalue())

    def _json(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode())

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815
