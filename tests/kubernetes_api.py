"""A stand-in that speaks the API of a Kubernetes cluster: its pods are processes of this machine.

No cluster runs in the tests. What this one does is what the API's documentation says of the requests that we send, and
what controllers and nodes do then: Jobs make pods, those go from state to state, what is deleted ends first. All that it
is sent it holds against the published JSON Schema, as a cluster does that is asked to be strict.

Images: `nowhere…` can't be pulled, `Bad…` is no name, `full…` finds no node and `quota…` makes no pod until `room` is set,
`oom…` is killed for its memory when it ends, `evicted…`, `drained…`, `late…` and `lost…` are ended by the cluster once they wrote a line and somebody reads it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import signal
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.led import Led
from tests.listening import listening

Object = dict[str, Any]
NEWEST = "v1.37.0"
OLDEST = "v1.25.0"
_KINDS = {"jobs": "Job", "pods": "Pod", "secrets": "Secret"}


@cache
def published(kind: str, version: str = NEWEST) -> jsonschema.Draft202012Validator:
    """The JSON Schema of a kind, in which no other keys are allowed."""
    folder = files("kubernetes_validate").joinpath(f"kubernetes-json-schema/{version}-local-strict")
    group = {"Job": "batch-v1", "Secret": "v1", "SelfSubjectAccessReview": "authorization-v1"}[kind]
    known = json.loads(folder.joinpath("_definitions.json").read_text())
    registry: Any = Registry().with_resource("/api/_definitions.json", DRAFT202012.create_resource(known))
    schema = json.loads(folder.joinpath(f"{kind.lower()}-{group}.json").read_text())
    return jsonschema.Draft202012Validator(schema, registry=registry)


def expanded(word: str, env: dict[str, str]) -> str:
    """As a node puts variables into words: `$(NAME)` if there is one, `$$` is `$`."""
    return re.sub(
        r"\$\$|\$\(([^)]*)\)",
        lambda found: "$" if found[1] is None else env.get(found[1], found[0]),
        word,
    )


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Container(Led):
    """The process of a pod, and its log: lines with the moment of each."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    wrote: threading.Event = field(default_factory=threading.Event)
    deleted: threading.Event = field(default_factory=threading.Event)
    followed: threading.Event = field(default_factory=threading.Event)
    """Somebody reads its log."""

    @property
    def output(self) -> Path:
        return self.folder / "termination-log"

    def start(self, words: list[str], env: dict[str, str]) -> None:
        self.folder.mkdir()
        self.output.touch()
        self.process = subprocess.Popen(
            words, env={"PATH": os.environ["PATH"], **env}, cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._read, args=(self.process,)).start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append((time.time_ns(), line))
            self.wrote.set()
        process.wait()
        process.stdout.close()
        self.ended.set()
        self.wrote.set()

    def end(self, grace: float) -> None:
        self.kill(signal.SIGTERM)
        if not self.ended.wait(grace):
            self.kill(signal.SIGKILL)
            self.ended.wait()


