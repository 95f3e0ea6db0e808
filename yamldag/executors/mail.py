"""Sends the message of an `email` task, and says in words why that can't be."""

from __future__ import annotations

import contextlib
import mimetypes
import os
import smtplib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, make_msgid
from typing import Any

_PATIENCE = 60.0
"""Seconds without an answer."""
_MOST = 25 << 20
"""Bytes of all attachments: what most servers take."""


class UnsendableError(Exception):
    """What is wrong with the message, or the server, in words."""


def send(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`."""
    server = spec["server"]
    where = f"the mail server `{server['host']}`"
    try:
        message, receivers = _written(spec["message"])
        with _connected(server) as connection:
            refused = connection.send_message(message, to_addrs=receivers)
    except UnsendableError as error:
        return _failed(str(error), retry=False)
    except smtplib.SMTPNotSupportedError:
        return _failed(
            f"{where} offers no STARTTLS, or no way to sign in: set `tls` of the connection", retry=False
        )
    except smtplib.SMTPAuthenticationError:
        return _failed(f"{where} does not let us in", retry=False)
    except smtplib.SMTPRecipientsRefused as error:
        return _failed(
            f"{where} takes nothing for {_named(error.recipients)}", retry=_passing(error.recipients)
        )
    except smtplib.SMTPResponseException as error:
        return _failed(
            f"{where} says {error.smtp_code} {_said(error.smtp_error)}", retry=error.smtp_code < 500
        )
    except (smtplib.SMTPException, OSError) as error:
        return _failed(f"{where} {_words(error)}", retry=True)
    taken = len(receivers) - len(refused)
    print(f"sent to {taken} {'receiver' if taken == 1 else 'receivers'} by {server['host']}", flush=True)
    if refused:
        return _failed(f"{where} takes nothing for {_named(refused)}; the others have it", retry=False)
    return {"state": "success", "output": None}


def reach(server: dict[str, Any]) -> tuple[bool, str]:
    """Whether the server lets us in, and words on it."""
    try:
        with _connected(server) as connection:
            connection.noop()
        return True, "it lets us in" if server["user"] else "it answers"
    except UnsendableError as error:
        return False, str(error)
    except smtplib.SMTPNotSupportedError:
        return False, "it offers no STARTTLS, or no way to sign in: set `tls` of the connection"
    except smtplib.SMTPAuthenticationError:
        return False, "it does not let us in"
    except smtplib.SMTPResponseException as error:
        return False, f"it says {error.smtp_code} {_said(error.smtp_error)}"
    except (smtplib.SMTPException, OSError) as error:
        return False, f"it {_words(error)}"


def _failed(reason: str, *, retry: bool) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "retry": retry}


def _connected(server: dict[str, Any]) -> smtplib.SMTP:
    """Signed in. A certificate that is not to be trusted, or none where one is wanted, ends it."""
    made: smtplib.SMTP
    if server["tls"] == "tls":
        made = smtplib.SMTP_SSL(server["host"], server["port"], timeout=_PATIENCE, context=_trusted(server))
    else:
        made = smtplib.SMTP(server["host"], server["port"], timeout=_PATIENCE)
    try:
        if server["tls"] == "starttls":
            made.starttls(context=_trusted(server))
        if server["user"] is not None:
            made.login(server["user"], server["password"])
    except BaseException:
        made.close()
        raise
    return made


def _trusted(server: dict[str, Any]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server["ca"])
    except OSError as error:
        why = (error.strerror or "it is none").lower()
        raise UnsendableError(f"the certificate `{server['ca']}` can't be read: {why}") from None


def _written(told: dict[str, Any]) -> tuple[EmailMessage, list[str]]:
    """The message, and all who get it. Raises UnsendableError."""
    message = EmailMessage()
    found = {name: [_address(name, each) for each in told[name]] for name in ("to", "cc", "bcc", "reply_to")}
    receivers = [each.addr_spec for name in ("to", "cc", "bcc") for each in found[name]]
    if not receivers:
        raise UnsendableError("nobody gets it: set `to`")
    message["From"] = _address("from", told["from"])
    for name, header in (("to", "To"), ("cc", "Cc"), ("reply_to", "Reply-To")):
        if found[name]:
            message[header] = found[name]
    message["Subject"] = _line(told["subject"])
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=message["From"].addresses[0].domain)
    message["Auto-Submitted"] = "auto-generated"
    plain = "" if told["html"] is None else "This message is HTML.\n"
    message.set_content(plain if told["text"] is None else told["text"])
    if told["html"] is not None:
        message.add_alternative(told["html"], subtype="html")
    _attach(message, told["attach"])
    return message, list(dict.fromkeys(receivers))


def _line(text: str) -> str:
    """One line: an end of a line in a header would begin the next header."""
    if any(character < " " and character != "\t" for character in text) or "\x7f" in text:
        raise UnsendableError("`subject` should be one line, without control characters")
    return text


def _address(name: str, written: str) -> Address:
    """`ann@example.org`, or `Ann <ann@example.org>`."""
    refused = UnsendableError(
        f"`{name}` should be one address such as ops@example.org, found `{_shown(written)}`"
    )
    if any(character < " " or character == "\x7f" for character in written):
        raise refused
    pairs = getaddresses([written])
    if len(pairs) != 1 or "@" not in pairs[0][1]:
        raise refused
    display, address = pairs[0]
    user, _, domain = address.rpartition("@")
    if not user or not domain or any(each in address for each in ' ,;:<>()[]"\\'):
        raise refused
    try:
        return Address(display, user, domain)
    except ValueError:
        raise refused from None


def _shown(written: str) -> str:
    return written.encode("unicode_escape").decode()[:200]


def _attach(message: EmailMessage, paths: list[str]) -> None:
    size = 0
    for path in paths:
        try:
            size += os.path.getsize(path)
            if size > _MOST:
                raise UnsendableError(
                    "the attachments are longer than 25 MiB: keep them somewhere, and send a link"
                )
            with open(path, "rb") as file:
                data = file.read(_MOST + 1)
        except OSError as error:
            why = (error.strerror or "no reason was given").lower()
            raise UnsendableError(f"the file `{path}` can't be read: {why}") from None
        kind, _ = mimetypes.guess_type(path)
        main, _, sub = (kind or "application/octet-stream").partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=_line(os.path.basename(path)))


def _named(refused: dict[str, Any]) -> str:
    return " and ".join(
        f"`{address}` ({code} {_said(why)})" for address, (code, why) in sorted(refused.items())
    )


def _passing(refused: dict[str, Any]) -> bool:
    """Whether it may be otherwise later."""
    return all(code < 500 for code, _ in refused.values())


def _said(text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    return said.partition("\n")[0][:200]


def _words(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "has a certificate that is not to be trusted"
    if isinstance(error, ssl.SSLError):
        return "speaks no TLS on this port: set `tls` of the connection"
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(error, TimeoutError):
        return f"sent nothing for {_PATIENCE:g} seconds"
    return "broke off"


with contextlib.suppress(OSError):
    mimetypes.init()
