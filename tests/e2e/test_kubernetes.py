"""`kubernetes` against a stand-in that speaks a cluster's API: Jobs begin, tell, end and go with their attempts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import kubernetes_api
from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until
from tests.e2e.test_outside import descendants
from tests.kubernetes_api import OLDEST, Cluster, Fault, published

TOKEN = "a-token-of-forty-letters-or-so-0123456789"


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with kubernetes_api.private(tmp_path_factory.mktemp("k"), TOKEN) as started:
        yield started


@pytest.fixture
def there(project: Project, cluster: Cluster) -> Project:
    declare(project, cluster)
    return project


def declare(project: Project, cluster: Cluster, **more: object) -> None:
    settings = {"type": "kubernetes", "url": cluster.url, "token": TOKEN, "namespace": "data", **more}
    project.write("yamldag.yml", json.dumps({"connections": {"k": settings}, "secrets": ["word"]}))


def test_a_pod_is_as_with_bash(there: Project, cluster: Cluster) -> None:
    declare(there, cluster, node_selector={"disk": "ssd"}, service_account="loader", registry_login="regcred")
    ran = there.run(
        """
defaults: {kubernetes: {connection: k}}
tasks:
  own: {kubernetes: here}
  says:
    kubernetes:
      image: here:1
      command: [sh, -c, 'echo out; echo err >&2; printf "n=3\\nwho=%s\\n" "$WHO" > "$YAMLDAG_OUTPUT"; echo "$1 $$(WHO)"', sh]
      args: ["$(WHO)"]
      resources: {cpu: 500m, memory: 1Gi}
    env: {WHO: "it's {{ ds }}"}
    output: {n: integer, who: string}
    timeout: 90.5s
  line: {kubernetes: {image: here, command: 'echo "$YAMLDAG_TASK_ID ${YAMLDAG_RUN_DIR:-none} $(echo a)"; test $$ -gt 1', namespace: default}}
  code: {kubernetes: {image: here, command: exit 7}, retries: 1, retry_delay: 0s, allow_failure: true}
  skips: {kubernetes: {image: here, command: exit 99}}
  missing: {kubernetes: {image: "nowhere:2", command: "true"}, allow_failure: true}
  misnamed: {kubernetes: {image: "Bad:2"}, retries: 3, allow_failure: true}
  broken: {kubernetes: {image: here, command: [/no/such/program]}, retries: 3, allow_failure: true}
  config: {kubernetes: config, env: {A: b}, allow_failure: true}
  memory: {kubernetes: {image: oom, command: exit 137, resources: {limits: {memory: 64Mi}}}, allow_failure: true}
  evicted: {kubernetes: {image: evicted, command: echo a; sleep 100}, allow_failure: true}
  drained: {kubernetes: {image: drained, command: echo a; sleep 100}, allow_failure: true}
  late: {kubernetes: {image: late, command: echo a; sleep 100}, allow_failure: true}
  lost: {kubernetes: {image: lost, command: echo a; sleep 100}, allow_failure: true}
  cpu: {kubernetes: {image: here, resources: {cpu: "{{ 'many' }}"}}, allow_failure: true}
  place: {kubernetes: {image: here, namespace: "{{ '../kube-system' }}"}, allow_failure: true}
  nowhere: {kubernetes: {image: here, namespace: nope}, allow_failure: true}
  much: {kubernetes: {image: here, command: 'seq 1 2000 > "$YAMLDAG_OUTPUT"'}, allow_failure: true}
  secret: {kubernetes: {image: here, command: 'echo "it is $WORD"'}, env: {WORD: "{{ secrets.word }}"}}
  long: {kubernetes: {image: here, command: seq 1 50000}}
  each: {kubernetes: {image: here, command: 'echo "$ITEM $YAMLDAG_MAP_INDEX"'}, env: {ITEM: "{{ item }}"}, foreach: [a, b]}
