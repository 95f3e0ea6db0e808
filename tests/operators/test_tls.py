"""Certificates, on both sides, of the web and of FTP."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.answering import Asked, Said, Site, answering
from tests.certificates import Authority
from tests.operators.attempts import run_here as run
from tests.operators.stores import ftp_server
from yamldag.cli.connections import _reached
from yamldag.operators.contract import Json, Outcome


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def site(authority: Authority) -> Iterator[Site]:
    """It wants to know who asks, and says so in its answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost"))
    context.load_verify_locations(authority.file)
    context.verify_mode = ssl.CERT_REQUIRED

    def answer(asked: Asked) -> Said:
        return Said(body=(asked.who or "nobody").encode(), headers={"Content-Type": "text/plain"})

    with answering(answer, context) as site:
        yield site


def connection(site: Site, folder: Path, **more: Json) -> dict[str, Json]:
    """To it, with files that are named from the project's root."""
    there: dict[str, Json] = {
        "type": "https",
        "host": "localhost",
        "port": site.server_port,
        "root": str(folder),
    }
    return {**there, "ca": "authority.pem", **more}


def test_a_client_signs_in_by_its_certificate(site: Site, authority: Authority, tmp_path: Path) -> None:
    whole = authority.issue("etl")
    certificate, key = whole.read_text().split("-----BEGIN PRIVATE KEY-----")
    (tmp_path / "cert.pem").write_text(certificate)
    (tmp_path / "key.pem").write_text(f"-----BEGIN PRIVATE KEY-----{key}")
    for files in ({"cert": "etl.pem"}, {"cert": "cert.pem", "cert_key": "key.pem"}, {"cert": str(whole)}):
        known = connection(site, tmp_path, **files)
        outcome = run("http", tmp_path, {"connection": known, "path": "/x"})
        assert isinstance(outcome.output, dict), outcome
        assert outcome.output["body"] == "etl"
        copied = run("copy", tmp_path, {"from": {"connection": known, "path": "/x"}, "to": "got.txt"})
        assert copied.state == "success", copied
        assert (tmp_path / "got.txt").read_text() == "etl"
        site.came.clear()
        assert _reached(known, str(tmp_path)) == (True, "it answers 200 OK")
        assert [(asked.method, asked.who) for asked in site.came] == [("HEAD", "etl")]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "`localhost` wants to know who we are by a certificate that it trusts: `cert` of the connection"),
        ({"cert": "mallory.pem"}, "`localhost` wants to know who we are by a certificate that it trusts: `cert` of the connection"),
        ({"cert": "etl.pem", "ca": "other.pem"}, "the certificate of `localhost` is not to be trusted"),
        ({"cert": "none.pem"}, "the certificate `{}/none.pem` can't be read: no such file or directory"),
        ({"cert": "etl.pem", "cert_key": "none.key"}, "the certificate `{}/none.key` can't be read: no such file or directory"),
        ({"cert": "authority.pem"}, "the certificate `{}/authority.pem` can't be read: it is none, or has no key that fits"),
        ({"cert": "closed.pem"}, "the certificate `{}/closed.pem` can't be read: it is none, or has no key that fits"),
        ({"ca": "none.pem"}, "the certificate `{}/none.pem` can't be read: no such file or directory"),
        ({"ca": "empty.pem"}, "the certificate `{}/empty.pem` can't be read: it is none"),
    ],
)  # fmt: skip
def test_who_is_not_known_is_told_so(
    site: Site, authority: Authority, tmp_path: Path, more: dict[str, Json], words: str
) -> None:
    authority.issue("etl")
    authority.issue("closed", password="s3cret")
    Authority(tmp_path, "other").issue("mallory")
    (tmp_path / "empty.pem").touch()
    known, wanted = connection(site, tmp_path, **more), words.format(tmp_path)
    outcome = run("http", tmp_path, {"connection": known, "path": "/x"})
    assert (outcome.state, outcome.reason) == ("failed", wanted)
    copied = run("copy", tmp_path, {"from": {"connection": known, "path": "/x"}, "to": "got.txt"})
    assert (copied.state, copied.reason) == ("failed", wanted)
    assert _reached(known, str(tmp_path)) == (False, wanted)
    assert site.came == []


