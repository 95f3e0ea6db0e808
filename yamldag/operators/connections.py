"""Connections: what a URL or a mapping says of another system, in the same words for every kind."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from yamldag.operators.contract import Json, text
from yamldag.operators.secrets import UnresolvedError

DATABASES = ("mariadb", "mysql", "postgresql", "sqlite")
STORES = ("ftp", "ftps", "s3", "sftp")
CHATS = ("discord", "slack", "teams", "webhook")
KINDS = ("docker", "http", "https", "kubernetes", "smtp", "smtps", "ssh", *CHATS, *DATABASES, *STORES)
"""Those whose settings are known, and checked: `schemas/connections/`. Any other may have any setting."""
ALIASES = {"postgres": "postgresql"}
_DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
"""SQLAlchemy's names of the drivers that yamldag's extras bring."""
_PRIVATE = ("pass", "secret", "token", "key", "credential", "authorization", "cookie")
"""What a setting is called whose value must not be seen."""

UNREADABLE = (
    "a port is a number up to 65535, and signs such as `@` and `/` in a password are written `%40` and `%2F`"
)

Connection = dict[str, Json]


def parse(name: str, given: str) -> Json:
    """What `YAMLDAG_CONNECTION_NAME` says: JSON, or a URL. Raises UnresolvedError."""
    if not given.lstrip().startswith("{"):
        return given.strip()
    try:
        found: Json = json.loads(given)
    except ValueError:
        raise UnresolvedError(f"the connection `{name}` is neither a URL nor JSON") from None
    return found


def read(name: str, given: Json) -> Connection:
    """A connection as a mapping; of a URL its parts, what is said beside it over them. Raises UnresolvedError."""
    if isinstance(given, str):
        return _of_url(name, given)
    if not isinstance(given, dict):
        raise UnresolvedError(f"the connection `{name}` should be a URL or a mapping, found `{text(given)}`")
    found = dict(given)
    if isinstance(url := found.get("url"), str):
        found = {**_of_url(name, url), **found}
    if isinstance(kind := found.get("type"), str):
        found["type"] = ALIASES.get(kind, kind)
    return found


def _of_url(name: str, url: str) -> Connection:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise UnresolvedError(f"the connection `{name}` is no URL that can be read: {UNREADABLE}") from None
    if not parts.scheme or "://" not in url:
        raise UnresolvedError(
            f"the connection `{name}` should be a URL such as postgresql://db.example.org/sales"
        )
    kind = ALIASES.get(parts.scheme, parts.scheme)
    found: Connection = {"type": kind, "url": url.strip()}
    if parts.hostname:
        found["host"] = parts.hostname
    if port is not None:
        found["port"] = port
    if parts.username:
        found["user"] = unquote(parts.username)
    if parts.password is not None:
        found["password"] = unquote(parts.password)
    if kind in ("http", "https", *STORES):
        found["path"] = parts.path
    elif kind == "sqlite":
        found["database"] = unquote(parts.path.removeprefix("/"))
    elif path := parts.path.removeprefix("/"):
        found["database"] = unquote(path)
    if extra := dict(parse_qsl(parts.query)):
        found["extra"] = dict(extra)
    return found


def private(connection: Mapping[str, Json], key: str = "") -> list[str]:
    """The values in it that must not be seen."""
    found: list[str] = []
    for name, value in connection.items():
        if isinstance(value, dict):
            found += private(value, f"{key}{name}")
        elif isinstance(value, str) and any(word in f"{key}{name}".lower() for word in _PRIVATE):
            found += [value, *value.partition(" ")[2:]]  # `Bearer abc` is `abc` too
    if isinstance(url := connection.get("url"), str) and connection.get("type") in (*CHATS, "apprise"):
        found.append(url)  # who knows the address of a chat may write there
    if isinstance(url, str) and "@" in url:
        found += [word for word in [urlsplit(url).password] if word]
    return [each for each in found if each]


def web_address(connection: Mapping[str, Json], path: str) -> str:
    """The URL of a request: the connection's, with the path behind it."""
    base = connection.get("url")
    if not isinstance(base, str):
        kind = text(connection.get("type") or "https")
        host = text(connection.get("host") or "")
        port = f":{text(connection['port'])}" if connection.get("port") is not None else ""
        base = f"{kind}://{host}{port}{text(connection.get('path') or '')}"
    parts = urlsplit(base)
    netloc = parts.netloc.rpartition("@")[2]  # who signs in stands in a header
    start = parts._replace(netloc=netloc, query="", fragment="").geturl().rstrip("/")
    return f"{start}/{path.lstrip('/')}" if path else start


