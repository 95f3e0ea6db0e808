"""Stores that run for the tests alone: an object store, an SFTP server and an FTP server, each with a folder or bucket."""

from __future__ import annotations

import asyncio
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from yamldag.operators.contract import Json

USER, PASSWORD = "etl", "pa:ss w/rd@1"


@contextmanager
def object_store(bucket: str) -> Iterator[dict[str, Json]]:
    """A connection to an empty bucket in moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        with urlopen(Request(f"{endpoint}/{bucket}", method="PUT"), timeout=30):
            pass
        yield {
            "type": "s3",
            "endpoint": endpoint,
            "bucket": bucket,
            "key": "AKIATEST",
            "secret": "not-very-secret",
            "region": "us-east-1",
        }
    finally:
        server.stop()


@contextmanager
def sftp_server(folder: Path) -> Iterator[dict[str, Json]]:
    """A connection to a server whose `/` is the folder."""
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    class Server(asyncssh.SSHServer):  # type: ignore[misc, unused-ignore]
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == (USER, PASSWORD)

    async def start() -> Any:
        return await asyncssh.create_server(
            Server,
            "127.0.0.1",
            0,
            server_host_keys=[key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder).encode()),
        )

    async def stop(server: Any) -> None:
        server.close()
        await server.wait_closed()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for each in rest:
            each.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    try:
        yield {
            "type": "sftp",
            "host": "127.0.0.1",
            "port": server.sockets[0].getsockname()[1],
            "user": USER,
            "password": PASSWORD,
            "host_key": key.export_public_key().decode(),
        }
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def ftp_server(
    folder: Path, certificate: Path | None = None, asks_by: Path | None = None
) -> Iterator[dict[str, Json]]:
    """A connection to a server whose `/` is the folder. `certificate`: of localhost, with its key; all is over TLS then.
    `asks_by`: who signs the certificates of those that it lets in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the standard library's module that it is built on
        from pyftpdlib import handlers
        from pyftpdlib.authorizers import DummyAuthorizer
        from pyftpdlib.servers import ThreadedFTPServer

    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elradfmw")
    kind, tls = handlers.FTPHandler, {}
    if certificate is not None:
        kind = handlers.TLS_FTPHandler
        tls = {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
    handler = type("Handler", (kind,), {"authorizer": authorizer, **tls})
    if asks_by is not None:
        from OpenSSL import SSL

        asking = handler.get_ssl_context()  # type: ignore[attr-defined]
        asking.load_verify_locations(str(asks_by))
        asking.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *told: bool(told[-1]))
        handler.ssl_context = asking  # type: ignore[attr-defined]
    server = ThreadedFTPServer(("127.0.0.1", 0), handler)
    over = threading.Event()

    def serve() -> None:
        """All in one thread: what another closes is missed by who waits for it."""
        while not over.is_set():
            server.serve_forever(timeout=0.05, blocking=False, handle_exit=False)
        server.close_all()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield {
            "type": "ftp" if certificate is None else "ftps",
            "host": "127.0.0.1" if certificate is None else "localhost",
            "port": server.address[1],
            "user": USER,
            "password": PASSWORD,
        }
    finally:
        over.set()
        thread.join()
