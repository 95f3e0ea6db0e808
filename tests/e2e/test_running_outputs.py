"""What a task hands on, and what those below it see of that."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from tests.e2e.project import Project, Ran


def shows(name: str, expression: str) -> str:
    """A task that keeps a value, as JSON."""
    keep = f'printf %s "$V" > "$YAMLDAG_RUN_DIR/see_{name}"'
    return f"  see_{name}: {{env: {{V: '{{{{ ({expression}) | tojson }}}}'}}, bash: '{keep}'}}\n"


def seen(ran: Ran, name: str) -> Any:
    kept = ran.project.folder / ".yamldag" / "runs" / ran.id / f"see_{name}"
    return json.loads(kept.read_text())


def test_a_shells_output_is_json_or_pairs_or_null(project: Project) -> None:
    write = "> $YAMLDAG_OUTPUT"
    cases: dict[str, tuple[str, str, Any]] = {
        "mapping": (f"""printf '{{"a": [1, 2.5, null], "b": {{"é": true}}}}' {write}""", "", {"a": [1, 2.5, None], "b": {"é": True}}),
        "number": (f"echo 12 {write}", "", 12),
        "word": (f"""echo '"a b"' {write}""", "", "a b"),
        "null": (f"echo null {write}", "", None),
        "nothing": ("echo", "", None),
        "empty": (f": {write}", "", None),
        "blank": (f"echo {write}", "", None),
        "pairs": (f"printf 'a=1\\nb=x=y z\\n\\nc=\\nd=true\\n' {write}", "", {"a": "1", "b": "x=y z", "c": "", "d": "true"}),
        "again": (f"printf 'a=1\\na=2' {write}", "", {"a": "2"}),
        "appended": (f"echo a=1 >{write}; echo b=2 >{write}", "", {"a": "1", "b": "2"}),
        "typed": (
            f"printf 'n=3\\nf=0.5\\nok=true\\nl=[1, 2]\\no={{}}\\ns=007\\n' {write}",
            "n: integer, f: number, ok: boolean, l: array, o: object, s: string",
            {"n": 3, "f": 0.5, "ok": True, "l": [1, 2], "o": {}, "s": "007"},
        ),
        "extra": (f"printf 'n=3\\nmore=4\\n' {write}", "n: integer", {"n": 3, "more": "4"}),
        "schema": (f"echo 7 {write}", "type: integer, minimum: 5", 7),
        "windows": (f"printf 'a=1\\r\\nb=2\\r\\n' {write}", "", {"a": "1", "b": "2"}),
    }  # fmt: skip
    tasks = ""
    for name, (script, declared, _) in cases.items():
        output = f", output: {{{declared}}}" if declared else ""
        tasks += f"  {name}: {{bash: {json.dumps(script)}{output}}}\n" + shows(name, f"tasks.{name}.output")
    ran = project.run(f"tasks:\n{tasks}")
    assert ran.state == "success"
    assert {name: seen(ran, name) for name in cases} == {
        name: wanted for name, (_, _, wanted) in cases.items()
    }


def test_a_bad_output_fails_its_task_in_words(project: Project) -> None:
    cases = {
        "sentence": ("echo a sentence", "", "a sentence"),
        "broken": ("""echo '{"a": '""", "", "JSON"),
        "nan": ("echo NaN", "", "NaN"),
        "inside": ("""echo '{"a": Infinity}'""", "", "Infinity"),
        "binary": ("printf '\\xff\\xfe'", "", "UTF-8"),
        "long": ("""(printf '"'; head -c 1100000 /dev/zero | tr '\\0' x; printf '"')""", "", "1 MiB"),
        "type": ("echo n=x", "n: integer", "`n`"),
        "lacks": ("echo a=x", "n: integer, a: string", "`n`"),
        "kind": ("echo '[1]'", "n: integer", "list"),
        "none": ("true", "n: integer", "n"),
        "least": ("echo 3", "type: integer, minimum: 5", "5"),
        "choice": ("echo '\"c\"'", "type: string, enum: [a, b]", "c"),
    }
    tasks = ""
    for name, (script, declared, _) in cases.items():
        output = f", output: {{{declared}}}" if declared else ""
        tasks += f"  {name}: {{bash: {json.dumps(f'{script} > $YAMLDAG_OUTPUT')}{output}, retries: 2, retry_delay: 0s}}\n"
    tasks += """
  untouched: {bash: 'echo n=1 > $YAMLDAG_OUTPUT; exit 1'}
  see_untouched: {needs: untouched, trigger_rule: all_done, env: {V: '{{ tasks.untouched.output | tojson }}'}, bash: 'printf %s "$V" > "$YAMLDAG_RUN_DIR/see_untouched"'}
  see_key: {needs: untouched, trigger_rule: all_done, bash: 'echo {{ tasks.untouched.output.n | default("none") }}'}
  need_key: {needs: untouched, trigger_rule: all_done, bash: 'echo {{ tasks.untouched.output.n }}', retries: 1, retry_delay: 0s}
