"""What a `kubernetes` task does beside its course: the way in, a log that is cut, a pod's states, a Job that is there."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import certificates, kubernetes_api
from tests.answering import Said, answering
from tests.e2e.serving import wait_until
from tests.kubernetes_api import Cluster, Fault
from tests.operators.attempts import attempt
from yamldag.executors.remote import access as ways
from yamldag.executors.remote import pods
from yamldag.executors.remote.access import access
from yamldag.executors.remote.credentials import Unusable
from yamldag.executors.remote.kubernetes import carry_out, reach
from yamldag.executors.remote.podlog import Position
from yamldag.operators import kubernetes
from yamldag.operators.contract import Json, Outcome

NOW = 1_773_036_010.0
"""2026-03-09T06:00:10Z"""
ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-forty-letters-or-so-0123456789"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "k").mkdir()
    with kubernetes_api.private(tmp_path / "k", TOKEN) as started:
        yield started


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.of_localhost(tmp_path_factory.mktemp("tls") / "server.pem")


def settings_of(**given: Json) -> dict[str, Any]:
    found = kubernetes.cluster({"root": "/", **given})
    assert isinstance(found, dict)
    return found


def spec_of(folder: Path, connection: dict[str, Json], **params: Json) -> dict[str, Any]:
    """As the operator gives it."""
    given: dict[str, Json] = {"image": "here", **params, "connection": {"namespace": "data", **connection}}
    work = kubernetes.prepare(given, {}, attempt(folder))
    assert not isinstance(work, Outcome), work
    assert work.spec is not None
    return {**work.spec, "env": {"YAMLDAG_RUN_ID": "r"}}


# The way in


def kubeconfig(folder: Path, name: str = "config", **more: Any) -> Path:
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "dev",
        "clusters": [{"name": "c", "cluster": {"server": "https://one.example.org:6443/"}}],
        "contexts": [
            {"name": "dev", "context": {"cluster": "c", "user": "ann", "namespace": "data"}},
            {"name": "bare", "context": {"cluster": "c"}},
        ],
        "users": [{"name": "ann", "user": {"token": TOKEN}}],
        **more,
    }  # fmt: skip
    path = folder / name
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_kubeconfig_is_read_as_kubectl_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kubeconfig(tmp_path)
    found = access(settings_of(kubeconfig=str(path)))
    assert (found.url, found.namespace, found.token(False)) == ("https://one.example.org:6443", "data", TOKEN)
    found = access(settings_of(kubeconfig=str(path), context="bare"))
    assert (found.namespace, found.token(False)) == (None, None)
    assert access(settings_of(kubeconfig=str(path), token="mine")).token(False) == "mine"
    # Of several files the first has the say; what is not in it may be in the next. Paths start from their own file.
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "token").write_text("of the file\n")
    more = kubeconfig(
        tmp_path / "more",
        users=[{"name": "ann", "user": {"token": "no"}}, {"name": "ben", "user": {"tokenFile": "token"}}],
        contexts=[{"name": "other", "context": {"cluster": "c", "user": "ben"}}],
    )
    monkeypatch.setenv("KUBECONFIG", f"{path}:{tmp_path}/nothing:{more}")
    assert access(settings_of()).token(False) == TOKEN
    token = access(settings_of(context="other")).token
    assert token(False) == "of the file"
    (tmp_path / "more" / "token").write_text("another")
    assert token(False) == "another"


@pytest.mark.parametrize(
    ("more", "given", "words"),
    [
        ({"current-context": ""}, {}, "the kubeconfig has no current context: give `context`"),
        ({}, {"context": "prod"}, "the kubeconfig has no context `prod`: it has `dev`, `bare`"),
        ({"clusters": []}, {}, "the kubeconfig has no cluster `c`"),
        ({"users": []}, {}, "the kubeconfig has no user `ann`"),
        ({"clusters": [{"name": "c", "cluster": {}}]}, {}, "the cluster of the context `dev` has no `server`"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://x", "insecure-skip-tls-verify": True}}]}, {},
         "the context `dev` is not to check who the cluster is (`insecure-skip-tls-verify`)"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://x", "certificate-authority": "no.pem"}}]}, {},
         "no.pem` can't be read: no such file or directory"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://x", "certificate-authority-data": "!"}}]}, {},
         "`certificate-authority-data` of the kubeconfig is not base64"),
        ({"clusters": [{"name": "c", "cluster": {"server": "https://x", "certificate-authority-data": "aGVsbG8="}}]}, {},
         "the certificates by which the cluster is known can't be read"),
        ({"users": [{"name": "ann", "user": {"client-certificate-data": "aGVsbG8="}}]}, {}, "the kubeconfig has no `client-key`"),
        ({"users": [{"name": "ann", "user": {"client-certificate-data": "aGVsbG8=", "client-key-data": "aGVsbG8="}}]}, {},
         "the certificate that signs in, or its key, can't be read"),
        ({"users": [{"name": "ann", "user": {"auth-provider": {"name": "gcp"}}}]}, {}, "the kubeconfig signs in by an `auth-provider`"),
        ({"users": [{"name": "ann", "user": {"exec": {"command": "no-such-program"}}}]}, {},
         "the kubeconfig signs in by `no-such-program`, which is not here"),
        ({"users": [{"name": "ann", "user": {"exec": {"command": "false"}}}]}, {},
         "`false`, by which the kubeconfig signs in, failed: exit code 1"),
        ({"users": [{"name": "ann", "user": {"exec": {"command": "true"}}}]}, {},
         "`true`, by which the kubeconfig signs in, gave no `ExecCredential`"),
    ],
)  # fmt: skip
def test_a_kubeconfig_that_leads_nowhere_is_told(
    tmp_path: Path, more: dict[str, Any], given: dict[str, Json], words: str
) -> None:
    path = kubeconfig(tmp_path, **more)
    with pytest.raises(Unusable) as told:
        access(settings_of(kubeconfig=str(path), **given))
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[", "is no YAML"),
        ("[a]", "should be a mapping"),
        (b"\xff", "is no text"),
        (None, "no such file or directory"),
    ],
)
def test_a_kubeconfig_that_is_none_is_told(tmp_path: Path, content: str | bytes | None, words: str) -> None:
    path = tmp_path / "config"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Unusable) as told:
        access(settings_of(kubeconfig=str(path)))
    assert words in str(told.value)


def test_a_program_signs_in_and_again_when_its_token_is_over(tmp_path: Path, cluster: Cluster) -> None:
    """As EKS, GKE and AKS have it."""
    (tmp_path / "sign-in").write_text(
        "#!/bin/sh\n"
        f"echo x >> {tmp_path}/calls\n"
        f"token=over; [ $(wc -l < {tmp_path}/calls) = 1 ] || token={TOKEN}\n"
        'case "$KUBERNETES_EXEC_INFO" in *\'"kind": "ExecCredential"\'*) ;; *) exit 3 ;; esac\n'
        '[ "$PROFILE $1" = "prod get-token" ] || exit 4\n'
        'echo "{\\"kind\\": \\"ExecCredential\\", \\"status\\": {\\"token\\": \\"$token\\"}}"\n'
    )
    (tmp_path / "sign-in").chmod(0o700)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./sign-in",
        "args": ["get-token"],
        "env": [{"name": "PROFILE", "value": "prod"}],
    }
    path = kubeconfig(
        tmp_path,
        clusters=[{"name": "c", "cluster": {"server": cluster.url}}],
        users=[{"name": "ann", "user": {"exec": plugin}}],
    )
    assert reach(settings_of(kubeconfig=str(path)), None) == (
        True,
        "it answers: Kubernetes v1.37.0, and lets us make Jobs in `data`",
    )
    assert (tmp_path / "calls").read_text() == "x\nx\n"


def test_a_pod_is_known_by_its_service_account(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token is written anew every hour."""
    for name, text in (("token", "first\n"), ("namespace", "jobs"), ("ca.crt", certificate.read_text())):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with pytest.raises(Unusable, match="this is no pod with a service account"):
        access(settings_of(in_cluster=True), str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    for said in ({}, {"in_cluster": True}):
        found = access(settings_of(**said), str(tmp_path))
        assert (found.url, found.namespace, found.token(False)) == ("https://[fd00::1]:443", "jobs", "first")
    (tmp_path / "token").write_text("second")
    assert found.token(False) == "second"
    with pytest.raises(Unusable, match="no cluster is known here"):
        access(settings_of(), str(tmp_path / "nothing"))
    assert ways.POD == "/var/run/secrets/kubernetes.io/serviceaccount"


def test_a_certificate_signs_in_and_one_that_is_not_known_is_refused(
    tmp_path: Path, certificate: Path
) -> None:
    (tmp_path / "k").mkdir()
    with kubernetes_api.private(tmp_path / "k", None, certificate) as cluster:
        fine, words = reach(settings_of(url=cluster.url), "data")
        assert (fine, words) == (
            False,
            f"the cluster at {cluster.url} can't be reached, or was lost: the certificate of `localhost` is not to be trusted",
        )
        assert reach(settings_of(url=cluster.url, ca_file=str(certificate)), "data")[0]
        pem = base64.b64encode(certificate.read_bytes()).decode()
        path = kubeconfig(
            tmp_path,
            clusters=[{"name": "c", "cluster": {"server": cluster.url, "certificate-authority-data": pem}}],
            users=[{"name": "ann", "user": {"client-certificate-data": pem, "client-key-data": pem}}],
        )
        assert cluster.tls is not None
        cluster.tls.load_verify_locations(certificate)
        cluster.tls.verify_mode = ssl.CERT_REQUIRED
        assert reach(settings_of(kubeconfig=str(path)), None)[0]
        assert not reach(settings_of(url=cluster.url, ca_file=str(certificate)), "data")[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"token": "wrong"}, "the cluster at {url} does not know us: what signs in is not good there"),
        ({"url": "http://127.0.0.1:1"}, "the cluster at http://127.0.0.1:1 can't be reached, or was lost: `127.0.0.1` refused the connection"),
        ({"url": "http://nowhere.invalid"}, "the cluster at http://nowhere.invalid can't be reached, or was lost: the host `nowhere.invalid` is not known"),
    ],
)  # fmt: skip
def test_who_is_not_let_in_is_told(cluster: Cluster, given: dict[str, Json], words: str) -> None:
    asked = settings_of(**{"url": cluster.url, "token": TOKEN, **given})
    assert reach(asked, "data") == (False, words.format(url=cluster.url))


