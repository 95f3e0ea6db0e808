"""`foreach` and `matrix`: instances, chains, and what comes of them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from tests.e2e.project import Project, Ran


def kept(ran: Ran, name: str) -> Any:
    return json.loads((ran.project.folder / ".yamldag" / "runs" / ran.id / name).read_text())


def keep(name: str, expression: str) -> str:
    script = f'printf %s "$V" > "$YAMLDAG_RUN_DIR/{name}"'
    return f"env: {{V: '{{{{ ({expression}) | tojson }}}}'}}, bash: '{script}'"


def test_items_of_every_kind_reach_their_instances(project: Project) -> None:
    ran = project.run(f"""
params: {{days: {{type: array, default: [mon, tue]}}}}
tasks:
  list: {{bash: 'echo "[1, \\"two\\", null, [3, 4], {{\\"name\\": \\"five\\", \\"items\\": [5]}}, true, 0.5]" > $YAMLDAG_OUTPUT'}}
  over: {{foreach: "{{{{ tasks.list.output }}}}", {keep("over-{{ index }}", "[item, index]")} }}
  literal: {{foreach: [a, 2, {{k: v}}], {keep("literal-{{ index }}", "item")} }}
  params: {{foreach: "{{{{ params.days }}}}", bash: 'echo {{{{ item }}}} $YAMLDAG_MAP_INDEX > $YAMLDAG_OUTPUT; echo "\\"{{{{ item }}}}\\"" > $YAMLDAG_OUTPUT'}}
  nested: {{foreach: ["{{{{ params.days }}}}", "x{{{{ params.days[0] }}}}"], {keep("nested-{{ index }}", "item")} }}
  names: {{foreach: [{{name: orders, key: 1}}, {{name: users, key: 2}}], bash: 'echo {{{{ item.key }}}} > $YAMLDAG_OUTPUT'}}
  empty: {{foreach: [], bash: echo}}
  below_empty: {{needs: empty, bash: echo}}
  rule_below_empty: {{needs: empty, trigger_rule: none_failed, {keep("empty", "tasks.empty.output")} }}
  one: {{foreach: "{{{{ [params.days | length] }}}}", bash: echo}}
  matrix: {{matrix: {{a: [1, 2], b: [x, y, z], exclude: [{{a: 1, b: y}}, {{b: z}}]}}, {keep("matrix-{{ index }}", "[matrix.a, matrix.b]")} }}
  see_params: {{ {keep("params", "tasks.params.output")} }}
  see_names: {{ {keep("names", "tasks.names.output")} }}
  asked: {{foreach: [1, 2, 3], when: item != 2, bash: 'echo {{{{ item }}}} > $YAMLDAG_OUTPUT'}}
  see_asked: {{ needs: asked, trigger_rule: all_done, {keep("asked", "tasks.asked.output")} }}
  partly: {{foreach: [0, 1, 99, 0], allow_failure: true, bash: 'echo {{{{ index }}}} > $YAMLDAG_OUTPUT; exit {{{{ item }}}}'}}
  see_partly: {{ needs: partly, trigger_rule: all_done, {keep("partly", "[tasks.partly.output, tasks.partly.state]")} }}
  below_partly: {{needs: partly, allow_failure: true, bash: echo}}
  skips: {{foreach: [0, 99], bash: 'echo {{{{ index }}}} > $YAMLDAG_OUTPUT; exit {{{{ item }}}}'}}
  below_skips: {{needs: skips, bash: echo}}
  see_skips: {{needs: skips, trigger_rule: none_failed, {keep("skips", "[tasks.skips.output, tasks.skips.state]")} }}
""")
    items = [1, "two", None, [3, 4], {"name": "five", "items": [5]}, True, 0.5]
    assert [kept(ran, f"over-{n}") for n in range(7)] == [[item, n] for n, item in enumerate(items)]
    assert [kept(ran, f"literal-{n}") for n in range(3)] == ["a", 2, {"k": "v"}]
    assert [kept(ran, f"nested-{n}") for n in range(2)] == [["mon", "tue"], "xmon"]
    assert [kept(ran, f"matrix-{n}") for n in range(3)] == [[1, "x"], [2, "x"], [2, "y"]]
    assert kept(ran, "params") == ["mon", "tue"]
    assert kept(ran, "names") == [1, 2]
    assert kept(ran, "asked") == [1, None, 3]
    # allowed or not, one failed instance makes it a failed task, whose output is null
    assert kept(ran, "partly") in ([None, "failed"],)
    assert kept(ran, "skips") == [[0, None], "success"]
    assert kept(ran, "empty") is None
    wanted = {
        "empty": "skipped", "below_empty": "skipped", "rule_below_empty": "success", "asked[1]": "skipped",
        "partly[0]": "success", "partly[1]": "failed", "partly[2]": "skipped", "below_partly": "upstream_failed",
        "below_skips": "skipped", "one[0]": "success",
    }  # fmt: skip
    assert {name: ran.states[name] for name in wanted} == wanted
    assert ran.state == "success"
    assert "names[orders]" in ran.answer.err
    assert "params[mon]" in ran.answer.err
    assert [row["map_index"] for row in ran.rows if row["id"] == "matrix"] == [0, 1, 2]


def test_a_chain_per_item_goes_on_by_itself(project: Project) -> None:
    project.write(
        "pipelines/load.yml",
        """