"""
    ran = project.run(f"tasks:\n{tasks}")
    reasons = ran.reasons
    for name, (_, _, wanted) in cases.items():
        assert (ran.states[name], ran.attempts[name]) == ("failed", 1), name
        assert wanted in reasons[name], (name, reasons[name])
        assert "Error" not in reasons[name]
    assert seen(ran, "untouched") is None
    assert ran.log("see_key") == "none\n"
    assert (ran.states["need_key"], ran.attempts["need_key"]) == ("failed", 1)


def test_python_values_come_over_as_json(project: Project) -> None:
    project.write(
        "pipelines/values.py",
        """
import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

class Colour(str, Enum):
    RED = "red"

def plain():
    print("to the log")
    return {
        "tuple": (1, (2, "x")), "date": datetime.date(2026, 1, 2),
        "utc": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "seoul": datetime.datetime(2026, 1, 2, 3, tzinfo=ZoneInfo("Asia/Seoul")),
        "none": None, "true": True, "float": 1.5, "int": 2**53, "text": "é\\U0001f680", "red": Colour.RED,
        "nested": [{"a": ()}],
    }

def nothing(): pass
def echo(**given): return given
async def later(): return "later"
def nan(): return [0.0, float("nan")]
def infinite(): return float("inf")
def set_(): return {1, 2}
def thing(): return object()
def bytes_(): return b"x"
def huge(): return "x" * (1 << 20)
def surrogate(): return "\\ud800"
def ring():
    a = []
    a.append(a)
    return a
def keys(): return {1: 2}
def decimal(): return Decimal("1.50")
def path(): return Path("/tmp/x")
""",
    )
    bad = ("nan", "infinite", "set_", "thing", "bytes_", "huge", "surrogate", "ring", "keys")
    tasks = "".join(
        f"  {name}: {{python: values:{name}, retries: 2, retry_delay: 0s}}\n"
        for name in (*bad, "plain", "nothing", "later")
    )
    tasks += shows("plain", "tasks.plain.output") + shows("nothing", "tasks.nothing.output")
    tasks += """
  echo:
    python: values:echo
    args: {n: "{{ params.n }}", text: "n is {{ params.n }}", list: ["{{ params.list }}", 2], day: "{{ logical_date }}", whole: "{{ tasks.plain.output }}", spaced: "  {{ params.n }} ", none: null, yes: true}
  script:
    python:
      script: |
        import math
        return {"sum": a + b, "pi": math.floor(math.pi)}
    args: {a: 1, b: "{{ params.n }}"}
  types: {python: values:echo, args: {sum: "{{ tasks.script.output.sum }}"}, output: {sum: integer}}
  misfit: {python: values:echo, args: {sum: "{{ params.n | string }}"}, output: {sum: integer}}
