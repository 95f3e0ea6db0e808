"""Carries out a `kubernetes` task: a Job of one pod, by the cluster's HTTP API.

A Job belongs to the cluster, and goes on when we die. So there is a keeper beside us, which deletes it then. A Job's
name is that of its attempt, and its label that of the task: whoever starts an attempt again finds its Job, and what an
earlier attempt has left is deleted, and its pod gone, before the next begins.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

from yamldag.executors.remote import pods
from yamldag.executors.remote.access import access
from yamldag.executors.remote.cluster import LONG, SHORTLY, Cluster, Refused
from yamldag.executors.remote.credentials import Unusable
from yamldag.executors.remote.keeper import Keeper
from yamldag.executors.remote.podlog import Log
from yamldag.executors.remote.told import environment, failed
from yamldag.operators.kubernetes import GRACE, KEY, with_variables

_BATCH = "apis/batch/v1"
_WATCH, _WATCH_NOTHING = 240, 2
"""Seconds for which a pod is watched before all is looked at again; and where there is none yet."""
_LEAVING = GRACE + 60.0
"""Seconds for a Job of an earlier attempt to go, with its pod."""
_STEP = 0.2
_STRICT = {"fieldValidation": "Strict"}
_WITH_PODS = {"propagationPolicy": "Foreground"}
"""A Job is gone when its pod is, and not before."""


def warm_up() -> None:
    """All that every task needs is loaded with this module."""


def carry_out(spec: dict[str, Any]) -> dict[str, Any]:
    """The result: `{exit}` of the command, or why there is none. Its output is left at `spec["output"]`."""
    try:
        with _cluster(spec) as cluster:
            return _Job(cluster, spec).carry_out()
    except Unusable as problem:
        return failed(str(problem), retry=False)
    except Refused as refused:
        return failed(str(refused), retry=refused.retry)


def reach(settings: dict[str, Any], namespace: str | None) -> tuple[bool, str]:
    """Whether it lets us make Jobs, and words on it. `settings` as the operator's `cluster` gives them."""
    try:
        with _cluster({"cluster": settings, "namespace": namespace}) as cluster:
            version = cluster.told("GET", "/version").get("gitVersion", "of no version")
            asked = {"namespace": cluster.namespace, "group": "batch", "resource": "jobs", "verb": "create"}
            answer = cluster.told(
                "POST",
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                json={
                    "apiVersion": "authorization.k8s.io/v1",
                    "kind": "SelfSubjectAccessReview",
                    "spec": {"resourceAttributes": asked},
                },
            )
    except (Unusable, Refused) as problem:
        return False, str(problem)
    if (answer.get("status") or {}).get("allowed") is not True:
        return False, f"it answers: Kubernetes {version}, but lets us make no Jobs in `{cluster.namespace}`"
    return True, f"it answers: Kubernetes {version}, and lets us make Jobs in `{cluster.namespace}`"


def _cluster(spec: dict[str, Any]) -> Cluster:
    return Cluster(access(spec["cluster"]), spec["namespace"])


