"""`yamldag connections` and `yamldag secrets`: what is there, where it is from, and never a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import docker_engine, kubernetes_api
from tests.answering import Asked, Said, answering
from tests.cli.commands import Caller

SECRET = "hunter2-hunter2"
PROJECT = """
secrets: {key: hunter2-hunter2, none: , two: "no"}
connections:
  lite: sqlite:///lite.db
  web: {type: http, host: 127.0.0.1, port: 1, user: ann, password: "{{ secrets.key }}"}
  away: "postgres://etl:{{ secrets.key }}@127.0.0.1:1/sales?connect_timeout=5"
  broken: {type: mysql, host: h, password: "{{ secrets.none }}"}
"""


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.chdir(tmp_path)
    made = Caller(tmp_path, capsys)
    made.write("yamldag.yml", PROJECT)
    return made


def test_the_list_says_where_all_comes_from(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_CONNECTION_LITE", "mysql://root@db:3307/x")
    monkeypatch.setenv(
        "YAMLDAG_CONNECTION_MORE", json.dumps({"type": "ssh", "host": "build", "password": SECRET})
    )
    said = call("connections", "--json")
    assert said.code == 1
    found = {row.pop("id"): row for row in said.json}
    good = {"note": None, "source": "yamldag.yml"}
    assert found["lite"] == {
        "type": "mysql",
        "address": "db:3307/x",
        "note": None,
        "source": "$YAMLDAG_CONNECTION_LITE",
    }
    assert found["more"] == {
        "type": "ssh",
        "address": "build",
        "note": None,
        "source": "$YAMLDAG_CONNECTION_MORE",
    }
    assert found["web"] == {"type": "http", "address": "127.0.0.1:1", **good}
    assert found["away"] == {"type": "postgresql", "address": "127.0.0.1:1/sales", **good}
    assert "the secret `none` has no value here" in found["broken"]["note"]
    assert (found["broken"]["type"], found["broken"]["address"]) == ("mysql", None)
    assert SECRET not in said.out + call("connections", "list").out


def test_secrets_are_named(call: Caller) -> None:
    said = call("secrets", "list", "--json")
    assert said.code == 1
    rows = {row["name"]: row for row in said.json}
    assert rows["key"] == {"name": "key", "source": "yamldag.yml", "note": None}
    assert rows["none"]["source"] is None
    assert rows["two"]["note"] == "it has fewer than 3 characters, so that it is not masked"
    assert SECRET not in said.out + call("secrets").out


def test_what_a_connection_of_ones_own_kind_leads_to_is_not_tried(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "yamldag.yml").write_text("connections: {own: {type: acme, key: x}}\n")
    said = call("connections", "test", "own")
    assert (said.code, said.out.startswith("own: it is not tried: what `acme` leads to")) == (0, True), said


def test_a_test_says_whether_it_can_be_reached(call: Caller, tmp_path: Path) -> None:
    assert call("connections", "test", "lite").out.endswith("the first task that writes makes it\n")
    assert not (tmp_path / "lite.db").exists()
    (tmp_path / "lite.db").touch()
    assert call("connections", "test", "lite").out.startswith("lite: it answers: sqlite ")
    for name in ("web", "away", "broken"):
        said = call("connections", "test", name, "--json")
        assert (said.code, said.json["ok"]) == (1, False)
        assert SECRET not in said.out + said.err
    assert "refused the connection" in call("connections", "test", "web").out


def test_an_address_is_asked_for_as_little_as_may_be(call: Caller) -> None:
    """A HEAD; a GET where that is not known, whose body is not read. Signed as a task's requests are."""

    def answer(asked: Asked) -> Said:
        if asked.method == "HEAD" and asked.path != "/head":
            return Said(501 if asked.path == "/old" else 405)
        if not (asked.headers["Authorization"] or "").startswith("Digest "):
            return Said(401, headers={"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})
        return Said(body=b"the first of many", headers={"Content-Length": str(1 << 40)})

    with answering(answer) as site:
        signing = {"auth": "digest", "user": "ann", "password": SECRET}
        known = {name: {"url": f"{site.url}/{name}", **signing} for name in ("head", "old", "get")}
        call.write("yamldag.yml", json.dumps({"connections": known}))
        for name in known:
            assert call("connections", "test", name).out == f"{name}: it answers 200 OK\n"
    assert [(asked.method, asked.path) for asked in site.came] == [
        *(("HEAD", "/head"),) * 2,
        ("HEAD", "/old"), ("GET", "/old"), ("GET", "/old"),
        ("HEAD", "/get"), ("GET", "/get"), ("GET", "/get"),
    ]  # fmt: skip


def test_an_engine_and_a_cluster_are_asked(call: Caller, tmp_path: Path) -> None:
    for name in ("e", "k"):
        (tmp_path / name).mkdir()
    with (
        docker_engine.private(tmp_path / "e") as engine,
        kubernetes_api.private(tmp_path / "k", SECRET) as there,
    ):
        known: dict[str, object] = {
            "local": engine.url,
            "engine": {"type": "docker", "url": engine.url},
            "away": "tcp://127.0.0.1:1",
            "none": {"type": "docker", "url": "ftp://x"},
            "web": {"type": "docker", "url": there.url},
            "k": {"type": "kubernetes", "url": there.url, "token": SECRET, "namespace": "data"},
            "wrong": {"type": "kubernetes", "url": there.url, "token": f"{SECRET}-2"},
            "nowhere": {"type": "kubernetes", "kubeconfig": "no/config"},
        }
        call.write("yamldag.yml", json.dumps({"connections": known}))
        said = {name: call("connections", "test", name) for name in known}
    assert {name: each.code for name, each in said.items() if each.code == 0} == {
        "local": 0,
        "engine": 0,
        "k": 0,
    }
    assert {name: each.out for name, each in said.items()} == {
        "local": "local: it answers: Docker 27.1.1\n",
        "engine": "engine: it answers: Docker 27.1.1\n",
        "away": "away: the Docker engine at tcp://127.0.0.1:1 can't be reached: connection refused\n",
        "none": "none: the Docker engine should be a URL such as `unix:///var/run/docker.sock` or `tcp://host:2376`, found `ftp://x`\n",
        "web": "web: Unauthorized\n",
        "k": "k: it answers: Kubernetes v1.37.0, and lets us make Jobs in `data`\n",
        "wrong": f"wrong: the cluster at {there.url} does not know us: what signs in is not good there\n",
        "nowhere": f"nowhere: the kubeconfig `{tmp_path}/no/config` can't be read: no such file or directory\n",
    }  # fmt: skip


def test_wrong_usage(call: Caller) -> None:
    assert call("connections", "test", "lit").err.endswith(
        "there is no connection `lit`; did you mean `lite`?\n"
    )
    assert call("connections", "test").code == 2
    assert call("connections", "list", "lite").code == 2
    call.write("yamldag.yml", "connections: {a: {type: mysql, hots: h}}")
    assert "unknown key `hots` in the connection `a`" in call("connections").err


def test_nothing_is_declared(call: Caller) -> None:
    call.write("yamldag.yml", "{}")
    assert (
        call("secrets").err == "there are no secrets; declare their names under `secrets:` in yamldag.yml\n"
    )
    assert "declare them under `connections:`" in call("connections").err


@pytest.mark.parametrize("text", ["[1]", "{not json", "just words"])
def test_what_the_environment_says_must_be_a_connection(
    call: Caller, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("YAMLDAG_CONNECTION_LITE", text)
    row = next(row for row in call("connections", "--json").json if row["id"] == "lite")
    assert row["note"] in (
        "the connection `lite` should be a URL such as postgresql://db.example.org/sales",
        "the connection `lite` is neither a URL nor JSON",
    )