def leads_up(path: str) -> bool:
    """Whether it leaves the folder that it begins in, however that is written."""
    return ".." in re.split(r"[/\\]", unquote(re.split("[?#]", path, maxsplit=1)[0]))


def web_headers(connection: Mapping[str, Json]) -> dict[str, str]:
    """The headers of every request, those that sign in among them."""
    given = connection.get("headers")
    headers = {name: text(value) for name, value in given.items()} if isinstance(given, dict) else {}
    if any(name.lower() == "authorization" for name in headers):
        return headers
    if connection.get("token") is not None:
        headers["Authorization"] = f"Bearer {text(connection['token'])}"
    elif connection.get("user") is not None and web_signing(connection) is None:
        import base64

        pair = f"{text(connection['user'])}:{text(connection.get('password') or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers


def store_url(connection: Mapping[str, Json], path: str) -> str:
    """The URL of a file in a store: the connection's own place, with the path behind it. Raises UnresolvedError."""
    kind = text(connection.get("type") or "")
    if kind in ("http", "https"):
        return web_address(connection, path)
    start = text(connection.get("path") or "").strip("/")
    whole = "/".join(part for part in (start, path.lstrip("/")) if part)
    if kind == "s3":  # whose keys are written as they are
        bucket = text(connection.get("bucket") or connection.get("host") or "")
        return f"s3://{bucket}/{whole}" if bucket else f"s3://{whole}"
    host = text(connection.get("host") or "")
    if not kind or not host:
        raise UnresolvedError("it has no `type`, such as `s3`" if not kind else "it has no `host`")
    host = f"[{host}]" if ":" in host else host
    port = f":{text(connection['port'])}" if connection.get("port") is not None else ""
    return f"{kind}://{host}{port}/{quote(whole)}"


def web_signing(connection: Mapping[str, Json]) -> dict[str, Json] | None:
    """What signs in with more than a header, as `yamldag.executors.signing` has it."""
    if connection.get("token_url") is not None:
        names = ("token_url", "client_id", "client_secret", "scope")
        return {name: text(connection[name]) for name in names if connection.get(name) is not None}
    if connection.get("auth") == "digest":
        return {"digest": [text(connection.get("user") or ""), text(connection.get("password") or "")]}
    return None


def web_tls(connection: Mapping[str, Json]) -> dict[str, Json] | None:
    """Files of certificates: who is trusted, and who we are."""
    root = text(connection.get("root") or "/")
    names = ("ca", "cert", "cert_key")
    given = {
        name: os.path.join(root, text(connection[name])) for name in names if connection.get(name) is not None
    }
    return {"ca": given.get("ca"), "cert": given.get("cert"), "key": given.get("cert_key")} if given else None


def database_url(connection: Mapping[str, Json], root: str) -> str:
    """SQLAlchemy's URL of a database; a path of SQLite's starts from `root`. Raises UnresolvedError."""
    kind = text(connection.get("type") or "")
    if kind == "sqlite":
        path = text(connection.get("database") or connection.get("path") or "")
        return f"sqlite:///{path if path in ('', ':memory:') else os.path.join(root, path)}"
    url = connection.get("url")
    if kind.partition("+")[0] not in _DRIVERS and isinstance(url, str):
        return url
    if not kind:
        raise UnresolvedError("it has no `type`, such as `postgresql`, and no `url`")
    return _composed(_DRIVERS.get(kind, kind), connection)


def is_database(connection: Mapping[str, Json]) -> bool:
    """Whether it may lead to one: those of other kinds than ours do by a URL, which SQLAlchemy may know."""
    kind = text(connection.get("type") or "").partition("+")[0]
    return not kind or kind in DATABASES or connection.get("url") is not None


def _composed(driver: str, connection: Mapping[str, Json]) -> str:
    who = ""
    if connection.get("user") is not None:
        password = connection.get("password")
        word = "" if password is None else f":{quote(text(password), safe='')}"
        who = f"{quote(text(connection['user']), safe='')}{word}@"
    host = text(connection.get("host") or "")
    host = f"[{host}]" if ":" in host else host
    port = f":{text(connection['port'])}" if connection.get("port") is not None else ""
    name = quote(text(connection.get("database") or ""), safe="")
    extra = connection.get("extra")
    pairs = extra.items() if isinstance(extra, dict) else ()
    query = "&".join(f"{quote(key, safe='')}={quote(text(value), safe='')}" for key, value in pairs)
    return f"{driver}://{who}{host}{port}/{name}{f'?{query}' if query else ''}"
