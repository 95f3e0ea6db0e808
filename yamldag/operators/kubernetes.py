"""`kubernetes`: a command in a pod of a cluster, as a Job that has one. `connection` is that cluster, as the task's
guard has resolved it; without one it is that of kubectl here, or the one that this machine is a pod of."""

from __future__ import annotations

import copy
import hashlib
import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from yamldag.operators.contract import Attempt, Json, Outcome, Work, text, words
from yamldag.operators.ending import of_elsewhere as outcome
from yamldag.operators.process import argv

__all__ = ["cluster", "inline", "job", "outcome", "prepare", "with_variables"]

inline = False

GRACE = 8
"""Seconds from TERM to KILL: within those that we have ourselves."""
OUTPUT = "/dev/termination-log"
"""What a command writes its output to: a cluster hands on what is in there at the end, of this file alone."""
CONTAINER = "task"
KEY = "yamldag.task"
"""The label that all Jobs of a task in its run have, whichever attempt they are of."""
_KEPT = 3600
"""Seconds for which a cluster keeps a Job that is over, where nobody is left to delete it."""
_SCHEMES = ("http", "https")
_PLACES = ("url", "kubeconfig", "in_cluster")
"""Of a connection: ways to say where the cluster is, of which there may be one."""
_FILES = ("kubeconfig", "ca_file", "cert_file", "key_file")
_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_CPU = re.compile(r"[0-9]+(?:\.[0-9]+)?m?")
_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[KMGTPE]i|[kMGTPE]|[eE][0-9]+)?")
_QUANTITY = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[KMGTPE]i|[munkMGTPE]|[eE][-+]?[0-9]+)?")
_WANTED = {
    "cpu": (_CPU, "a number such as 2 or 500m"),
    "memory": (_SIZE, "a size such as 512Mi or 1Gi"),
    "ephemeral-storage": (_SIZE, "a size such as 512Mi or 1Gi"),
}


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    connection = params.get("connection")
    said: dict[str, Json] = connection if isinstance(connection, dict) else {}
    there = cluster(said)
    given = params.get("namespace") or said.get("namespace")
    namespace = None if given is None else text(given)
    for wrong in (
        there if isinstance(there, str) else None,
        _fault(params.get("resources")),
        None if namespace is None or _NAME.fullmatch(namespace) else _no_namespace(namespace),
    ):
        if wrong is not None:
            return Outcome("failed", wrong)
    spec: dict[str, Json] = {
        "operator": "kubernetes",
        "result": attempt.result_path,
        "output": attempt.output_path,
        "cluster": there,
        "namespace": namespace,
        "job": job(params, said, attempt),
    }
    return Work(argv(attempt.spec_path), spec=spec, warm=("fork", "kubernetes", "/", ""))


def cluster(connection: Mapping[str, Json]) -> dict[str, Json] | str:
    """Where it is and who we are, `{url, token, kubeconfig, context, in_cluster, ca_file, cert_file, key_file}`, null
    for what is not said; or what is wrong with that. Paths start from the project's root."""
    given = [name for name in _PLACES if connection.get(name)]
    if len(given) > 1:
        return f"the connection takes one of `url`, `kubeconfig` and `in_cluster`, found `{given[0]}` and `{given[1]}`"
    url = None
    if connection.get("url"):
        written = text(connection["url"])
        scheme, _, place = written.partition("://")
        scheme = "https" if scheme == "kubernetes" else scheme
        if scheme not in _SCHEMES or not place:
            return (
                f"the cluster should be a URL such as `https://cluster.example.org:6443`, found `{written}`"
            )
        url = f"{scheme}://{place.rstrip('/')}"
    root = text(connection.get("root") or "/")
    files: dict[str, Json] = {
        name: os.path.join(root, os.path.expanduser(text(connection[name]))) if connection.get(name) else None
        for name in _FILES
    }
    own: dict[str, Json] = {
        name: None if connection.get(name) is None else text(connection[name])
        for name in ("token", "context")
    }
    return {"url": url, **own, **files, "in_cluster": connection.get("in_cluster") is True}


def job(params: Mapping[str, Json], connection: Mapping[str, Json], attempt: Attempt) -> dict[str, Json]:
    """The Job as it is sent, but for the variables of its container."""
    key = hashlib.sha256("\n".join((attempt.run_id, *attempt.whose)).encode()).hexdigest()
    spec: dict[str, Json] = {"backoffLimit": 0, "ttlSecondsAfterFinished": _KEPT}
    if attempt.timeout is not None:
        spec["activeDeadlineSeconds"] = max(1, math.ceil(attempt.timeout))
    spec["template"] = {"metadata": _signs(key, attempt), "spec": _pod(params, connection)}
    meta: dict[str, Json] = {"name": f"yamldag-{_said(attempt.task_id)}{key[:16]}-{attempt.number}"}
    if params.get("namespace") is not None:
        meta["namespace"] = params["namespace"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**meta, **_signs(key, attempt)},
        "spec": spec,
    }