template: load
params: {table: {type: string}}
tasks:
  extract: {bash: 'echo "\\"rows of {{ params.table }}\\"" > $YAMLDAG_OUTPUT; test {{ params.table }} != bad'}
  store: {env: {V: '{{ tasks.extract.output }}'}, bash: 'echo "$V" > "$YAMLDAG_RUN_DIR/stored-{{ params.table }}"'}
""",
    )
    ran = project.run(f"""
max_active_tasks: 4
tasks:
  names: {{bash: 'echo "[\\"x\\", \\"bad\\", \\"y\\"]" > $YAMLDAG_OUTPUT'}}
  g:
    foreach: "{{{{ tasks.names.output }}}}"
    tasks:
      a: {{bash: 'echo "\\"{{{{ item }}}}{{{{ index }}}}\\"" > $YAMLDAG_OUTPUT; test {{{{ item }}}} != bad'}}
      b: {{needs: a, {keep("b-{{ index }}", "tasks.a.output")} }}
      c: {{needs: b, trigger_rule: all_done, {keep("c-{{ index }}", "[item, tasks.a.state, tasks.b.state]")} }}
  after: {{needs: g, trigger_rule: all_done, {keep("after", "tasks.g.a.output or tasks.g.a.state")} }}
  tables:
    use: ./load.yml
    foreach: ["{{{{ 'orders' }}}}", bad, users]
    with: {{table: "{{{{ item }}}}"}}
  m:
    matrix: {{x: [1, 2], y: [3]}}
    tasks:
      n: {{bash: 'echo {{{{ matrix.x * matrix.y }}}} > $YAMLDAG_OUTPUT'}}
      when: {{when: matrix.x == 2, noop: }}
  see_m: {{ {keep("m", "tasks.m.n.output")} }}
""")
    assert [kept(ran, f"b-{n}") for n in (0, 2)] == ["x0", "y2"]
    assert [kept(ran, f"c-{n}") for n in range(3)] == [
        ["x", "success", "success"],
        ["bad", "failed", "upstream_failed"],
        ["y", "success", "success"],
    ]
    assert kept(ran, "after") == "failed"
    assert kept(ran, "m") == [3, 6]
    folder = project.folder / ".yamldag" / "runs" / ran.id
    assert (folder / "stored-orders").read_text() == "rows of orders\n"
    assert (folder / "stored-users").exists()
    assert not (folder / "stored-bad").exists()
    assert [ran.states[f"tables.extract[{n}]"] for n in range(3)] == ["success", "failed", "success"]
    assert [ran.states[f"tables.store[{n}]"] for n in range(3)] == ["success", "upstream_failed", "success"]
    assert [ran.states[f"m.when[{n}]"] for n in range(2)] == ["skipped", "success"]


def test_no_more_instances_than_wanted_are_active(project: Project) -> None:
    """Each counts itself, then waits until as many as may run together have been seen."""
    count = """