def test_who_may_make_no_jobs_is_told(cluster: Cluster) -> None:
    cluster.forbidden.add("create jobs")
    assert reach(settings_of(url=cluster.url, token=TOKEN), "data") == (
        False,
        "it answers: Kubernetes v1.37.0, but lets us make no Jobs in `data`",
    )


@pytest.mark.parametrize(
    ("connection", "params", "words"),
    [
        ({"url": "ftp://x"}, {}, "the cluster should be a URL such as `https://cluster.example.org:6443`, found `ftp://x`"),
        ({"url": "https://x", "in_cluster": True}, {}, "the connection takes one of `url`, `kubeconfig` and `in_cluster`, found `url` and `in_cluster`"),
        ({"namespace": "Data"}, {}, "`namespace` should be a name of small letters, digits and `-`, found `Data`"),
        ({}, {"namespace": "a/b"}, "`namespace` should be a name of small letters, digits and `-`, found `a/b`"),
        ({}, {"resources": {"memory": "512m"}}, "`memory` should be a size such as 512Mi or 1Gi, found `512m`"),
        ({}, {"resources": {"limits": {"cpu": "1Gi"}}}, "`cpu` should be a number such as 2 or 500m, found `1Gi`"),
        ({}, {"resources": {"requests": {"nvidia.com/gpu": "one"}}}, "`nvidia.com/gpu` should be a quantity such as 1 or 10Gi, found `one`"),
        ({}, {"resources": {"limits": {}, "cpu": 1}}, "`cpu` can't stand beside `limits`: put it into that"),
        ({}, {"resources": "much"}, "`resources` should be a mapping such as `{cpu: 2, memory: 1Gi}`, found `much`"),
    ],
)  # fmt: skip
def test_values_that_can_not_be_are_told_before_anything_is_asked(
    tmp_path: Path, connection: dict[str, Json], params: dict[str, Json], words: str
) -> None:
    made = kubernetes.prepare({"image": "x", **params, "connection": connection}, {}, attempt(tmp_path))
    assert made == Outcome("failed", words)


