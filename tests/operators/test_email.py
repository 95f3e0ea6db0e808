"""`email`: messages to a real mail server, and every way in which it may not take them."""

from __future__ import annotations

import datetime
import email
import email.policy
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.operators.attempts import run_here as run
from tests.servers import free_port
from yamldag.operators.contract import Json, Outcome

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # it is TLS from the first byte
USER, PASSWORD = "etl@example.org", "hunter2 hunter2"
NOW = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


class Box:
    """Takes all that comes, but for nobody@."""

    def __init__(self) -> None:
        self.took: list[tuple[list[str], EmailMessage]] = []

    async def handle_RCPT(self, _s: Any, _c: Any, envelope: Any, address: str, _o: Any) -> str:  # noqa: N802
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _s: Any, _c: Any, envelope: Any) -> str:  # noqa: N802
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.took.append((list(envelope.rcpt_tos), message))
        return "250 OK"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of `localhost`, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(NOW).not_valid_after(NOW + datetime.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


@pytest.fixture(params=["starttls", "tls"])
def server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[Box, dict[str, Json]]]:
    """A mail server that wants TLS and a password, and a connection to it."""
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    def authenticate(_server: Any, _session: Any, _envelope: Any, _how: str, told: Any) -> AuthResult:
        return AuthResult(
            success=(told.login, told.password) == (USER.encode(), PASSWORD.encode()), handled=False
        )

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    at_once = request.param == "tls"
    box = Box()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=context if at_once else None,
        tls_context=None if at_once else context,
        require_starttls=not at_once,
        auth_required=True,
        auth_require_tls=not at_once,
        authenticator=authenticate,
    )
    controller.start()
    port = controller.port
    yield box, {
        "type": "smtp", "host": "localhost", "port": port, "user": USER, "password": PASSWORD,
        "tls": request.param, "ca": str(certificate),
    }  # fmt: skip
    controller.stop()


def test_a_message_arrives_as_it_was_written(server: tuple[Box, dict[str, Json]], tmp_path: Path) -> None:
    box, connection = server
    (tmp_path / "report é.pdf").write_bytes(b"%PDF \xff")
    outcome = run(
        "email",
        tmp_path,
        {
            "connection": connection,
            "to": ["ann@example.org", "Bob Ö <bob@example.org>"],
            "cc": "team@example.org",
            "bcc": ["archive@example.org", "ann@example.org"],
            "reply_to": "data@example.org",
            "subject": "Zahlen für März — 100 %",
            "text": ".\nGrüße\n.\n",
            "html": "<b>Grüße</b>",
            "attach": "report é.pdf",
        },
    )
    assert outcome == Outcome("success"), outcome
    ((receivers, message),) = box.took
    assert receivers == ["ann@example.org", "bob@example.org", "team@example.org", "archive@example.org"]
    assert message["From"] == USER
    assert message["To"] == "ann@example.org, Bob Ö <bob@example.org>"
    assert (message["Cc"], message["Reply-To"], message["Bcc"]) == (
        "team@example.org",
        "data@example.org",
        None,
    )
    assert message["Subject"] == "Zahlen für März — 100 %"
    assert message["Message-ID"].endswith("@example.org>")
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == ".\nGrüße\n.\n"
    assert html.get_content().strip() == "<b>Grüße</b>"
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "report é.pdf", "application/pdf", b"%PDF \xff"
    )  # fmt: skip


def test_a_message_may_be_a_subject_alone(server: tuple[Box, dict[str, Json]], tmp_path: Path) -> None:
    box, connection = server
    params: dict[str, Json] = {"connection": connection, "to": "ann@example.org", "subject": "done"}
    assert run("email", tmp_path, params) == Outcome("success")
    ((_, message),) = box.took
    assert (message["Subject"], message.get_content().strip()) == ("done", "")