import fcntl, os, pathlib
folder = pathlib.Path(os.environ["YAMLDAG_RUN_DIR"])
def change(by):
    with open(folder / name, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        now, most = map(int, (file.read() or "0 0").split())
        now += by
        file.truncate(0)
        file.write(f"{now} {max(now, most)}")
change(1)
change(-1)
"""
    tasks: dict[str, Any] = {
        "two": {
            "foreach": list(range(8)),
            "max_active": 2,
            "python": {"script": count},
            "args": {"name": "two"},
        },
        "chains": {
            "foreach": list(range(6)),
            "max_active": 1,
            "tasks": {
                "a": {"python": {"script": count}, "args": {"name": "chains"}},
                "b": {"needs": "a", "python": {"script": count}, "args": {"name": "chains"}},
            },
        },
    }
    ran = project.run({"max_active_tasks": 8, "tasks": tasks})
    assert ran.state == "success"
    folder = project.folder / ".yamldag" / "runs" / ran.id
    now, most = map(int, (folder / "two").read_text().split())
    assert now == 0
    assert most <= 2
    assert (folder / "chains").read_text() == "0 1"
    rows = {(row["id"], row["map_index"]): row for row in ran.rows}
    for index in range(5):  # a chain ends before the next begins
        assert rows["chains.b", index]["ended_at"] <= rows["chains.a", index + 1]["started_at"]


def test_many_items_go_quickly_and_the_wrong_ones_are_refused(project: Project) -> None:
    ran = project.run("""
tasks:
  many: {bash: 'seq -s, 1 2000 | sed "s/^/[/;s/$/]/" > $YAMLDAG_OUTPUT'}
  each: {foreach: "{{ tasks.many.output }}", noop: }
  text: {bash: 'echo "\\"ab\\"" > $YAMLDAG_OUTPUT'}
  mapping: {bash: 'echo "{\\"a\\": 1}" > $YAMLDAG_OUTPUT'}
  over_text: {foreach: "{{ tasks.text.output }}", noop: }
  over_mapping: {foreach: "{{ tasks.mapping.output }}", noop: }
  keys: {foreach: "{{ tasks.mapping.output | list }}", bash: 'echo {{ item }}'}
  over_null: {needs: text, foreach: "{{ tasks.text.output.x | default(none) }}", noop: }
  too_many: {foreach: "{{ range(100001) | list }}", noop: }
""")
    assert sum(row["id"] == "each" and row["state"] == "success" for row in ran.rows) == 2000
    for name in ("over_text", "over_mapping", "over_null", "too_many"):
        assert (ran.states[name], ran.attempts[name]) == ("failed", 0), name
    reasons = ran.reasons
    assert "list" in reasons["over_text"]
    assert "100,000" in reasons["too_many"]
    assert ran.log("keys[0]") == "a\n"


def test_conditions_come_before_items_unless_they_name_them(project: Project) -> None:
    ran = project.run("""
tasks:
  x: {bash: echo}
  before: {foreach: "{{ tasks.x.output.nothing }}", when: tasks.x.state == 'failed', noop: }
  each: {foreach: "{{ [1, 2] }}", when: "item == 1 and tasks.x.state == 'success'", noop: }
  by_index: {foreach: [a, b], when: index, noop: }
  by_axis: {matrix: {n: [1, 2]}, when: matrix.n == 2, noop: }
  broken: {foreach: [1, 2], when: "tasks.x.output.nothing.there == 1", noop: }
  none_left: {foreach: [1, 2], when: item > 2, noop: }
  below: {needs: none_left, noop: }
  g:
    foreach: [p, q]
    when: item == 'q'
    tasks:
      a: {bash: 'echo "\\"out-{{ item }}\\"" > $YAMLDAG_OUTPUT'}
      b: {bash: 'echo {{ tasks.a.output }} {{ task.id }} {{ attempt }}; test $YAMLDAG_ATTEMPT = 2', retries: 1, retry_delay: 0s}
""")
    assert ran.states == {
        "x": "success",
        "before": "skipped",
        "each[0]": "success",
        "each[1]": "skipped",
        "by_index[0]": "skipped",
        "by_index[1]": "success",
        "by_axis[0]": "skipped",
        "by_axis[1]": "success",
        "broken": "failed",
        "none_left[0]": "skipped",
        "none_left[1]": "skipped",
        "below": "skipped",
        "g.a[0]": "skipped",
        "g.a[1]": "success",
        "g.b[0]": "skipped",
        "g.b[1]": "success",
    }
    assert ran.log("g.b[1]") == "out-q g.b 2\n"


def test_one_task_of_a_chain_alone_sees_its_own_items_earlier_output(project: Project) -> None:
    project.pipeline("""
tasks:
  g:
    foreach: [p, q]
    tasks:
      a: {bash: 'echo "\\"out-{{ item }}\\"" > $YAMLDAG_OUTPUT'}
      b: {bash: 'echo {{ tasks.a.output }}'}
""")
    assert project.run("p").state == "success"
    alone = project.run("p", "--task", "g.b")
    assert alone.states == {"g.b[0]": "success", "g.b[1]": "success"}
    assert [alone.log(f"g.b[{index}]") for index in (0, 1)] == ["out-p\n", "out-q\n"]


def test_priority_orders_what_waits_for_room(project: Project) -> None:
    tasks: dict[str, Any] = {
        "low": {"priority": -5, "bash": "echo"},
        "middle": {"bash": "echo"},
        "high": {"priority": 10, "bash": "echo"},
        "first": {"priority": 20, "bash": "echo"},
        "below": {"needs": "low", "priority": 30, "bash": "echo"},
    }
    ran = project.run({"max_active_tasks": 1, "tasks": tasks})
    assert ran.state == "success"
    rows = sorted(ran.rows, key=lambda row: str(row["started_at"]))
    assert [row["id"] for row in rows] == ["first", "high", "middle", "low", "below"]
    assert all(before["ended_at"] <= after["started_at"] for before, after in pairwise(rows))


def test_a_function_that_is_trusted_with_it_is_called_many_times_by_one_process(project: Project) -> None:
    project.write(
        "pipelines/own.py",
        "import os\ncalls = 0\ndef f(x):\n    global calls\n    calls += 1\n    return [x, calls, os.getpid()]\n",
    )
    task = {"foreach": list(range(12)), "max_active": 1, "args": {"x": "{{ item }}"}}
    call = {"python": {"function": "own:f", "reuse": True}}
    show = {"bash": "echo '{{ tasks.many.output | tojson | raw }}'"}
    ran = project.run({"tasks": {"many": {**task, **call}, "show": show}})
    rows = json.loads(ran.log("show"))
    assert [row[:2] for row in rows] == [[number, number + 1] for number in range(12)]
    assert len({row[2] for row in rows}) == 1