@pytest.mark.parametrize("task", ["load", "Load_Orders.v2", "ä", "x" * 200, "-", "a_" * 50])
def test_a_job_has_a_name_that_a_cluster_takes(tmp_path: Path, task: str) -> None:
    from msgspec.structs import replace

    made = [
        kubernetes.job(
            {"image": "x"}, {}, replace(attempt(tmp_path), task_id=task, number=number, map_index=index)
        )
        for number in (1, 12_345)
        for index in (None, 0, 99_999)
    ]
    names = [str(each["metadata"]["name"]) for each in made]  # type: ignore[index, call-overload]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 63 for name in names)
    assert list(kubernetes_api.published("Job").iter_errors(made[-1])) == []


# A log that is cut


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32))
def test_a_log_that_is_cut_anywhere_loses_no_line_and_doubles_none(seed: int) -> None:
    """By a cluster that gives the lines of its file since a second; some come in one moment, some out of order."""
    source = random.Random(seed)
    at, file = 1_772_000_000 * 10**9, []
    for number in range(source.randrange(60)):
        at += source.choice((0, 1, 10**5, 10**9, 3 * 10**9))
        stamp = at - source.choice((0, 0, 0, 10, 10**6))
        file.append((stamp, b"line %d %s" % (number, b"x" * source.randrange(3))))
    position, written, there = Position(), b"", 0
    for _ in range(source.randrange(12)):
        there = min(len(file), there + source.randrange(20))  # what is in the file by now
        data = given_since(file[:there], position)
        data = data[: source.randrange(len(data) + 1)]
        while data:
            size = source.randrange(1, 200)
            written, data = written + position.taken(data[:size]), data[size:]
    written += position.taken(given_since(file, position)) + position.rest()
    assert written.splitlines() == [text for _, text in file]


