"""Where a secret is looked for, in which order, and what is said of a source that can't be asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import pytest

from yamldag.executors.guard.keyring import Keyring
from yamldag.operators import strongbox
from yamldag.operators.secrets import FOLDER, KEYS, UnresolvedError
from yamldag.operators.strongbox import Strongbox

KEY = "q7gYbnPWmMzZbgpIIBVmuMlOqbNYzMQlLrIWvAI1v8E="


class Vault(BaseHTTPRequestHandler):
    """Speaks as much of Vault's API as is asked: version 2 of the key-value engine, and AppRole."""

    fields: dict[str, Any] = {}  # noqa: RUF012
    token = "s.right"
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.headers.get("X-Vault-Token") != self.token:
            self._say(403, {"errors": ["permission denied"]})
        elif self.path == "/v1/secret/data/teams/data":
            self._say(200, {"data": {"data": self.fields, "metadata": {"version": 3, "destroyed": False}}})
        else:
            self._say(404, {"errors": []})

    def do_POST(self) -> None:
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = self.path == "/v1/auth/approle/login" and given == {"role_id": "r", "secret_id": "s3cr3t-id"}
        if good:
            self._say(200, {"auth": {"client_token": self.token, "lease_duration": 60, "renewable": False}})
        else:
            self._say(400, {"errors": ["invalid role or secret ID"]})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def vault() -> Iterator[str]:
    Vault.fields, Vault.asked = {"db": "from-vault", "number": 17}, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Vault) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Drawer(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = 1.0
    kept: dict[tuple[str, str], str] = {}  # noqa: RUF012

    def get_password(self, service: str, username: str) -> str | None:
        if username == "locked":
            raise keyring.errors.KeyringLocked("the drawer is locked, and more")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def drawer() -> Iterator[dict[tuple[str, str], str]]:
    before = keyring.get_keyring()
    keyring.set_keyring(Drawer())  # type: ignore[no-untyped-call]
    Drawer.kept = {}
    yield Drawer.kept
    keyring.set_keyring(before)


def keys(
    *sources: Any,
    names: Mapping[str, str | None] | None = None,
    environment: dict[str, str] | None = None,
    stored: dict[str, dict[str, str]] | None = None,
    root: str = "/",
) -> Keyring:
    told = {"root": root, "secrets": names or {"db": None}, "connections": {}, "sources": list(sources)}
    around = {FOLDER: "/nowhere", KEYS: KEY, **(environment or {})}
    return Keyring(around, told, stored)


def closed(value: str, kind: str = "secret", name: str = "db") -> dict[str, dict[str, str]]:
    return {kind: {name: Strongbox([KEY], "").closed(kind, name, value)}}


def test_the_first_source_that_has_it_gives_it(
    tmp_path: Path, vault: str, drawer: dict[tuple[str, str], str]
) -> None:
    (tmp_path / "db").write_text("from-file\n")
    drawer["yamldag", "db"] = "from-keyring"
    sources = (
        ["keyring", None, None],
        ["vault", {"url": vault, "path": "teams/data", "token": "s.right"}, None],
    )
    names: dict[str, str | None] = {"db": "from-project"}
    here = {"YAMLDAG_SECRET_DB": "from-environment", FOLDER: str(tmp_path)}

    def found(**options: Any) -> tuple[str, str]:
        value = keys(*options.pop("sources", sources), names=names, **options).value("db")
        return value.text, value.origin

    stored = closed("from-store")
    assert found(environment=here, stored=stored) == ("from-environment", "$YAMLDAG_SECRET_DB")
    del here["YAMLDAG_SECRET_DB"]
    assert found(environment=here, stored=stored) == ("from-file", f"{tmp_path}/db")
    assert found(stored=stored) == ("from-store", "the database")
    assert found() == ("from-keyring", "keyring")
    assert found(sources=sources[::-1]) == ("from-vault", "vault")
    drawer.clear()
    assert found() == ("from-vault", "vault")
    Vault.fields = {}
    assert found() == ("from-project", "yamldag.yml")


def test_vault_is_asked_once_for_all_its_fields(vault: str) -> None:
    found = keys(
        ["vault", {"url": vault, "path": "teams/data", "token": "s.right"}, None],
        names={"db": None, "number": None, "none": None},
    )
    assert (found.secret("db"), found.secret("number")) == ("from-vault", "17")
    with pytest.raises(UnresolvedError, match="the secret `none` has no value here"):
        found.secret("none")
    assert Vault.asked == ["/v1/secret/data/teams/data"]
    assert {"from-vault", "17"} <= found.given


def test_what_signs_in_to_a_source_may_come_from_those_before_it(
    vault: str, drawer: dict[tuple[str, str], str]
) -> None:
    settings = {"url": vault, "path": "teams/data", "role_id": "r", "secret_id": "{{ secrets.vault_id }}"}
    names = {"db": None, "vault_id": None}
    drawer["yamldag", "vault_id"] = "s3cr3t-id"
    found = keys(["keyring", {}, None], ["vault", settings, None], names=names)
    assert found.secret("db") == "from-vault"
    assert "s3cr3t-id" in found.given
    with pytest.raises(
        UnresolvedError, match=r"the source `vault` of secrets: .*`vault_id` has no value here"
    ):
        keys(["vault", settings, None], ["keyring", {}, None], names=names).secret("db")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"token": "s.wrong"}, "does not give `teams/data`: permission denied"),
        (
            {"token": "s.right", "url": "http://127.0.0.1:1"},
            "can't be reached, or does not answer as Vault does",
        ),
        ({"role_id": "r", "secret_id": "no"}, "does not give `teams/data`: invalid role or secret id"),
    ],
)
def test_vault_that_gives_nothing_says_why_and_nobody_else_is_asked(
    vault: str, settings: dict[str, str], why: str
) -> None:
    found = keys(
        ["vault", {"url": vault, "path": "teams/data", **settings}, None], names={"db": "from-project"}
    )
    with pytest.raises(UnresolvedError, match=why) as raised:
        found.secret("db")
    assert "s.wrong" not in str(raised.value)