def test_whom_the_server_does_not_take_is_named(server: tuple[Box, dict[str, Json]], tmp_path: Path) -> None:
    box, connection = server
    params: dict[str, Json] = {"connection": connection, "to": "nobody@example.org", "text": "x"}
    outcome = run("email", tmp_path, params)
    assert outcome == Outcome(
        "failed", "the mail server `localhost` takes nothing for `nobody@example.org` (550 no such user here)"
    )
    some = run("email", tmp_path, {**params, "cc": "ann@example.org"})
    assert some.reason.endswith("(550 no such user here); the others have it")
    assert (some.retry, len(box.took)) == (False, 1)  # lest the others get it twice


def test_neither_a_bad_password_nor_a_bad_certificate_gets_through(
    server: tuple[Box, dict[str, Json]], tmp_path: Path
) -> None:
    box, connection = server
    params: dict[str, Json] = {"to": "ann@example.org", "text": "x"}
    told: dict[str, dict[str, Json]] = {
        "does not let us in": {"password": "wrong"},
        "has a certificate that is not to be trusted": {"ca": None},
        "speaks no TLS on this port": {"tls": "tls"},
        "can't be read: no such file or directory": {"ca": "/none.pem"},
    }
    if connection["tls"] == "tls":
        told.pop("speaks no TLS on this port")
    for words, change in told.items():
        outcome = run("email", tmp_path, {**params, "connection": {**connection, **change}})
        assert words in outcome.reason, outcome
    assert box.took == []


def test_a_password_never_goes_over_a_line_that_others_read(tmp_path: Path) -> None:
    from aiosmtpd.controller import Controller

    controller = Controller(Box(), hostname="127.0.0.1", port=free_port())
    controller.start()
    port = controller.port
    connection: dict[str, Json] = {"type": "smtp", "host": "127.0.0.1", "port": port}
    params: dict[str, Json] = {"to": "ann@example.org", "text": "x", "from": "me@example.org"}
    try:
        outcome = run("email", tmp_path, {**params, "connection": connection})
        assert outcome.reason.startswith("the mail server `127.0.0.1` offers no STARTTLS")
        assert not outcome.retry
        plain = run("email", tmp_path, {**params, "connection": {**connection, "tls": "none"}})
        assert plain.state == "success"
    finally:
        controller.stop()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": "x\r\nBcc: evil@example.org"}, "`subject` should be one line, without control characters"),
        ({"subject": "x\n\nbody"}, "`subject` should be one line, without control characters"),
        ({"to": "a@example.org\r\nBcc: evil@example.org"}, "`to` should be one address"),
        ({"to": "a@example.org, evil@example.org"}, "`to` should be one address"),
        ({"to": "a@example.org>\nBcc: evil@example.org"}, "`to` should be one address"),
        ({"to": "evil"}, "`to` should be one address such as ops@example.org, found `evil`"),
        ({"to": ["@example.org"]}, "`to` should be one address"),
        ({"cc": "a@b\x00"}, "`cc` should be one address"),
        ({"from": "me@example.org\nX-Header: y"}, "`from` should be one address"),
        ({"reply_to": "a@b\nTo: x@y"}, "`reply_to` should be one address"),
        ({"to": []}, "nobody gets it: set `to`"),
        ({"attach": "none.pdf"}, "none.pdf` can't be read: no such file or directory"),
        ({"from": None}, "nobody is the sender: set `from`, in the task or in the connection"),
        ({"connection": {"type": "smtp"}}, "the connection can't be used: it has no `host`"),
        ({"connection": {"type": "smtp", "host": "h", "tls": "maybe"}},
         "the connection can't be used: `tls` should be one of starttls, tls, none, found `maybe`"),
        ({"connection": {"type": "smtp", "host": "nowhere.invalid"}}, "the mail server `nowhere.invalid` is not known"),
        ({}, "the mail server `127.0.0.1` refused the connection"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_told_in_words(tmp_path: Path, change: dict[str, Json], reason: str) -> None:
    params: dict[str, Json] = {
        "connection": {"type": "smtp", "host": "127.0.0.1", "port": 1},
        "to": "ann@example.org",
        "from": "me@example.org",
        "subject": "s",
        "text": "t",
    }
    outcome = run("email", tmp_path, {**params, **change})
    assert outcome.state == "failed"
    assert reason in outcome.reason, outcome