"""
    tasks += (
        shows("echo", "tasks.echo.output")
        + shows("script", "tasks.script.output")
        + shows("types", "tasks.types.output")
    )
    ran = project.run(
        f"params: {{n: 3, list: {{type: array, default: [1, {{a: b}}]}}}}\ntasks:\n{tasks}",
        "--date",
        "2026-01-02T03:04:05",
    )
    plain: dict[str, Any] = {
        "tuple": [1, [2, "x"]], "date": "2026-01-02", "utc": "2026-01-02T03:04:05+00:00",
        "seoul": "2026-01-02T03:00:00+09:00", "none": None, "true": True, "float": 1.5, "int": 2**53,
        "text": "é\U0001f680", "red": "red", "nested": [{"a": []}],
    }  # fmt: skip
    assert seen(ran, "plain") == plain
    assert ran.log("plain") == "to the log\n"
    assert seen(ran, "nothing") is None
    assert seen(ran, "echo") == {
        "n": 3, "text": "n is 3", "list": [[1, {"a": "b"}], 2], "day": "2026-01-02T03:04:05+00:00", "whole": plain,
        "spaced": 3, "none": None, "yes": True,
    }  # fmt: skip
    assert seen(ran, "script") == {"sum": 4, "pi": 3}
    assert seen(ran, "types") == {"sum": 4}
    assert ran.states["misfit"] == "failed"
    reasons = ran.reasons
    for name in bad:
        assert (ran.states[name], ran.attempts[name]) == ("failed", 1), (name, reasons[name])
        assert "Error" not in reasons[name]
        assert "<" not in reasons[name], reasons[name]
    assert "1 MiB" in reasons["huge"]


class Site(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        path = self.path.partition("?")[0]
        if path == "/away":
            self.answer(302, b"", Location="/json")
        elif path == "/ring":
            self.answer(302, b"", Location="/ring")
        elif path == "/json":
            self.answer(200, b'{"a": [1, null]}', **{"Content-Type": "application/json; charset=utf-8"})
        elif path == "/problem":
            self.answer(404, b'{"title": "gone"}', **{"Content-Type": "application/problem+json"})
        elif path == "/bad-json":
            self.answer(200, b"{", **{"Content-Type": "application/json"})
        elif path == "/latin":
            self.answer(200, "é".encode("latin-1"), **{"Content-Type": "text/plain; charset=iso-8859-1"})
        elif path == "/empty":
            self.answer(204, b"")
        elif path == "/large":
            self.answer(200, b"x" * ((1 << 20) + 1), **{"Content-Type": "text/plain"})
        elif path == "/hang":
            self.server.released.wait(60)  # type: ignore[attr-defined]
        elif path == "/flaky":
            self.answer(503 if sum(each[1] == "/flaky" for each in self.seen) == 1 else 200, b"ok")
        else:
            self.answer(200, b"plain", **{"Content-Type": "text/plain", "X-Own": "1"})

    do_POST = do_PUT = do_GET  # noqa: N815

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.released = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Site.seen = []
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
        server.server_close()


def test_http_asks_and_reads_what_is_answered(project: Project) -> None:
    with site() as url:
        ran = project.run(f"""
vars: {{at: "{url}"}}
params: {{q: "a b&c", n: 3}}
defaults: {{retry_delay: 0s}}
tasks:
  json: {{http: "{{{{ vars.at }}}}/json"}}
  text: {{http: {{url: "{url}/text", query: {{q: "{{{{ params.q }}}}", n: "{{{{ params.n }}}}", many: [1, 2]}}, headers: {{X-N: "{{{{ params.n }}}}", X-On: true}}}}}}
  post: {{http: {{url: "{url}/text", method: POST, json: {{n: "{{{{ params.n }}}}", l: ["{{{{ params.q }}}}"]}}}}}}
  put: {{http: {{url: "{url}/text", method: put, body: "raw {{{{ params.n }}}}"}}}}
  away: {{http: "{url}/away"}}
  ring: {{http: "{url}/ring"}}
  problem: {{http: "{url}/problem"}}
  wanted: {{http: {{url: "{url}/problem", expect: [200, 404]}}}}
  one: {{http: {{url: "{url}/problem", expect: 404}}}}
  unwanted: {{http: {{url: "{url}/other", expect: 201}}}}
  bad_json: {{http: "{url}/bad-json", retries: 1}}
  latin: {{http: "{url}/latin"}}
  empty: {{http: "{url}/empty"}}
  large: {{http: "{url}/large"}}
  saved: {{http: {{url: "{url}/large", save_to: "{{{{ run.dir }}}}/large.txt"}}}}
  flaky: {{http: "{url}/flaky", retries: 2}}
  hang: {{http: "{url}/hang", timeout: 0.7s}}
  refused: {{http: "http://127.0.0.1:9/", retries: 1}}
  nowhere: {{http: "http://no-such-host.invalid/"}}
  no_url: {{http: "{{{{ params.q }}}}"}}
  size: {{bash: 'wc -c < "$YAMLDAG_RUN_DIR/large.txt"', needs: saved}}
{shows("json", "tasks.json.output")}{shows("text", "tasks.text.output")}{shows("wanted", "tasks.wanted.output.body")}
{shows("latin", "tasks.latin.output.body")}{shows("empty", "tasks.empty.output")}{shows("away", "tasks.away.output")}
{shows("status", "tasks.one.output.status + 1")}
""")
        requests = {
            (method, path.partition("?")[0]): (path, headers, body)
            for method, path, headers, body in Site.seen
        }
    states = {name: state for name, state in ran.states.items() if not name.startswith("see_")}
    failed = {"ring", "problem", "unwanted", "bad_json", "large", "hang", "refused", "nowhere", "no_url"}
    assert {name for name, state in states.items() if state == "failed"} == failed
    assert set(states.values()) == {"success", "failed"}
    body = seen(ran, "json")
    assert (body["status"], body["body"]) == (200, {"a": [1, None]})
    assert body["headers"]["content-type"].startswith("application/json")
    text = seen(ran, "text")
    assert (text["body"], text["headers"]["x-own"]) == ("plain", "1")
    path, headers, _ = requests["GET", "/text"]
    assert path in ("/text?q=a+b%26c&n=3&many=1&many=2", "/text?q=a%20b%26c&n=3&many=1&many=2")
    assert (headers["X-N"], headers["X-On"]) == ("3", "true")
    assert json.loads(requests["POST", "/text"][2]) == {"n": 3, "l": ["a b&c"]}
    assert requests["PUT", "/text"][2] == b"raw 3"
    assert seen(ran, "wanted") == {"title": "gone"}
    assert seen(ran, "latin") == "é"
    assert seen(ran, "empty")["status"] == 204
    assert seen(ran, "away")["body"] == {"a": [1, None]}
    assert seen(ran, "status") == 405
    assert ran.log("size").strip() == str((1 << 20) + 1)
    assert ran.attempts["flaky"] == ran.attempts["refused"] == 2
    assert ran.attempts["bad_json"] == 1
    reasons = ran.reasons
    words = {
        "problem": "404", "unwanted": "201", "refused": "refused the connection", "nowhere": "not known",
        "hang": "timed out", "large": "1 MiB", "ring": "redirected too often", "no_url": "URL",
    }  # fmt: skip
    for name, word in words.items():
        assert word in reasons[name], (name, reasons[name])
    assert "gone" in ran.log("problem")


def test_templates_see_values_as_the_language_says(project: Project) -> None:
    ran = project.run(
        r"""