""",
        env={"YAMLDAG_SECRET_WORD": "canary-0123456789"},
    )
    states, reasons = ran.states, ran.reasons
    assert {name: reasons[name] for name, state in states.items() if state == "failed"} == {
        "code": "exit code 7",
        "missing": reasons["missing"],
        "misnamed": "Bad:2 can't be pulled: couldn't parse image name: repository name must be lowercase",
        "broken": "failed to create containerd task: exec: no such file or directory",
        "config": reasons["config"],
        "memory": "it took more memory than its limit of 64Mi, and was killed for that (OOMKilled)",
        "evicted": "the cluster ended the pod (Evicted): The node was low on resource: memory.",
        "drained": "the cluster took the pod from its node (DeletionByTaintManager): Taint manager: deleting due to NoExecute taint",
        "late": "it took longer than its `timeout` allows, and the cluster ended it (DeadlineExceeded)",
        "lost": "the pod was deleted while it ran",
        "cpu": "`cpu` should be a number such as 2 or 500m, found `many`",
        "place": "`namespace` should be a name of small letters, digits and `-`, found `../kube-system`",
        "nowhere": "there is no namespace `nope` in the cluster",
        "much": "the output has 4096 bytes or more, of which a cluster hands on the end alone: keep it elsewhere, and hand on where",
    }  # fmt: skip
    assert reasons["config"].startswith("the container can't be started: secret \"yamldag-config-")
    assert reasons["missing"].startswith("nowhere:2 can't be pulled: ")
    assert reasons["missing"].endswith('failed to pull and unpack image "nowhere:2": not found')
    assert reasons["config"].endswith('" not found (CreateContainerConfigError)')
    assert states["skips"] == "skipped"
    assert {name for name, state in states.items() if state == "success"} == {
        "own", "says", "line", "secret", "long", "each", "each[0]", "each[1]"
    } & set(states)  # fmt: skip
    assert {name: ran.attempts[name] for name in ("code", "broken", "misnamed", "missing")} == {
        "code": 2, "broken": 1, "misnamed": 1, "missing": 1
    }  # fmt: skip
    assert ran.log("own") == "default\n"
    assert re.fullmatch(r"out\nerr\n\$\(WHO\) [0-9]+\(WHO\)\n", ran.log("says"))  # as a shell means `$$`
    assert ran.log("secret") == "it is ***\n"
    assert ran.log("long").splitlines() == [str(number) for number in range(1, 50_001)]
    assert ran.log("line") == "line none a\n"
    assert cluster.held == {"jobs": {}, "pods": {}, "secrets": {}}, "each was deleted"
    assert cluster.most == 1
    jobs = {
        each["metadata"]["annotations"]["yamldag/task"]: each
        for each in cluster.sent
        if each["kind"] == "Job"
    }
    says = jobs["says"]["spec"]
    assert (says["backoffLimit"], says["activeDeadlineSeconds"], says["suspend"]) == (0, 91, True)
    assert says["ttlSecondsAfterFinished"] > 0
    pod = says["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert (pod["nodeSelector"], pod["serviceAccountName"]) == ({"disk": "ssd"}, "loader")
    assert pod["imagePullSecrets"] == [{"name": "regcred"}]
    amounts = {"cpu": "500m", "memory": "1Gi"}
    assert pod["containers"][0]["resources"] == {"requests": amounts, "limits": amounts}
    assert "activeDeadlineSeconds" not in jobs["own"]["spec"]
    assert "suspend" not in jobs["own"]["spec"], "there is no Secret to wait for"
    assert (
        jobs["line"]["metadata"]["namespace"],
        jobs["each[1]"]["metadata"]["annotations"]["yamldag/run"],
    ) == ("default", ran.id)
    for each in cluster.sent:
        assert list(published(each["kind"], OLDEST).iter_errors(each)) == []
    assert there("why", ran.id, "says", "--json").json["state"] == "success"


def test_a_notification_is_a_job_of_its_own(there: Project, cluster: Cluster) -> None:
    ran = there.run(
        """
tasks:
  a:
    kubernetes: {connection: k, image: here, command: "true"}
    on_success: {kubernetes: {connection: k, image: here, command: 'echo "{{ task.id }} for $WHO"'}, env: {WHO: Ada}, timeout: 30s}
"""
    )
    assert ran.states == {"a": "success"}
    told = there("logs", ran.id, "--notifications").out
    assert told.splitlines() == ["on_success of a, attempt 1 by kubernetes: done", "  a for Ada"]
    task, letter = [each for each in cluster.sent if each["kind"] == "Job"]
    assert task["metadata"]["name"] != letter["metadata"]["name"]
    assert letter["spec"]["activeDeadlineSeconds"] == 30


def test_what_is_sent_is_shown_before(project: Project, cluster: Cluster) -> None:
    """But for what the connection adds, and the variables that all tasks get."""
    declare(project, cluster)
    name = project.pipeline(
        """