def given_since(file: list[tuple[int, bytes]], position: Position) -> bytes:
    """What a cluster gives that is asked again."""
    position.again()
    since = (position.since or 0) * 10**9
    return b"".join(b"%b %b\n" % (shown(stamp), text) for stamp, text in file if stamp >= since)


def shown(stamp: int) -> bytes:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(stamp // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{stamp % 10**9:09}Z".encode()


def test_lines_are_passed_on_as_they_are() -> None:
    position = Position()
    zones = b"2026-03-09T07:00:00.1+01:00 a\n2026-03-09T06:00:00.12Z \xff b \n2026-03-09T06:00:01Z \nwords of its own\n"
    assert position.taken(zones) == b"a\n\xff b \n\nwords of its own\n"
    assert position.since == 1_773_036_000
    assert position.taken(b"2026-03-09T06:00:02Z no end") == b""
    assert (position.rest(), position.rest()) == (b"no end", b"")


def test_a_log_whose_beginning_is_gone_is_passed_on_from_there() -> None:
    """A node keeps the newest of it alone: what is newer than all that was written is not left out."""
    position = Position()
    position.taken(b"".join(b"2026-03-09T06:00:00.%d00Z %d\n" % (n, n) for n in range(1, 6)))
    position.again()
    assert position.taken(b"2026-03-09T06:00:00.500Z 5\n2026-03-09T06:00:00.600Z 6\n") == b"6\n"


# A Job that is there


def process(folder: Path, spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    """A task's own process, as a runner starts it, and its log."""
    path = folder / "spec"
    path.write_text(json.dumps(spec))
    with open(folder / "log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "yamldag/executors/task.py"), str(path)],
            stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
        )  # fmt: skip


def test_whoever_starts_an_attempt_again_finds_its_job(tmp_path: Path, cluster: Cluster) -> None:
    command = (
        'echo one; until [ -e "$GATE" ]; do sleep 0.05; done; echo two; echo n=1 > "$YAMLDAG_OUTPUT"; exit 0'
    )
    spec = spec_of(tmp_path, {"url": cluster.url, "token": TOKEN}, command=command)
    spec["env"]["GATE"] = str(tmp_path / "gate")
    first = process(tmp_path, spec)
    wait_until(lambda: b"one\n" in (tmp_path / "log").read_bytes())
    for pid in [*children(first.pid), first.pid]:  # the keeper first
        os.kill(pid, signal.SIGKILL)
    first.wait()
    [job] = cluster.names("jobs")
    second = process(tmp_path, spec)
    wait_until(lambda: (tmp_path / "log").read_bytes() == b"one\none\n")
    (tmp_path / "gate").touch()
    assert second.wait(60) == 0
    assert (tmp_path / "log").read_bytes() == b"one\none\ntwo\n"
    assert Path(spec["output"]).read_text() == "n=1\n"
    assert json.loads(Path(spec["result"]).read_text()) == {"state": "success", "exit": 0}
    assert len(cluster.containers) == 1, "never two"
    wait_until(lambda: not any(cluster.held.values()))
    assert job.endswith("-1")


def children(parent: int) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(name))
        except OSError:
            continue
    return found


def test_a_process_that_is_killed_leaves_no_job(tmp_path: Path, cluster: Cluster) -> None:
    """Its keeper deletes it, even where it is told several times to come later."""
    cluster.faults += [
        Fault("DELETE .*/jobs/", 429, {"Retry-After": "0"}),
        Fault("DELETE .*/jobs/", 503, {"Retry-After": "0"}),
    ]
    spec = spec_of(tmp_path, {"url": cluster.url, "token": TOKEN}, command="echo one; sleep 100")
    first = process(tmp_path, spec)
    wait_until(lambda: (tmp_path / "log").read_bytes() == b"one\n")
    first.kill()
    first.wait()
    wait_until(lambda: not any(cluster.held.values()))
    assert cluster.faults == []


def test_a_job_of_that_name_that_is_not_ours_is_left_alone(tmp_path: Path, cluster: Cluster) -> None:
    spec = spec_of(tmp_path, {"url": cluster.url, "token": TOKEN})
    other = json.loads(json.dumps(spec["job"]))
    other["metadata"]["labels"] = {"app": "mine"}
    cluster.make("jobs", "data", other)
    name = other["metadata"]["name"]
    told = process(tmp_path, spec)
    assert told.wait(60) == 1
    assert (
        json.loads(Path(spec["result"]).read_text())["reason"]
        == f"there is a Job `{name}` already, which is not of this task"
    )
    assert cluster.names("jobs") == [name], "and it is still there"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"type": "Complete"}, "the pod was gone before anybody saw how it ended (Complete)"),
        (
            {"type": "Failed", "reason": "BackoffLimitExceeded"},
            "the pod was gone before anybody saw how it ended (BackoffLimitExceeded)",
        ),
        ({"type": "Failed", "reason": "DeadlineExceeded"}, pods.LATE),
    ],
)
def test_a_job_that_is_over_without_a_pod_is_not_awaited(
    tmp_path: Path, cluster: Cluster, condition: dict[str, str], words: str
) -> None:
    spec = spec_of(tmp_path, {"url": cluster.url, "token": TOKEN})
    there = json.loads(json.dumps(spec["job"]))
    there["status"] = {
        "conditions": [{"type": "Suspended", "status": "False"}, {**condition, "status": "True"}]
    }
    cluster.make("jobs", "data", there)
    assert process(tmp_path, spec).wait(60) == 1
    assert json.loads(Path(spec["result"]).read_text()) == {"state": "failed", "reason": words, "retry": True}
    wait_until(lambda: not any(cluster.held.values()))