def test_a_path_that_is_not_in_vault_has_no_fields(vault: str) -> None:
    found = keys(["vault", {"url": vault, "path": "other", "token": "s.right"}, None], names={"db": "here"})
    assert found.secret("db") == "here"


def test_a_keyring_that_is_locked_says_so(drawer: dict[tuple[str, str], str]) -> None:
    with pytest.raises(UnresolvedError, match="keyring can't be asked for `locked`: the drawer is locked"):
        keys(["keyring", {}, None], names={"locked": None}).secret("locked")


@pytest.mark.parametrize(("name", "package"), [("keyring", "keyring"), ("vault", "hvac")])
def test_without_its_package_a_source_says_what_to_install(
    name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(UnresolvedError, match=rf"pip install 'yamldag\[{name}\]'"):
        keys([name, {"url": "http://x", "path": "y"}, None]).secret("db")


def test_a_plug_in_is_a_source_with_its_settings_and_its_paths_start_at_the_root(tmp_path: Path) -> None:
    plugin = tmp_path / "source.py"
    plugin.write_text(
        "def find(name, file, suffix=''):\n"
        "    with open(file) as lines:\n"
        "        found = dict(line.strip().split('=') for line in lines)\n"
        "    return found[name] + suffix if name in found else None\n"
    )
    (tmp_path / "values").write_text("db=from-plugin\n")
    source = ["mine", {"file": "values", "suffix": "!"}, str(plugin)]
    found = keys(source, root=str(tmp_path), names={"db": None, "other": None})
    assert (found.value("db").text, found.value("db").origin) == ("from-plugin!", "mine")
    with pytest.raises(UnresolvedError, match="the secret `other` has no value here"):
        found.secret("other")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def find(name): 1 / 0", "the source `mine` of secrets broke off: division by zero"),
        ("def find(name): return 1", "the source `mine` of secrets should give text for `db`"),
        ("def find(): ...", "the source `mine` of secrets broke off"),
        ("1 / 0", "the source `mine` of secrets broke off: division by zero"),
    ],
)
def test_a_plug_in_that_is_wrong_is_words(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "source.py").write_text(text)
    with pytest.raises(UnresolvedError, match=why):
        keys(["mine", {}, str(tmp_path / "source.py")], root=str(tmp_path)).secret("db")


def test_a_plug_in_that_has_gone_is_said_to_have(tmp_path: Path) -> None:
    with pytest.raises(UnresolvedError, match="there is no source `mine` of secrets"):
        keys(["mine", {}, None]).secret("db")


def test_a_connection_of_the_database_is_opened_and_its_secrets_are_put_in(tmp_path: Path) -> None:
    kept = closed(
        '{"type": "mysql", "host": "db", "password": "{{ secrets.db }}"}', "connection", "warehouse"
    )
    found = keys(names={"db": "hunter2"}, stored=kept)
    assert found.origin("warehouse") == "the database"
    assert found.connection("warehouse") == {"type": "mysql", "host": "db", "password": "hunter2"}
    assert "hunter2" in found.given


def test_without_the_key_the_database_gives_nothing(tmp_path: Path) -> None:
    found = keys(
        names={"db": "weaker"},
        stored=closed("x"),
        environment={KEYS: strongbox.new_key()},
        root=str(tmp_path),
    )
    with pytest.raises(UnresolvedError, match="was encrypted by a key that is not in"):
        found.secret("db")


def test_what_a_plug_in_prints_is_not_shown(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "source.py"
    plugin.write_text(
        "import sys\nprint('loaded')\ndef find(name):\n    print('word')\n    print('word', file=sys.stderr)\n    return 'word'\n"
    )
    assert keys(["mine", {}, str(plugin)], root=str(tmp_path)).secret("db") == "word"
    assert capfd.readouterr() == ("", "")