tasks:
  a:
    kubernetes: {connection: k, image: here, command: 'echo $$ {{ ds }}', namespace: data, resources: {limits: {memory: "{{ tasks.b.output.m }}"}}}
    env: {DAY: "{{ ds }}", WORD: "{{ secrets.word }}"}
    timeout: 5m
  b: {bash: "true"}
"""
    )
    rows = project("run", name, "--dry-run", "--json", "--date", "2026-01-02").json["tasks"]
    shown, none = rows[0]["manifest"], rows[1]["manifest"]
    if shown is None:
        shown, none = none, shown
    assert none is None
    assert shown["kind"] == "Job"
    [container] = shown["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/bin/sh", "-c", "echo $$$$ 2026-01-02"]
    assert container["resources"] == {"limits": {"memory": "{{ tasks.b.output.m }}"}}
    assert {each["name"] for each in container["env"] if "valueFrom" in each} == {"DAY", "WORD"}
    assert shown["spec"]["activeDeadlineSeconds"] == 300
    text = project("run", name, "--dry-run", "--date", "2026-01-02").out
    assert "      kind: Job\n" in text
    assert "&id" not in text
    assert cluster.asked == []


LONG = """
pipeline: long
tasks:
  a:
    kubernetes:
      connection: k
      image: here
      command: |
        trap 'echo last words; exit 3' TERM
        echo "$$" > {pids}
        while :; do sleep 0.1; done
    env: {{A: b}}