# The states of a pod


def pod(
    state: dict[str, Any] | None = None, conditions: list[dict[str, str]] | None = None, **status: Any
) -> pods.Pod:
    statuses = [] if state is None else [{"name": "side", "state": {}}, {"name": "task", "state": state}]
    container = {"name": "task", "image": "acme/report:7"}
    return {
        "metadata": {},
        "spec": {"containers": [container]},
        "status": {"containerStatuses": statuses, "conditions": conditions or [], **status},
    }


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (pod(phase="Pending"), None),
        (pod({"waiting": {"reason": "ContainerCreating"}}, phase="Pending"), None),
        (pod({"running": {}}, phase="Running"), None),
        ({"metadata": {}, "spec": {"containers": []}}, None),
        (pod({"terminated": {"exitCode": 0}}), {"state": "success", "exit": 0}),
        (pod({"terminated": {"exitCode": 3, "reason": "Error"}}), {"state": "failed", "exit": 3}),
        (pod({"terminated": {"exitCode": 137, "reason": "OOMKilled"}}),
         {"state": "failed", "retry": True, "reason": "it took more memory than the node had, and was killed for that (OOMKilled)"}),
        (pod({"terminated": {"exitCode": 128, "reason": "ContainerCannotRun"}}),
         {"state": "failed", "retry": False, "reason": "the container can't be started"}),
        (pod({"waiting": {"reason": "ErrImageNeverPull"}}),
         {"state": "failed", "retry": False, "reason": "acme/report:7 can't be pulled: ErrImageNeverPull"}),
        (pod({"waiting": {"reason": "RunContainerError", "message": "no such device"}}),
         {"state": "failed", "retry": True, "reason": "the container can't be started: no such device (RunContainerError)"}),
        (pod(phase="Failed", reason="NodeShutdown", message="Pod was rejected: node is shutting down"),
         {"state": "failed", "retry": True, "reason": "the cluster ended the pod (NodeShutdown): Pod was rejected: node is shutting down"}),
        (pod(phase="Failed", reason="DeadlineExceeded"),
         {"state": "failed", "retry": True, "reason": "it took longer than its `timeout` allows, and the cluster ended it (DeadlineExceeded)"}),
        (pod(phase="Failed"), {"state": "failed", "retry": True, "reason": "the pod failed, and says no more"}),
        (pod({"terminated": {"exitCode": 143}}, [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]),
         {"state": "failed", "retry": True, "reason": "the cluster took the pod from its node (PreemptionByScheduler)"}),
        (pod({"terminated": {"exitCode": 0}}, [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]),
         {"state": "success", "exit": 0}),
    ],
)  # fmt: skip
def test_a_state_means_this(state: pods.Pod, result: dict[str, Any] | None) -> None:
    assert pods.result(state, NOW) == result