class _Job:
    def __init__(self, cluster: Cluster, spec: dict[str, Any]) -> None:
        self._cluster = cluster
        self._spec = spec
        self._name: str = spec["job"]["metadata"]["name"]
        self._key: str = spec["job"]["metadata"]["labels"][KEY]
        self._stopped = False

    def carry_out(self) -> dict[str, Any]:
        self._remove_others()
        keeper = Keeper(self._delete_beside)
        signal.signal(signal.SIGTERM, self._stop)
        try:
            self._begin()
            return self._followed()
        finally:
            self._cluster.patience = SHORTLY
            if self._delete():
                keeper.let_go()

    # Before and after

    def _remove_others(self) -> None:
        """Jobs of earlier attempts, whose keepers have died with them."""
        listed = self._cluster.told("GET", self._jobs(), params={"labelSelector": f"{KEY}={self._key}"})
        others = [each["metadata"]["name"] for each in listed.get("items") or ()]
        for name in others:
            if name != self._name:
                self._cluster.ask("DELETE", self._jobs(name), (404,), params=_WITH_PODS)
                self._await_gone(name)

    def _await_gone(self, name: str) -> None:
        until = time.monotonic() + _LEAVING
        while self._cluster.look(self._jobs(name)) is not None:
            if time.monotonic() > until:
                raise Refused(f"the Job {name}, of an earlier attempt, does not go", retry=True)
            time.sleep(_STEP)

    def _delete(self) -> bool:
        """Whether it is on its way out."""
        with contextlib.suppress(Refused, Unusable):
            self._delete_by(self._cluster)
            return True
        return False

    def _delete_beside(self) -> None:
        with _cluster(self._spec) as cluster:
            cluster.patience, cluster.reached = LONG, True
            self._delete_by(cluster)

    def _delete_by(self, cluster: Cluster) -> None:
        """If it is ours: the name alone does not say so."""
        job = cluster.look(self._jobs(self._name))
        if job is not None and self._is_ours(job):
            only = {"preconditions": {"uid": job["metadata"]["uid"]}}
            cluster.ask("DELETE", self._jobs(self._name), (404, 409), params=_WITH_PODS, json=only)

    def _is_ours(self, job: dict[str, Any]) -> bool:
        found = (job["metadata"].get("labels") or {}).get(KEY)
        return bool(found == self._key)

    def _stop(self, *_: object) -> None:
        """In a thread: this one watches the pod, and its log is read to the end."""
        self._stopped = True
        threading.Thread(target=self._delete, daemon=True).start()

    # Its beginning

    def _begin(self) -> None:
        """The Job, and the Secret that it owns: no pod is made before that is there."""
        given = environment(self._spec["env"])
        own = {name: value for name, value in given.items() if not name.startswith("YAMLDAG_")}
        made = self._made(with_variables(self._spec["job"], given))
        self._cluster.patience = LONG
        if own:
            self._hand_over(own, made["metadata"]["uid"])
            self._cluster.ask(
                "PATCH",
                self._jobs(self._name),
                json={"spec": {"suspend": False}},
                headers={"content-type": "application/merge-patch+json"},
            )
        if self._stopped:
            self._delete()

    def _made(self, body: dict[str, Any]) -> dict[str, Any]:
        """The Job; one that is there already was made for this very attempt."""
        while not self._stopped:
            self._cluster.ask("POST", self._jobs(), (409,), params=_STRICT, json=body)
            made = self._cluster.look(self._jobs(self._name))
            if made is None:
                continue
            if not self._is_ours(made):
                raise Refused(
                    f"there is a Job `{self._name}` already, which is not of this task", retry=False
                )
            if not made["metadata"].get("deletionTimestamp"):
                return made
            self._await_gone(self._name)
        raise Refused("it was stopped before it began", retry=False)

    def _hand_over(self, values: dict[str, str], uid: str) -> None:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": self._name, "uid": uid}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": self._name,
                "labels": self._spec["job"]["metadata"]["labels"],
                "ownerReferences": [owner],
            },
            "type": "Opaque",
            "immutable": True,
            "stringData": values,
        }
        path = self._cluster.path("secrets")
        if self._cluster.ask("POST", path, (409,), params=_STRICT, json=body).status_code == 409:
            # It may be that of a Job of this name that is gone, and so about to go.
            self._cluster.ask("DELETE", self._cluster.path("secrets", self._name), (404,))
            self._cluster.ask("POST", path, (409,), params=_STRICT, json=body)

    # Its course

    def _followed(self) -> dict[str, Any]:
        """Its log is passed on until it ends."""
        log: Log | None = None
        last: pods.Pod | None = None
        told, looks = "", 0
        for pod in self._states():
            looks, last = looks + 1, pod or last
            if pod and log is None and pods.begun(pod):
                log = Log(self._cluster, pod["metadata"]["name"])
            result = self._result(pod) if pod else self._without_pod(last)
            if result is not None:
                if log is not None:
                    log.finish()
                return self._with_output(result, last)
            words = pods.awaited(pod) if pod else self._unmade() if looks > 1 else ""
            if words and words != told:
                os.write(1, f"{words}\n".encode())
                told = words
        raise AssertionError

    def _states(self) -> Iterator[pods.Pod | None]:
        """Each state of the pod, and None where there is none (yet, or any more)."""
        path, params = self._cluster.path("pods"), {"labelSelector": f"job-name={self._name}"}
        while True:
            listed = self._cluster.told("GET", path, params=params)
            there = max(listed["items"], key=lambda pod: pod["metadata"]["creationTimestamp"], default=None)
            yield there
            since = {
                **params,
                "resourceVersion": listed["metadata"]["resourceVersion"],
                "allowWatchBookmarks": "true",
            }
            for kind, pod in self._cluster.watch(path, since, _WATCH if there else _WATCH_NOTHING):
                if kind in ("ADDED", "MODIFIED", "DELETED"):
                    yield pod
                if kind == "DELETED":
                    yield None

    def _result(self, pod: pods.Pod) -> dict[str, Any] | None:
        found = pods.result(pod, time.time())
        if found is None or found.get("exit") is not None or not pods.taken(pod):
            return found
        return failed(pods.LATE) if _is_late(self._cluster.look(self._jobs(self._name))) else found

    def _without_pod(self, last: pods.Pod | None) -> dict[str, Any] | None:
        """What the Job says, where it has no pod; `last` is the one that it had. None: one will come."""
        job = self._cluster.look(self._jobs(self._name))
        if _is_late(job):
            return failed(pods.LATE)
        if last is not None:
            return failed(pods.taken(last) or pods.DELETED)
        if job is None:
            return failed("the Job was deleted before its pod began")
        over = _over(job, "Failed", "FailureTarget", "Complete")
        return None if over is None else failed(f"the pod was gone before anybody saw how it ended ({over})")

    def _unmade(self) -> str:
        """Words on why there is no pod yet: a quota, a service account that is not there; empty: nobody says so."""
        job = self._cluster.look(self._jobs(self._name)) or {"metadata": {"uid": ""}}
        about = {"fieldSelector": f"involvedObject.uid={job['metadata']['uid']}"}
        answer = self._cluster.ask("GET", self._cluster.path("events"), (403,), params=about)
        found = answer.json().get("items") or () if answer.is_success else ()
        words = [str(each.get("message") or "") for each in found if each.get("type") == "Warning"]
        return f"there is no pod yet: {words[-1]}" if words else ""

    def _with_output(self, result: dict[str, Any], pod: pods.Pod | None) -> dict[str, Any]:
        if result.get("exit") != 0 or pod is None:
            return result
        found = pods.output(pod)
        if found is None:
            return failed(
                f"the output has {pods.LONGEST} bytes or more, of which a cluster hands on the end alone: keep it "
                "elsewhere, and hand on where",
                retry=False,
            )
        if found:
            with open(self._spec["output"], "wb", opener=_private) as file:
                file.write(found)
        return result

    def _jobs(self, name: str | None = None) -> str:
        return self._cluster.path("jobs", name, _BATCH)


def _over(job: dict[str, Any], *kinds: str) -> str | None:
    """By which of these conditions it is over, in its own word; None: it is not."""
    for each in (job.get("status") or {}).get("conditions") or ():
        if each.get("type") in kinds and each.get("status") == "True":
            return str(each.get("reason") or each["type"])
    return None


def _is_late(job: dict[str, Any] | None) -> bool:
    return job is not None and _over(job, "Failed", "FailureTarget") == pods.DEADLINE


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