# FTP over TLS


@pytest.fixture
def server(authority: Authority, tmp_path: Path) -> Iterator[dict[str, Json]]:
    pytest.importorskip("OpenSSL", reason="pyftpdlib speaks TLS by pyOpenSSL")
    (tmp_path / "there").mkdir()
    with ftp_server(tmp_path / "there", authority.issue("localhost")) as known:
        yield {**known, "root": str(tmp_path), "ca": "authority.pem"}


def test_files_come_and_go_over_tls(server: dict[str, Json], tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "mine.bin").write_bytes(data)
    place = {"connection": server, "path": "deep.bin"}
    for params in ({"from": "mine.bin", "to": place}, {"from": place, "to": "back.bin"}):
        outcome = run("copy", tmp_path, params)
        assert outcome.state == "success", outcome
    assert (tmp_path / "there" / "deep.bin").read_bytes() == data
    assert (tmp_path / "back.bin").read_bytes() == data
    assert _reached(server, str(tmp_path)) == (True, "it lets us in")
    plain = run(
        "copy", tmp_path, {"from": {"connection": {**server, "type": "ftp"}, "path": "deep.bin"}, "to": "x"}
    )
    assert plain.state == "failed", "this server wants TLS"
    assert not (tmp_path / "x").exists()


def test_a_server_of_files_may_want_to_know_who_we_are(authority: Authority, tmp_path: Path) -> None:
    pytest.importorskip("OpenSSL", reason="pyftpdlib speaks TLS by pyOpenSSL")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").write_text("for those who are known")
    stranger = Authority(tmp_path, "stranger")
    mine, theirs = (each.issue(name).name for each, name in ((authority, "mine"), (stranger, "theirs")))
    with ftp_server(tmp_path / "there", authority.issue("localhost"), asks_by=authority.file) as known:
        settings = {**known, "root": str(tmp_path), "ca": "authority.pem"}

        def copied(**more: Json) -> Outcome:
            place: dict[str, Json] = {"connection": {**settings, **more}, "path": "a"}
            return run("copy", tmp_path, {"from": place, "to": "b"})

        for cert in (None, theirs):
            refused = copied(**({} if cert is None else {"cert": cert}))
            assert (refused.state, (tmp_path / "b").exists()) == ("failed", False)
            assert refused.reason == (
                f"the host of `ftps://localhost:{known['port']}/a` ended TLS: does it want a certificate of ours, "
                "`cert` of the connection?"
            )
        assert copied(cert=mine).state == "success"
        assert (tmp_path / "b").read_text() == "for those who are known"
        assert _reached({**settings, "cert": mine}, str(tmp_path)) == (True, "it lets us in")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"ca": "other.pem"},
            "the certificate of the host of `ftps://localhost:{port}/a` is not to be trusted",
        ),
        (
            {"host": "127.0.0.1"},
            "the certificate of the host of `ftps://127.0.0.1:{port}/a` is not to be trusted",
        ),
        ({"ca": None}, "the certificate of the host of `ftps://localhost:{port}/a` is not to be trusted"),
        ({"ca": "none.pem"}, "the certificate `{folder}/none.pem` can't be read: no such file or directory"),
    ],
)
def test_a_server_that_is_not_known_gets_no_password(
    server: dict[str, Json], tmp_path: Path, more: dict[str, Json], words: str
) -> None:
    Authority(tmp_path, "other")
    known = {name: value for name, value in {**server, **more}.items() if value is not None}
    outcome = run("copy", tmp_path, {"from": {"connection": known, "path": "a"}, "to": "x"})
    assert outcome.reason == words.format(port=server["port"], folder=tmp_path)
    assert str(server["password"]) not in json.dumps(outcome.reason)