@dataclass
class Fault:
    """What the next request of a kind gets in place of its answer. Status 0: the connection is cut."""

    asked: str
    """An expression for `METHOD /path`."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "etcdserver: leader changed"
    after: int | None = None
    """Of a log: cut only after so many bytes of it."""


class Cluster:
    """What it holds, and what it was asked."""

    def __init__(self, folder: Path, token: str | None) -> None:
        self.folder = folder
        self.token = token
        self.url = ""
        self.tls: ssl.SSLContext | None = None
        self.namespaces = {"default", "data"}
        self.held: dict[str, dict[tuple[str, str], Object]] = {kind: {} for kind in _KINDS}
        self.containers: dict[str, Container] = {}
        self.asked: list[str] = []
        self.sent: list[Object] = []
        """All Jobs and Secrets that were to be made."""
        self.most = 0
        """Pods of one task that there were at once, at most."""
        self.forbidden: set[str] = set()
        """`VERB KIND`"""
        self.faults: list[Fault] = []
        self.room = threading.Event()
        self.oldest = 0
        self._version = 0
        self._events: list[tuple[int, str, Object]] = []
        self._changed = threading.Condition(threading.RLock())

    # What it holds

    def names(self, kind: str) -> list[str]:
        with self._changed:
            return [name for _, name in self.held[kind]]

    def find(self, kind: str, namespace: str, selector: str) -> tuple[list[Object], int]:
        wanted = dict(each.split("=", 1) for each in selector.split(",") if each)
        with self._changed:
            found = [
                json.loads(json.dumps(each))
                for (where, _), each in self.held[kind].items()
                if where == namespace and wanted.items() <= each["metadata"].get("labels", {}).items()
            ]
            return found, self._version

    def put(self, kind: str, thing: Object, event: str) -> None:
        """Hold it in this state, and tell."""
        with self._changed:
            self._version += 1
            meta = thing["metadata"]
            meta["resourceVersion"] = str(self._version)
            key = (meta["namespace"], meta["name"])
            if event == "DELETED":
                self.held[kind].pop(key, None)
            else:
                self.held[kind][key] = thing
            if kind == "pods":
                self._events.append((self._version, event, json.loads(json.dumps(thing))))
                tasks = [each["metadata"]["labels"]["yamldag.task"] for each in self.held["pods"].values()]
                self.most = max([self.most, *map(tasks.count, tasks)])
            self._changed.notify_all()

    def after(self, version: int, seconds: float) -> list[tuple[int, str, Object]]:
        """Events of pods since, once there are any, or that time is over."""
        with self._changed:
            self._changed.wait_for(lambda: max(self._told, self.oldest) > version, seconds)
            return [each for each in self._events if each[0] > version]

    @property
    def _told(self) -> int:
        """The version of the newest event."""
        return self._events[-1][0] if self._events else 0

    def forget(self) -> None:
        """What it told before is no longer known: watches are to begin anew."""
        with self._changed:
            self._version += 1
            self.oldest = self._version
            self._changed.notify_all()

    def make(self, kind: str, namespace: str, body: Object) -> Object:
        body["metadata"] |= {
            "namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now(), "generation": 1,
        }  # fmt: skip
        body.setdefault("status", {})
        self.put(kind, body, "ADDED")
        return body

    # What its controllers do

    def unsuspended(self, job: Object) -> None:
        threading.Thread(target=self._pod_of, args=(job,)).start()

    def delete(self, job: Object, *, with_pods: bool) -> None:
        with self._changed:
            if job["metadata"].get("deletionTimestamp"):
                return
            job["metadata"]["deletionTimestamp"] = now()
            self.put("jobs", job, "MODIFIED")
        if not with_pods:
            self.put("jobs", job, "DELETED")
        threading.Thread(target=self._gone, args=(job,)).start()

    def _gone(self, job: Object) -> None:
        name, namespace = job["metadata"]["name"], job["metadata"]["namespace"]
        for pod in self.find("pods", namespace, f"job-name={name}")[0]:
            self.delete_pod(pod["metadata"]["name"])
        for key, each in list(self.held["secrets"].items()):
            owners = [owner["uid"] for owner in each["metadata"].get("ownerReferences", ())]
            if job["metadata"]["uid"] in owners:
                self.held["secrets"].pop(key)
        with self._changed:
            self._changed.wait_for(lambda: not self.find("pods", namespace, f"job-name={name}")[0])
        self.put("jobs", job, "DELETED")

    def delete_pod(self, name: str) -> None:
        container = self.containers[name]
        pod = next((each for (_, one), each in self.held["pods"].items() if one == name), None)
        if pod is None or container.deleted.is_set():
            return
        pod["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": 8}
        self.put("pods", pod, "MODIFIED")
        container.deleted.set()
        threading.Thread(target=container.end, args=(pod["spec"]["terminationGracePeriodSeconds"],)).start()

    def _pod_of(self, job: Object) -> None:
        meta, template = job["metadata"], json.loads(json.dumps(job["spec"]["template"]))
        while template["spec"]["containers"][0]["image"].startswith("quota") and not self.room.wait(0.01):
            if meta.get("deletionTimestamp"):
                return
        name = f"{meta['name']}-{secrets.token_hex(3)[:5]}"
        container = self.containers[name] = Container(self.folder / name)
        labels = {"job-name": meta["name"], "batch.kubernetes.io/job-name": meta["name"]}
        pod = {
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {**template["metadata"], "name": name, "labels": {**template["metadata"]["labels"], **labels}},
            "spec": template["spec"], "status": {"phase": "Pending", "conditions": []},
        }  # fmt: skip
        self.make("pods", meta["namespace"], pod)
        self._live(pod, container, job)
        if not job["metadata"].get("deletionTimestamp"):
            over = pod["status"].get("phase") == "Succeeded"
            told = {"type": "Complete", "status": "True"} if over else {
                "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded",
                "message": "Job has reached the specified backoff limit",
            }  # fmt: skip
            if not job["status"].get("conditions"):
                job["status"] = {"conditions": [told]}
                if (meta["namespace"], meta["name"]) in self.held["jobs"]:
                    self.put("jobs", job, "MODIFIED")
            container.deleted.wait()
        self.put("pods", pod, "DELETED")

    # What its nodes do

    def _live(self, pod: Object, container: Container, job: Object) -> None:
        image = pod["spec"]["containers"][0]["image"]
        if image.startswith("full"):
            self._scheduled(pod, "False", "0/3 nodes are available: 3 Insufficient cpu.")
            while not self.room.wait(0.01):
                if container.deleted.is_set():
                    return
        self._scheduled(pod, "True", "")
        self._state(pod, {"waiting": {"reason": "ContainerCreating"}})
        env = self._variables(pod, container)
        if env is None:
            return
        try:
            container.start(self._words(pod, env), env)
        except OSError as problem:
            told = f"failed to create containerd task: exec: {(problem.strerror or '').lower()}"
            self._ended(pod, {"exitCode": 128, "reason": "StartError", "message": told})
            return
        self._state(pod, {"running": {"startedAt": now()}}, "Running")
        self._meddle(pod, container, job, image)
        container.ended.wait()
        code = container.code
        reason = "OOMKilled" if image.startswith("oom") else "Error" if code else "Completed"
        left = container.output.read_bytes()[-4096:].decode("utf-8", "replace")
        self._ended(pod, {"exitCode": code, "reason": reason, **({"message": left} if left else {})})

    def _meddle(self, pod: Object, container: Container, job: Object, image: str) -> None:
        name = pod["metadata"]["name"]
        if image.startswith(("evicted", "drained", "late", "lost")):
            container.wrote.wait()
            container.followed.wait()
        if image.startswith("evicted"):
            pod["status"] |= {"reason": "Evicted", "message": "The node was low on resource: memory. "}
            container.end(0)
        elif image.startswith("drained"):
            told = "Taint manager: deleting due to NoExecute taint"
            pod["status"]["conditions"].append(
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "DeletionByTaintManager",
                    "message": told,
                }
            )
            self.delete_pod(name)
        elif image.startswith("late"):
            told = "Job was active longer than specified deadline"
            job["status"] = {
                "conditions": [
                    {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": told}
                ]
            }
            self.put("jobs", job, "MODIFIED")
            self.delete_pod(name)
        elif image.startswith("lost"):
            self.delete_pod(name)

    def _variables(self, pod: Object, container: Container) -> dict[str, str] | None:
        """None: there is no container, and the pod is to be deleted."""
        spec = pod["spec"]["containers"][0]
        if spec["image"].startswith("nowhere"):
            told = f'failed to pull and unpack image "{spec["image"]}": not found'
            self._state(pod, {"waiting": {"reason": "ErrImagePull", "message": told}})
            told = f'Back-off pulling image "{spec["image"]}": ErrImagePull: {told}'
            self._state(pod, {"waiting": {"reason": "ImagePullBackOff", "message": told}})
            container.deleted.wait()
            return None
        if spec["image"].startswith("Bad"):
            told = "couldn't parse image name: repository name must be lowercase"
            self._state(pod, {"waiting": {"reason": "InvalidImageName", "message": told}})
            container.deleted.wait()
            return None
        env: dict[str, str] = {}
        for each in spec.get("env", ()):
            if "value" in each:
                env[each["name"]] = expanded(each["value"], env)
                continue
            asked = each["valueFrom"]["secretKeyRef"]
            held = self.held["secrets"].get((pod["metadata"]["namespace"], asked["name"]))
            if held is None or spec["image"].startswith("config"):
                told = f'secret "{asked["name"]}" not found'
                self._state(pod, {"waiting": {"reason": "CreateContainerConfigError", "message": told}})
                container.deleted.wait()
                return None
            env[each["name"]] = base64.b64decode(held["data"][asked["key"]]).decode()
        return env

    def _words(self, pod: Object, env: dict[str, str]) -> list[str]:
        spec = pod["spec"]["containers"][0]
        words = [*spec.get("command", ["/bin/sh", "-c", "echo default"]), *spec.get("args", ())]
        words = [expanded(word, env) for word in words]
        assert env["YAMLDAG_OUTPUT"] == spec["terminationMessagePath"]
        env["YAMLDAG_OUTPUT"] = str(self.containers[pod["metadata"]["name"]].output)
        return words

    def _scheduled(self, pod: Object, status: str, why: str) -> None:
        reason = {"reason": "Unschedulable", "message": why} if why else {}
        pod["status"]["conditions"] = [{"type": "PodScheduled", "status": status, **reason}]
        self.put("pods", pod, "MODIFIED")

    def _state(self, pod: Object, state: Object, phase: str = "Pending") -> None:
        image = pod["spec"]["containers"][0]["image"]
        pod["status"] |= {
            "phase": phase,
            "containerStatuses": [
                {
                    "name": "task",
                    "state": state,
                    "image": image,
                    "imageID": "",
                    "ready": False,
                    "restartCount": 0,
                }
            ],
        }
        self.put("pods", pod, "MODIFIED")

    def _ended(self, pod: Object, how: Object) -> None:
        self._state(pod, {"terminated": how}, "Failed" if how["exitCode"] else "Succeeded")

    def close(self) -> None:
        self.room.set()
        for each in list(self.containers.values()):
            each.kill(signal.SIGKILL)
            each.deleted.set()
            each.followed.set()


@contextmanager
def private(folder: Path, token: str | None = None, certificate: Path | None = None) -> Iterator[Cluster]:
    """One that listens here. `certificate`: a file with it and its key, for TLS."""
    cluster = Cluster(folder, token)

    class Handler(_Handler):
        pass

    Handler.cluster = cluster
    server = _Server(("127.0.0.1", 0), Handler)
    cluster.url = f"http://127.0.0.1:{server.server_port}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        cluster.tls = context
        server.socket = context.wrap_socket(server.socket, server_side=True)
        cluster.url = f"https://localhost:{server.server_port}"
    with listening(server):
        try:
            yield cluster
        finally:
            cluster.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """Whoever asked was killed."""


class _Answered(Exception):  # noqa: N818
    def __init__(self, status: int, body: Object) -> None:
        super().__init__()
        self.status, self.body = status, body


def status(code: int, reason: str, message: str, **more: Any) -> _Answered:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code}
    return _Answered(code, {**body, "reason": reason, "message": message, **more})


class _Handler(BaseHTTPRequestHandler):
    cluster: Cluster
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _do(self) -> None:
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = f"{self.command} {parts.path}" + (" watch" if "watch" in self.query else "")
        self.cluster.asked.append(asked)
        self.cut_after: int | None = None
        try:
            self._trouble(asked)
            if (
                self.cluster.token is not None
                and self.headers.get("authorization") != f"Bearer {self.cluster.token}"
            ):
                raise status(401, "Unauthorized", "Unauthorized")
            self._answer(parts.path, json.loads(body) if body else {})
        except _Answered as answer:
            self._json(answer.status, answer.body)

    def _trouble(self, asked: str) -> None:
        for fault in self.cluster.faults:
            if re.search(fault.asked, asked):
                self.cluster.faults.remove(fault)
                if fault.after is not None:
                    self.cut_after = fault.after
                    return
                if not fault.status:
                    self.close_connection = True
                    self.connection.close()
                    raise ConnectionError
                told = status(fault.status, "InternalError", fault.message)
                self._json(told.status, told.body, fault.headers)
                raise _Done

    def _answer(self, path: str, body: Object) -> None:
        if path == "/version":
            raise _Answered(200, {"major": "1", "minor": "37", "gitVersion": "v1.37.0"})
        if path.endswith("/selfsubjectaccessreviews"):
            assert list(published(body["kind"]).iter_errors(body)) == []
            asked = body["spec"]["resourceAttributes"]
            allowed = f"{asked['verb']} {asked['resource']}" not in self.cluster.forbidden
            raise _Answered(201, {**body, "status": {"allowed": allowed}})
        found = re.fullmatch(r"/(api/v1|apis/batch/v1)/namespaces/([^/]+)/(\w+)(?:/([^/]+))?(/log)?", path)
        if (
            found is None
            or found[3] not in {*_KINDS, "events"}
            or (found[1] == "apis/batch/v1") != (found[3] == "jobs")
        ):
            raise status(404, "NotFound", "the server could not find the requested resource")
        namespace, kind, name = found[2], found[3], found[4]
        verb = self._verb(name)
        if kind == "events" and verb == "list":
            raise _Answered(200, {"kind": "EventList", "items": self._events()})
        if f"{verb} {kind}" in self.cluster.forbidden:
            group = 'API group "batch"' if kind == "jobs" else 'API group ""'
            who = (
                f'User "system:serviceaccount:{namespace}:yamldag" cannot {verb} resource "{kind}" in {group}'
            )
            raise status(403, "Forbidden", f'{kind} is forbidden: {who} in the namespace "{namespace}"')
        if found[5]:
            self._log(self._found(kind, namespace, name))
        else:
            getattr(self, f"_{verb}")(kind, namespace, name, body)

    def _verb(self, name: str | None) -> str:
        if self.command == "GET":
            return "get" if name else "watch" if "watch" in self.query else "list"
        return {"POST": "create", "DELETE": "delete", "PATCH": "patch"}[self.command]

    def _found(self, kind: str, namespace: str, name: str) -> Object:
        held = self.cluster.held[kind].get((namespace, name))
        if held is None:
            raise status(404, "NotFound", f'{kind} "{name}" not found', details={"name": name, "kind": kind})
        return held

    def _get(self, kind: str, namespace: str, name: str, _body: Object) -> None:
        raise _Answered(200, self._found(kind, namespace, name))

    def _list(self, kind: str, namespace: str, _name: None, _body: Object) -> None:
        items, version = self.cluster.find(kind, namespace, self.query.get("labelSelector", ""))
        raise _Answered(
            200,
            {
                "kind": f"{_KINDS[kind]}List",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": str(version)},
                "items": items,
            },
        )

    def _events(self) -> list[Object]:
        """What is told of the Job: it makes no pod where there is no room in the quota."""
        uid = self.query["fieldSelector"].removeprefix("involvedObject.uid=")
        job = next(each for each in self.cluster.held["jobs"].values() if each["metadata"]["uid"] == uid)
        told = 'Error creating: pods "x" is forbidden: exceeded quota: compute'
        if not job["spec"]["template"]["spec"]["containers"][0]["image"].startswith("quota"):
            return []
        return [
            {"type": "Normal", "message": "Suspended"},
            {"type": "Warning", "reason": "FailedCreate", "message": told},
        ]

    def _create(self, kind: str, namespace: str, _name: None, body: Object) -> None:
        self.cluster.sent.append(json.loads(json.dumps(body)))
        if self.query.get("fieldValidation") == "Strict":
            for wrong in published(_KINDS[kind]).iter_errors(body):
                raise status(400, "BadRequest", f"strict decoding error: {wrong.message}")
        if namespace not in self.cluster.namespaces:
            about = {"name": namespace, "kind": "namespaces"}
            raise status(404, "NotFound", f'namespaces "{namespace}" not found', details=about)
        name = body["metadata"]["name"]
        if body["metadata"].get("namespace", namespace) != namespace or not re.fullmatch(
            r"[a-z0-9][-a-z0-9]{0,61}[a-z0-9]", name
        ):
            raise status(422, "Invalid", f'{kind} "{name}" is invalid')
        if (namespace, name) in self.cluster.held[kind]:
            raise status(409, "AlreadyExists", f'{kind} "{name}" already exists')
        if kind == "secrets":
            values = body.pop("stringData", {})
            body["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
            if not all(re.fullmatch(r"[-._a-zA-Z0-9]+", key) for key in body["data"]):
                raise status(
                    422, "Invalid", f'Secret "{name}" is invalid: data: a valid config key must consist of …'
                )
            [owner] = body["metadata"]["ownerReferences"]
            assert owner["uid"] == self.cluster.held["jobs"][(namespace, owner["name"])]["metadata"]["uid"]
        made = self.cluster.make(kind, namespace, body)
        if kind == "jobs" and not body["spec"].get("suspend"):
            self.cluster.unsuspended(made)
        raise _Answered(201, made)

    def _patch(self, kind: str, namespace: str, name: str, body: Object) -> None:
        assert (kind, body) == ("jobs", {"spec": {"suspend": False}})
        assert self.headers["content-type"] == "application/merge-patch+json"
        job = self._found(kind, namespace, name)
        if job["spec"].get("suspend"):
            job["spec"]["suspend"] = False
            self.cluster.put("jobs", job, "MODIFIED")
            self.cluster.unsuspended(job)
        raise _Answered(200, job)

    def _delete(self, kind: str, namespace: str, name: str, body: Object) -> None:
        held = self._found(kind, namespace, name)
        if body.get("preconditions", {}).get("uid", held["metadata"]["uid"]) != held["metadata"]["uid"]:
            raise status(409, "Conflict", "the UID in the precondition does not match the UID in record")
        if kind == "jobs":
            self.cluster.delete(held, with_pods=self.query.get("propagationPolicy") == "Foreground")
        elif kind == "secrets":
            self.cluster.held[kind].pop((namespace, name), None)
        raise _Answered(200, held)

    # Streams

    def _watch(self, kind: str, namespace: str, _name: None, _body: Object) -> None:
        assert kind == "pods"
        version, wanted = int(self.query["resourceVersion"]), dict([self.query["labelSelector"].split("=")])
        self._begin_stream("application/json")
        until = time.monotonic() + float(self.query["timeoutSeconds"])
        self._event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})
        while (left := until - time.monotonic()) > 0:
            if version < self.cluster.oldest:
                told = status(410, "Expired", f"too old resource version: {version} ({self.cluster.oldest})")
                self._event("ERROR", told.body)
                break
            for at, event, pod in self.cluster.after(version, left):
                version, meta = at, pod["metadata"]
                if meta["namespace"] == namespace and wanted.items() <= meta["labels"].items():
                    self._event(event, pod)
        self._piece(b"")

    def _event(self, kind: str, what: Object) -> None:
        line = json.dumps({"type": kind, "object": what}).encode() + b"\n"
        for part in (line[:7], line[7:]):  # they are cut as they like by what lies between
            self._piece(part)

    def _log(self, pod: Object) -> None:
        container = self.cluster.containers[pod["metadata"]["name"]]
        if container.process is None or self.query.get("container") != "task":
            raise status(400, "BadRequest", 'container "task" is waiting to start: ContainerCreating')
        since = (
            datetime.fromisoformat(self.query["sinceTime"]).timestamp() if "sinceTime" in self.query else 0
        )
        assert since == int(since)
        self._begin_stream("text/plain")
        at = sent = 0
        container.followed.set()
        while True:
            over = container.ended.is_set() or "follow" not in self.query
            for stamp, line in container.lines[at:]:
                at += 1
                if stamp < since * 10**9:
                    continue
                moment = (
                    f"{datetime.fromtimestamp(stamp // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{stamp % 10**9:09}Z "
                )
                data = moment.encode() + line
                if self.cut_after is not None and sent + len(data) > self.cut_after:
                    self._piece(data[: self.cut_after - sent])
                    self.connection.close()
                    raise ConnectionError
                self._piece(data)
                sent += len(data)
            if over:
                self._piece(b"")
                return
            container.ended.wait(0.02)

    def _begin_stream(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _piece(self, data: bytes) -> None:
        """None: the last."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _json(self, code: int, value: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        for name, each in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, each)
        self.end_headers()
        self.wfile.write(data)

    def _handle(self) -> None:
        with suppress(_Done):
            self._do()

    do_GET = do_POST = do_DELETE = do_PATCH = _handle  # noqa: N815


class _Done(Exception):  # noqa: N818
    """It was answered."""
