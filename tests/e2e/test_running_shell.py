"""Values on their way into a shell: none is ever run as code, whatever way it comes."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.project import Project, Ran
from tests.payloads import payloads

SAFE = (
    "word",
    "a b c",
    "-1",
    "-0.5",
    "1e3",
    "2026-01-01T00:00:00+00:00",
    "s3://a/b.c",
    "x@y.z",
    "50%",
    "a,b",
    "K=v",
    "-1 -2",
    ".",
    "..",
    "_",
)


def kept(ran: Ran, name: str) -> str:
    return (ran.project.folder / ".yamldag" / "runs" / ran.id / name).read_bytes().decode()


def test_a_payload_is_refused_bare_and_harmless_every_other_way(project: Project) -> None:
    bad = payloads()
    assert len(bad) >= 200
    keep = '"$YAMLDAG_RUN_DIR/{way}-$YAMLDAG_MAP_INDEX"'

    def each(script: str, **more: Any) -> dict[str, Any]:
        return {"foreach": "{{ tasks.give.output }}", "bash": script, "allow_failure": True, **more}

    tasks = {
        "give": {"python": {"script": "return texts"}, "args": {"texts": "{{ params.texts }}"}},
        "bare": each("echo {{ item }}"),
        "quoted": each('echo "{{ item }}"'),
        "ticked": each("echo '{{ item }}'"),
        "below": each("cat <<EOF\n{{ item }}\nEOF"),
        "sh": each("printf %s {{ item | sh }} > " + keep.format(way="sh")),
        "in_env": each('printf %s "$V" > ' + keep.format(way="env"), env={"V": "{{ item }}"}),
        "command": {
            "foreach": "{{ tasks.give.output }}",
            "command": ["sh", "-c", 'printf %s "$1" > "$2"', "sh", "{{ item }}", "{{ run.dir }}/command-{{ index }}"],
        },
    }  # fmt: skip
    mark = project.folder / "mark"
    params = {"texts": {"type": "array", "default": bad}}
    ran = project.run({"max_active_tasks": 8, "params": params, "tasks": tasks}, env={"MARK": str(mark)})
    assert not mark.exists()
    assert ran.state == "success"
    reasons = ran.reasons
    for number, text in enumerate(bad):
        for way in ("bare", "quoted", "ticked", "below"):
            name = f"{way}[{number}]"
            assert ran.states[name] == "failed", (name, text)
            assert "can't go into a shell" in reasons[name], (text, reasons[name])
            assert "| sh" in reasons[name]
        for way in ("sh", "env", "command"):
            assert kept(ran, f"{way}-{number}") == text, (way, text)


def test_plain_words_and_numbers_go_in_as_they_are(project: Project) -> None:
    ran = project.run(
        {
            "params": {"texts": {"type": "array", "default": list(SAFE)}, "n": -3, "f": -0.5, "yes": True},
            "tasks": {
                "each": {"foreach": "{{ params.texts }}", "bash": "printf '%s|' {{ item }} > \"$YAMLDAG_RUN_DIR/{{ index }}\""},
                "kinds": {"bash": "printf '%s|' {{ params.n }} {{ params.f }} {{ params.yes }} {{ none }} {{ ds }} {{ ts }} {{ run_id }} > $YAMLDAG_RUN_DIR/kinds"},
                "empty": {"env": {"E": "{{ '' }}"}, "bash": "printf '%s|' x{{ '' }}y {{ '' | sh }} > $YAMLDAG_RUN_DIR/empty"},
                "raw": {"bash": "echo {{ '$((1+1)); echo two' | raw }} > $YAMLDAG_RUN_DIR/raw"},
                "several": {"bash": "printf '%s|' {{ ['a b', 'c'] | map('sh') | join(' ') | raw }} > $YAMLDAG_RUN_DIR/several"},
                "list": {"bash": "echo {{ params.texts | list }}", "allow_failure": True},
                "noted": {"bash": "echo '#' {{ '{#' | sh }} ${#HOME} {% raw %}{{ not ours }}{% endraw %} > $YAMLDAG_RUN_DIR/noted"},
            },
        },
        "--date", "2026-01-02T03:04:05",
    )  # fmt: skip
    assert ran.state == "success", ran.reasons
    for number, text in enumerate(SAFE):
        assert kept(ran, str(number)) == "".join(f"{word}|" for word in text.split())
    assert kept(ran, "kinds") == f"-3|-0.5|true|null|2026-01-02|2026-01-02T03:04:05+00:00|{ran.id}|"
    assert kept(ran, "empty") == "xy||"
    assert kept(ran, "raw") == "two\n" or kept(ran, "raw") == "2\ntwo\n"
    assert kept(ran, "several") == "a b|c|"
    assert ran.states["list"] == "failed"
    assert "{{ not ours }}" in kept(ran, "noted")


def test_what_can_be_known_before_is_told_before(project: Project) -> None:
    for script in (
        "echo {{ params.bad }}",
        "echo {{ 'a;b' }}",
        'echo "{{ params.ok | sh }}"',
        "echo {{ vars.bad }}",
    ):
        answer = project(
            "run",
            project.pipeline(
                {
                    "params": {"bad": "x; touch y", "ok": "x"},
                    "vars": {"bad": "$(id)"},
                    "tasks": {"a": {"bash": script}},
                }
            ),
        )
        assert answer.code == 1, script
        assert "error[YD50" in answer.err, answer.err
    assert not (project.folder / ".yamldag").exists()
    # what `--param` brings is only known then: the attempt fails before it starts
    tasks = {"a": {"bash": "echo {{ params.p }} > $YAMLDAG_RUN_DIR/x", "retries": 3, "retry_delay": "0s"}}
    for text in ("$(touch mark)", "a; touch mark", "-rf", json.dumps(["a"])):
        ran = project.run({"params": {"p": {"type": "string"}}, "tasks": tasks}, "--param", f"p={text}")
        assert (ran.states["a"], ran.attempts["a"]) == ("failed", 1)
    assert not list(project.folder.rglob("mark"))
    assert not list(project.folder.glob(".yamldag/runs/*/x"))
