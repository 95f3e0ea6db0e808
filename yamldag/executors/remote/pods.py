"""What the state of a pod means for the task in it: whether it has ended, and how, or what it waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from yamldag.executors.remote.told import ended, failed
from yamldag.operators.kubernetes import CONTAINER

Pod = Mapping[str, Any]

DEADLINE = "DeadlineExceeded"
LATE = f"it took longer than its `timeout` allows, and the cluster ended it ({DEADLINE})"
DELETED = "the pod was deleted while it ran"
LONGEST = 4096
"""Bytes that a cluster hands on of what a container left; what is longer has lost its beginning."""
_GIVEN_UP = 60.0
"""Seconds after the moment at which a pod was to be gone."""
_PULLED = (
    "ErrImagePull",
    "ImagePullBackOff",
    "RegistryUnavailable",
    "ImageInspectError",
    "SignatureValidationFailed",
)
_NEVER = ("InvalidImageName", "ErrImageNeverPull")
_UNSTARTED = (
    *("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"),
    *("PreStartHookError", "PostStartHookError", "CrashLoopBackOff"),
)
"""Why a container waits that would wait for ever, or until somebody changes the cluster."""
_UNABLE = ("StartError", "ContainerCannotRun")
"""Why it has ended that never began."""


def begun(pod: Pod) -> bool:
    """Whether there is a log of it."""
    return bool(_state(pod).keys() & {"running", "terminated"})


def result(pod: Pod, now: float) -> dict[str, Any] | None:
    """How it ended, as a command tells of it; None: it has not. `now`: seconds since 1970."""
    status = pod.get("status") or {}
    done = _state(pod).get("terminated")
    if status.get("phase") == "Failed" and status.get("reason"):
        return failed(_ended_by(str(status["reason"]), str(status.get("message") or "")))
    if done is None and status.get("phase") == "Failed":
        return failed("the pod failed, and says no more")
    if done is None:
        return _given_up(pod, now) or _stuck(pod)
    code, reason = int(done.get("exitCode") or 0), done.get("reason")
    if reason in _UNABLE:
        return failed(_message(done) or "the container can't be started", retry=False)
    if code and reason == "OOMKilled":
        return failed(f"it took more memory than {_memory(pod)}, and was killed for that (OOMKilled)")
    if code and (why := taken(pod)):
        return failed(why)
    return ended(code)


def taken(pod: Pod) -> str | None:
    """Why the cluster took it from its node, or that somebody deleted it; None: nobody did."""
    for each in (pod.get("status") or {}).get("conditions") or ():
        if each.get("type") == "DisruptionTarget" and each.get("status") == "True":
            told = f": {each['message']}" if each.get("message") else ""
            return f"the cluster took the pod from its node ({each.get('reason')}){told}"
    return DELETED if (pod.get("metadata") or {}).get("deletionTimestamp") else None


def awaited(pod: Pod) -> str:
    """Words on what keeps it from beginning; empty: nothing that is worth a word."""
    for each in (pod.get("status") or {}).get("conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            return f"waiting for a node: {each.get('message') or each.get('reason') or 'no reason given'}"
    return ""


def output(pod: Pod) -> bytes | None:
    """What the command wrote to `$YAMLDAG_OUTPUT`; None: it may have been longer than what is handed on."""
    done = _state(pod).get("terminated") or {}
    left = str(done.get("message") or "").encode()
    return left if len(left) < LONGEST else None


def _given_up(pod: Pod, now: float) -> dict[str, Any] | None:
    """It was to be gone long ago, and its node does not say that it is."""
    until = (pod.get("metadata") or {}).get("deletionTimestamp")
    if until is None or now < datetime.fromisoformat(str(until)).timestamp() + _GIVEN_UP:
        return None
    return failed("the pod's node does not answer any more, and the cluster has given the pod up")


def _stuck(pod: Pod) -> dict[str, Any] | None:
    waiting = _state(pod).get("waiting") or {}
    reason, told = waiting.get("reason"), _message(waiting)
    if reason in _PULLED or reason in _NEVER:
        return failed(f"{_image(pod)} can't be pulled: {told or reason}", retry=reason in _PULLED)
    if reason in _UNSTARTED:
        return failed(f"the container can't be started: {told or 'no reason given'} ({reason})")
    return None


def _ended_by(reason: str, message: str) -> str:
    if reason == DEADLINE:
        return LATE
    told = f": {message.strip()}" if message.strip() else ""
    return f"the cluster ended the pod ({reason}){told}"


def _state(pod: Pod) -> dict[str, Any]:
    for each in (pod.get("status") or {}).get("containerStatuses") or ():
        if each.get("name") == CONTAINER:
            return each.get("state") or {}
    return {}


def _container(pod: Pod) -> dict[str, Any]:
    found = (each for each in pod["spec"]["containers"] if each["name"] == CONTAINER)
    return next(found, {})


def _image(pod: Pod) -> str:
    return str(_container(pod).get("image"))


def _memory(pod: Pod) -> str:
    limit = ((_container(pod).get("resources") or {}).get("limits") or {}).get("memory")
    return f"its limit of {limit}" if limit else "the node had"


def _message(part: Mapping[str, Any]) -> str:
    return str(part.get("message") or "").strip()