def _signs(key: str, attempt: Attempt) -> dict[str, Json]:
    """By which it is found, by us and by people."""
    index = "" if attempt.map_index is None else f"[{attempt.map_index}]"
    return {
        "labels": {"app.kubernetes.io/managed-by": "yamldag", KEY: key[:40]},
        "annotations": {
            "yamldag/run": attempt.run_id,
            "yamldag/task": f"{attempt.task_id}{index}",
            "yamldag/attempt": str(attempt.number),
            # What scales the cluster down would otherwise move the pod: for a task that is to begin again.
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        },
    }


def with_variables(job: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """A Job with the variables of its container: the task's own come from a Secret of its name, for which it waits."""
    body = copy.deepcopy(dict(job))
    name = body["metadata"]["name"]
    own = [each for each in given if not each.startswith("YAMLDAG_")]
    ours = {each: value for each, value in given.items() if each not in own} | {"YAMLDAG_OUTPUT": OUTPUT}
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [
        *({"name": each, "value": _literally(value)} for each, value in ours.items()),
        *({"name": each, "valueFrom": {"secretKeyRef": {"name": name, "key": each}}} for each in own),
    ]
    if own:
        body["spec"]["suspend"] = True
    return body


def _pod(params: Mapping[str, Json], connection: Mapping[str, Json]) -> dict[str, Json]:
    container: dict[str, Json] = {"name": CONTAINER, "image": text(params["image"])}
    for name, given in (
        ("command", _entrypoint(params.get("command"))),
        ("args", _listed(params.get("args"))),
    ):
        if given:
            container[name] = [_literally(word) for word in words(given)]
    if params.get("resources"):
        container["resources"] = _resources(params["resources"])
    container |= {"terminationMessagePath": OUTPUT, "terminationMessagePolicy": "File"}
    pod: dict[str, Json] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE,
        "enableServiceLinks": False,
        "automountServiceAccountToken": connection.get("service_account") is not None,
        "containers": [container],
    }
    if connection.get("service_account") is not None:
        pod["serviceAccountName"] = text(connection["service_account"])
    if isinstance(nodes := connection.get("node_selector"), dict):
        pod["nodeSelector"] = {name: text(value) for name, value in nodes.items()}
    if connection.get("registry_login") is not None:
        pod["imagePullSecrets"] = [{"name": text(connection["registry_login"])}]
    return pod


def _literally(word: str) -> str:
    """A word as the container is to have it: a cluster would put variables in for `$(NAME)`, and take `$$` for `$`."""
    return word.replace("$", "$$")


def _entrypoint(command: Json) -> list[Json]:
    """Nothing: the image's own."""
    if command is None:
        return []
    return command if isinstance(command, list) else ["/bin/sh", "-c", text(command)]


def _listed(given: Json) -> list[Json]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _resources(given: Json) -> Json:
    """What it asks for is what it may take, unless the two are told apart."""
    if not isinstance(given, dict):
        return given
    if given.keys() & {"requests", "limits"}:
        return {side: _amounts(each) for side, each in given.items()}
    return {"requests": _amounts(given), "limits": _amounts(given)}


def _amounts(given: Json) -> Json:
    return {name: text(value).strip() for name, value in given.items()} if isinstance(given, dict) else given


def _fault(resources: Json) -> str | None:
    """What is wrong with them, in words."""
    if resources is None:
        return None
    if not isinstance(resources, dict):
        return f"`resources` should be a mapping such as `{{cpu: 2, memory: 1Gi}}`, found `{text(resources)}`"
    apart = resources.keys() & {"requests", "limits"}
    if apart and (beside := sorted(resources.keys() - apart)):
        return f"`{beside[0]}` can't stand beside `{min(apart)}`: put it into that"
    sides = [resources[side] for side in sorted(apart)] if apart else [resources]
    return next((fault for side in sides for fault in _faults(side)), None)


def _faults(amounts: Json) -> Iterator[str]:
    if not isinstance(amounts, dict):
        yield f"what is asked for should be a mapping such as `{{cpu: 2, memory: 1Gi}}`, found `{text(amounts)}`"
        return
    for name, given in amounts.items():
        pattern, wanted = _WANTED.get(name, (_QUANTITY, "a quantity such as 1 or 10Gi"))
        written = text(given).strip()
        if not pattern.fullmatch(written):
            yield f"`{name}` should be {wanted}, found `{written}`"


def _no_namespace(found: str) -> str:
    return f"`namespace` should be a name of small letters, digits and `-`, found `{found}`"


def _said(task: str) -> str:
    """What of a task's id can be read in the names of its Jobs, and the `-` behind it."""
    found = re.sub(r"[^a-z0-9]+", "-", task.lower()).strip("-")[:24].strip("-")
    return f"{found}-" if found else ""