timezone: Asia/Seoul
params: {flag: true, map: {type: object, default: {items: 1, get: 2}}}
tasks:
  a: {bash: 'echo "{\"items\": [1, 2], \"count\": 3, \"keys\": {\"values\": 4}, \"a-b\": 5}" > $YAMLDAG_OUTPUT'}
  keys: {env: {V: "{{ tasks.a.output.items }} {{ tasks.a.output.count }} {{ tasks.a.output.keys.values }} {{ tasks.a.output['a-b'] }} {{ params.map.items }} {{ params.map.get }} {{ tasks.a.output.items[1] }}"}, bash: 'echo "$V"'}
  loop: {bash: "{% for x in tasks.a.output.items %}echo {{ x }}\n{% endfor %}"}
  dates: {bash: 'echo {{ logical_date.strftime("%Y") }} {{ data_interval_end | ds }} {{ ds | add_days(1) }}'}
  signs: {bash: "printf '%s' '{# no comment #}' ${HOME:+{{ 1 }}}"}
  texts: {env: {F: "{{ params.flag }}", N: "{{ none }}", D: "{{ logical_date }}", L: "{{ [1, 'a', none] }}", R: "{{ 1.0 }}"}, bash: 'echo "$F|$N|$D|$L|$R"'}
  jinja: {bash: 'echo {{ "a" if params.flag else "b" }} {{ [3, 1, 2] | sort | join(",") }} {{ "%05d" | format(42) }}'}
  here: {bash: "cat <<'X'\n{{ tasks.a.output.count }}\nX\n"}
  kinds: {python: {script: "return [type(x).__name__, d]"}, args: {x: " {{ tasks.a.output.items }} ", d: "{{ logical_date }}"}}
  kept: {bash: 'echo {{ tasks.kinds.output[0] }} {{ tasks["kinds"]["output"][1] }}'}
  own: {bash: 'echo {{ run.type }} {{ run.assets | length }} {{ run.url }}'}
""",
        "--date",
        "2026-05-05T10:00",
    )
    assert ran.state == "success", ran.reasons
    logs = {task: ran.log(task) for task in ran.states if task not in ("a", "kinds")}
    assert logs == {
        "keys": "[1, 2] 3 4 5 1 2 2\n",
        "loop": "1\n2\n",
        "dates": "2026 2026-05-05 2026-05-06\n",
        "signs": "{# no comment #}1",
        "texts": 'true|null|2026-05-05T10:00:00+09:00|[1, "a", null]|1.0\n',
        "jinja": "a 1,2,3 00042\n",
        "here": "3\n",
        "kept": "list 2026-05-05T10:00:00+09:00\n",
        "own": "manual 0 null\n",
    }