def test_a_pod_whose_node_is_gone_is_given_up() -> None:
    state = {
        **pod({"running": {}}, phase="Running"),
        "metadata": {"deletionTimestamp": "2026-03-09T06:00:08Z"},
    }
    assert pods.result(state, NOW) is None
    assert pods.result(state, NOW + 60) == {
        "state": "failed", "retry": True,
        "reason": "the pod's node does not answer any more, and the cluster has given the pod up",
    }  # fmt: skip


def test_what_a_pod_waits_for_is_in_words() -> None:
    assert pods.awaited(pod()) == ""
    gated = [
        {"type": "Ready", "status": "False"},
        {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"},
    ]
    assert pods.awaited(pod(conditions=gated)) == "waiting for a node: SchedulingGated"


def test_an_output_that_may_have_been_cut_is_none() -> None:
    for left, found in (("x" * 4095, b"x" * 4095), ("x" * 4096, None), ("ä" * 2048, None), ("", b"")):
        assert pods.output(pod({"terminated": {"exitCode": 0, "message": left}})) == found


def test_what_is_no_cluster_is_told(tmp_path: Path) -> None:
    with answering(lambda _: Said(body=b"<html>welcome")) as site:
        url = site.url
        words = f"what answers at {url} is no Kubernetes cluster"
        assert carry_out(spec_of(tmp_path, {"url": url})) == {
            "state": "failed",
            "reason": words,
            "retry": False,
        }
        assert reach(settings_of(url=url), None) == (False, words)


def test_a_process_that_was_never_let_in_says_so(tmp_path: Path, cluster: Cluster) -> None:
    spec = spec_of(tmp_path, {"url": cluster.url, "token": "wrong"})
    told = carry_out(spec)
    assert (told["state"], told["retry"]) == ("failed", False)
    cluster.forbidden.add("list jobs")
    told = carry_out(spec_of(tmp_path, {"url": cluster.url, "token": TOKEN}))
    assert told["reason"].startswith("the cluster does not allow it: jobs is forbidden: ")
    assert any(cluster.asked)
    assert cluster.sent == []
