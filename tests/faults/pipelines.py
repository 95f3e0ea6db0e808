"""Small pipelines, one for each thing that a crash could break, and what their bodies write about themselves.

Each document of a case makes one run.
"""

from __future__ import annotations

# Each body says that it begins and that it ends, with the attempt that it is: one line, one write.
BODY = 'echo "$YAMLDAG_ATTEMPT_ID begin" >> "$HISTORY"; {} echo "$YAMLDAG_ATTEMPT_ID end" >> "$HISTORY"'


def bash(middle: str = "") -> str:
    return "bash: '" + BODY.format(middle.replace("'", "''")) + "'"


HEAD = "pipeline: p\nschedule: '@once'\nenv: {HISTORY: '{history}'}\ntasks:\n"
POOLS = {"two": 2}


def whole(tasks: str, history: str) -> str:
    return (HEAD + tasks).replace("{history}", history)


def runs(tasks: str) -> int:
    return tasks.count("---") + 1


CASES = {
    "outputs": f"""
  a: {{{bash('echo n=1 > "$YAMLDAG_OUTPUT";')}, output: {{n: integer}}}}
  b: {{{bash('echo "m=$N" > "$YAMLDAG_OUTPUT";')}, env: {{N: "{{{{ tasks.a.output.n }}}}"}}}}
  c: {{{bash()}, needs: b}}
""",
    "rules": f"""
  a: {{{bash("false;")}, allow_failure: true}}
  b: {{{bash()}, needs: a, allow_failure: true}}
  c: {{{bash()}, needs: a, trigger_rule: all_failed}}
  d: {{{bash()}, needs: [b, c], trigger_rule: all_done}}
  e: {{{bash()}, needs: c, when: false}}
""",
    "maps": f"""
  a: {{{bash('echo "$YAMLDAG_MAP_INDEX" > "$YAMLDAG_OUTPUT";')}, foreach: [x, y, z]}}
  b: {{{bash('echo "$ALL" > "$YAMLDAG_OUTPUT";')}, env: {{ALL: "{{{{ tasks.a.output }}}}"}}}}
""",
    "maps of outputs": f"""
  a: {{{bash('echo "[1, 2]" > "$YAMLDAG_OUTPUT";')}}}
  b: {{{bash()}, foreach: "{{{{ tasks.a.output }}}}", max_active: 1}}
""",
    "groups": f"""
  g:
    foreach: [1, 2]
    max_active: 1
    tasks:
      a: {{{bash()}}}
      b: {{{bash()}, needs: a}}
  c: {{{bash()}, needs: g}}
""",
    "retries": f"""
  a: {{{bash('test "$YAMLDAG_ATTEMPT" = 3;')}, retries: 3, retry_delay: 0s}}
  b: {{{bash()}, needs: a}}
""",
    "setups": f"""
  up: {{{bash()}, setup: true}}
  work: {{{bash("false;")}, needs: up}}
  down: {{{bash()}, teardown_of: up}}
""",
    "time-outs": f"""
  a: {{{bash("sleep 20;")}, timeout: 0.2s, allow_failure: true}}
  b: {{{bash()}, needs: a, trigger_rule: all_failed}}
""",
    "approvals": f"""
  a: {{approval: Well?, timeout: 0.2s, retries: 1, retry_delay: 0s, allow_failure: true}}
  b: {{{bash()}, needs: a, trigger_rule: all_failed}}
""",
    "skips": f"""
  a: {{{bash("exit 99;")}}}
  b: {{{bash()}, needs: a}}
  c: {{{bash()}, needs: b, trigger_rule: none_failed}}
""",
    "no processes": """
  a: {noop: }
  b: {noop: , needs: a}
  c: {noop: , needs: b, foreach: [1, 2, 3]}
""",
    "python": """
  a:
    python:
      script: |
        import os
        with open(os.environ["HISTORY"], "a") as file:
            for what in ("begin", "end"):
                file.write(os.environ["YAMLDAG_ATTEMPT_ID"] + " " + what + "\\n")
        return {"n": 2}
  b: {noop: , needs: a}
""",
    "pools": f"""
  a: {{{bash()}, pool: two, foreach: [1, 2, 3]}}
  b: {{{bash()}, needs: a, pool: two, pool_slots: 2, priority: 3}}
""",
    "notifications": f"""
  a: {{{bash("false;")}, allow_failure: true, on_failure: {{bash: 'echo a failed >> {{history}}.told'}}}}
  b: {{{bash()}, on_success: [{{bash: 'echo b succeeded >> {{history}}.told'}}]}}
""",
    "assets": f"""
  a: {{{bash()}, produces: [orders]}}
---
pipeline: q
schedule: {{assets: [orders]}}
env: {{HISTORY: '{{history}}'}}
tasks:
  b: {{{bash()}}}
""",
    "waits": f"""
  a: {{wait: 0.2s}}
  b: {{wait: {{file: here, poke_interval: 0.1s}}}}
  c: {{{bash("touch here;")}}}
  d: {{wait: {{file: nowhere, soft_fail: true}}, timeout: 0.2s}}
  e: {{{bash()}, needs: [a, b, d], trigger_rule: none_failed}}
""",
    "branches": f"""
  pick: {{branch: "'b'"}}
  a: {{{bash()}, needs: pick}}
  b: {{{bash()}, needs: pick}}
  stop: {{short_circuit: false, needs: b}}
  c: {{{bash()}, needs: [stop, a], trigger_rule: always}}
""",
    "calls": f"""
  call: {{pipeline: q, with: {{n: 3}}, on_success: {{pipeline: s, with: {{n: "{{{{ tasks.call.output.x.n }}}}"}}}}}}
  go: {{pipeline: {{id: r, wait: false}}}}
  last: {{{bash('echo "n=$N" > "$YAMLDAG_OUTPUT";')}, env: {{N: "{{{{ tasks.call.output.x.n }}}}"}}}}
---
pipeline: q
params: {{n: 1}}
env: {{HISTORY: "{{{{ params.n }}}}"}}
tasks:
  x: {{bash: 'echo "n=$HISTORY" > "$YAMLDAG_OUTPUT"'}}
---
pipeline: r
tasks:
  y: {{noop: }}
---
pipeline: s
params: {{n: {{type: string}}}}
tasks:
  z: {{bash: 'echo "m={{{{ params.n }}}}" > "$YAMLDAG_OUTPUT"'}}
""",
    "refusals": f"""
  a: {{{bash()}, env: {{X: "{{{{ tasks.b.output.n }}}}"}}, allow_failure: true}}
  b: {{{bash()}}}
""",
    "newer": f"""
  a: {{{bash()}}}
  b: {{{bash("sleep 20;")}, needs: a}}
  c: {{{bash("sleep 20;")}, needs: a, retries: 2, retry_delay: 0s}}
  d: {{{bash()}, needs: [b, c]}}
""",
}
NEWER = {
    "newer": f"""
  a: {{{bash()}}}
  b: {{{bash()}, needs: a}}
  d: {{{bash()}, needs: b}}
  e: {{{bash()}, needs: b}}
""",
}
"""What the file says as soon as two tasks run: then somebody wants `b` again, by the newest version of the pipeline."""