"""


@pytest.mark.parametrize("how", ["cancel", "kill", "timeout"])
def test_a_pod_ends_with_its_attempt(there: Project, cluster: Cluster, tmp_path: Path, how: str) -> None:
    """By its keeper, where nobody else is left to do it."""
    pids = tmp_path / "pids"
    there.write(
        "pipelines/long.yml", LONG.format(pids=pids) + ("    timeout: 3s\n" if how == "timeout" else "")
    )
    process = subprocess.Popen(
        [*YAMLDAG, "run", "long", "--json"],
        cwd=there.folder, env=there.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until(lambda: pids.exists() and pids.read_text().strip())
    if how != "timeout":
        assert there("cancel", "long", *(["--kill"] if how == "kill" else [])).code == 0
    out, _ = process.communicate(timeout=120)
    told = json.loads(out)
    assert told["tasks"][0]["state"] == "failed"
    wait_until(lambda: not any(cluster.held.values()))
    [row] = there("tasks", told["run_id"], "--json").json["tasks"]
    assert row["reason"] == ("timed out after 3s" if how == "timeout" else "the run was cancelled")
    if how != "kill":
        assert "last words" in there("logs", "long", "a").out


def test_a_scheduler_that_is_killed_finds_the_pod_again(
    there: Project, cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    gate, pids = tmp_path / "gate", tmp_path / "pids"
    command = f"echo before; touch {pids}; until [ -e {gate} ]; do sleep 0.05; done; echo after; echo n=1 > $YAMLDAG_OUTPUT"
    there.pipeline({"tasks": {"a": {"kubernetes": {"connection": "k", "image": "here", "command": command}}}})
    first = serve()
    run = there("trigger", "p", "--json").json["run_id"]
    wait_until(pids.exists)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    gate.touch()
    again = serve()
    again.see(lambda _: there("tasks", run, "--json").json["tasks"][0]["state"] == "success")
    assert there("logs", run, "a").out == "before\nafter\n"
    assert [each["kind"] for each in cluster.sent] == ["Job"]


def test_what_a_lost_attempt_has_left_is_gone_before_the_next(
    there: Project, cluster: Cluster, serve: Serve, tmp_path: Path
) -> None:
    """All of ours is gone at once, the keeper too, as when a machine goes down; and the pod takes its time to end."""
    pids, gate = tmp_path / "pids", tmp_path / "gate"
    command = f"trap 'until [ -e {gate} ]; do sleep 0.1; done; exit 3' TERM; touch {pids}; while :; do sleep 0.1; done"
    there.pipeline({"tasks": {"a": {"kubernetes": {"connection": "k", "image": "here", "command": command}}}})
    first = serve()
    assert there("trigger", "p").code == 0
    wait_until(pids.exists)
    [left] = cluster.names("jobs")
    ours = descendants(first.process.pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in ours:
            os.kill(pid, number)
    assert cluster.names("jobs") == [left]
    serve()
    looks = f"GET /apis/batch/v1/namespaces/data/jobs/{left}"
    before = cluster.asked.count(looks)
    wait_until(lambda: cluster.asked.count(looks) > before + 2 or len(cluster.sent) > 1)
    assert cluster.names("jobs") == [left], "it is on its way out, and awaited"
    gate.touch()
    wait_until(lambda: [name for name in cluster.names("pods") if name.startswith(f"{left[:-1]}2-")])
    assert left.endswith("-1")
    assert cluster.names("jobs") == [f"{left[:-1]}2"]
    assert cluster.most == 1, "never two at once"
    assert there("cancel", "p").code == 0
    wait_until(lambda: not any(cluster.held.values()))


@pytest.mark.parametrize(
    ("image", "waiting"),
    [
        ("full", "waiting for a node: 0/3 nodes are available: 3 Insufficient cpu.\n"),
        ("quota", 'there is no pod yet: Error creating: pods "x" is forbidden: exceeded quota: compute\n'),
    ],
)
def test_a_full_cluster_is_told_of_while_it_is_awaited(
    there: Project, cluster: Cluster, image: str, waiting: str
) -> None:
    there.pipeline(f"tasks: {{a: {{kubernetes: {{connection: k, image: {image}, command: echo in}}}}}}")
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p", "--json"], cwd=there.folder, env=there.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until(lambda: waiting in there("logs", "p", "a").out)
    lists = "GET /api/v1/namespaces/data/pods"
    before = cluster.asked.count(lists)
    cluster.forget()  # and the watch is to begin anew, meanwhile
    wait_until(lambda: cluster.asked.count(lists) > before)
    cluster.room.set()
    out, _ = process.communicate(timeout=120)
    assert json.loads(out)["state"] == "success"
    assert there("logs", "p", "a").out == f"{waiting}in\n"


def test_trouble_that_passes_is_borne(there: Project, cluster: Cluster) -> None:
    """What was asked is asked again, and a log that is cut loses no line and doubles none."""
    cluster.faults += [
        Fault("GET .*/jobs$", 429, {"Retry-After": "0"}),
        Fault("POST .*/jobs$", 500, {"Retry-After": "0"}),
        Fault("POST .*/jobs$"),
        Fault("POST .*/secrets$", 503, {"Retry-After": "0"}),
        Fault("PATCH .*/jobs/"),
        Fault("GET .*/pods$", 504, {"Retry-After": "0"}),
        Fault("GET .*/pods watch$", 410),
        Fault("GET .*/pods watch$"),
        *(Fault("GET .*/log$", after=bytes_) for bytes_ in (1, 100, 4_321, 70_000)),
        Fault("GET .*/log$", 500),
        Fault("GET .*/log$"),
        Fault("DELETE .*/jobs/", 502, {"Retry-After": "0"}),
    ]
    ran = there.run(
        """
tasks:
  a:
    kubernetes:
      connection: k
      image: here
      command: 'i=0; while [ $i -lt 6 ]; do i=$((i+1)); seq -f "$i-%g ümläut" 1 700; sleep 0.3; done; printf "no end"'
    env: {A: b}
"""
    )
    assert ran.state == "success", ran.reasons
    assert ran.log("a").splitlines() == [
        *(f"{i}-{n} ümläut" for i in range(1, 7) for n in range(1, 701)),
        "no end",
    ]
    assert cluster.faults == []
    assert [each["kind"] for each in cluster.sent].count("Job") == 1, "the others never got as far"
    assert cluster.most == 1


@pytest.mark.parametrize("what", ["create secrets", "watch pods"])
def test_what_is_not_allowed_is_told_and_nothing_is_left(there: Project, cluster: Cluster, what: str) -> None:
    cluster.forbidden.add(what)
    ran = there.run(
        "tasks: {a: {kubernetes: {connection: k, image: here, command: sleep 100}, env: {A: b}, retries: 1, retry_delay: 0s}}\n"
    )
    verb, kind = what.split()
    assert ran.reasons["a"].startswith(f"the cluster does not allow it: {kind} is forbidden: ")
    assert f'cannot {verb} resource "{kind}"' in ran.reasons["a"]
    assert ran.attempts["a"] == 1
    wait_until(lambda: not any(cluster.held.values()))
