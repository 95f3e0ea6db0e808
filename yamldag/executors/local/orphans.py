"""Finds and kills what a dead runner left behind; tells whether the machine is still the one it ran on."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Collection, Iterator

MARK = "YAMLDAG_MARK"
"""The variable, `<scheduler's id>.<attempt>`, that every process of an attempt inherits."""

_PAUSE = 0.02
"""Seconds between two looks: for microseconds within exec the new environment is not yet to be seen."""


_LOOKS = 250
"""A process that the kernel holds dies only later."""


def kill(marks: Collection[str]) -> None:
    """KILL all processes with one of these marks, until two looks in a row have found none."""
    empty = 0
    for _ in range(_LOOKS):
        if empty == 2:
            return
        found = [pid for pid, _ in find(marks)]
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        empty = 0 if found else empty + 1
        time.sleep(_PAUSE)


def find(marks: Collection[str]) -> Iterator[tuple[int, str]]:
    """(process id, mark) of each living process that carries one of `marks`."""
    pattern = re.compile(rb"(?:\A|\0)" + MARK.encode() + rb"=([^\0]*)")
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                found = pattern.search(file.read())
        except OSError:  # gone, or another user's
            continue
        if found and (mark := found[1].decode(errors="replace")) in marks:
            yield int(name), mark


def boot() -> str:
    """Differs after a reboot, in another process namespace, and after a container's restart."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        machine = file.read().strip()
    return f"{machine} {os.readlink('/proc/self/ns/pid')} {_started(1)}"


def _started(pid: int) -> str:
    """When a process was started, in ticks since the boot; empty where others' processes are hidden."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def become_subreaper() -> None:
    """Orphans among our descendants become our children: their exit codes can be had, their zombies go."""
    import ctypes

    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
