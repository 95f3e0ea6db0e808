"""What `yamldag serve` shows to the machine that it runs on: one port, files that nobody else writes, lines as JSON."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import httpx

from tests.e2e.project import Project
from tests.e2e.serving import Serve, Served, wait_until

BEAT = "pipeline: beat\nschedule: {every: 1s}\ntasks:\n  one: {bash: 'echo hello; touch made'}\n  two: {python: 'json:dumps', args: {obj: 1}, needs: one}\n"


SECRET = "hunter2-hunter2"


def test_people_get_no_line_for_a_request(project: Project, serve: Serve) -> None:
    project.write("pipelines/beat.yml", "pipeline: beat\ntasks: {one: {noop: }}\n")
    served = serve()
    answer = httpx.get(f"{served.address}/pipelines/beat?{SECRET}")
    assert "x-request-id" not in answer.headers
    _, said = served.end()
    assert not [line for line in said.splitlines() if SECRET in line or "beat" in line or "request" in line]


def descendants(process: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, waiting = set(), [process]
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting += children.get(one, [])
    return found


def listening(processes: set[int]) -> set[int]:
    """Ports that these processes listen on, of IPv4 and IPv6, as `ss -ltnp` has them."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            parts = line.split()
            if parts[3] == "0A":
                sockets[f"socket:[{parts[9]}]"] = int(parts[1].rpartition(":")[2], 16)
    found = set()
    for process in processes:
        try:
            names = os.listdir(f"/proc/{process}/fd")
        except OSError:
            continue
        for name in names:
            try:
                found.add(sockets.get(os.readlink(f"/proc/{process}/fd/{name}")))
            except OSError:
                continue
    return {port for port in found if port is not None}


def test_one_port_is_open_and_no_file_is_anybody_s_to_write(project: Project, serve: Serve) -> None:
    """By the mask of a careless shell, too."""
    project.write("pipelines/beat.yml", BEAT)
    before = os.umask(0)
    try:
        served: Served = serve()
    finally:
        os.umask(before)
    wait_until(lambda: served.successes() > 0)
    assert listening(descendants(served.process.pid)) == {int(served.address.rpartition(":")[2])}
    state = project.folder / ".yamldag"
    open_to_all = [
        path
        for path in (state, *state.rglob("*"))
        if path.lstat().st_mode & stat.S_IWOTH and not path.is_symlink()
    ]
    assert open_to_all == []


def test_lines_are_json_for_programs(project: Project, serve: Serve) -> None:
    project.write("pipelines/beat.yml", "pipeline: beat\ntasks: {one: {noop: }}\n")
    served = serve("--log-format", "json")
    answer = httpx.get(f"{served.address}/pipelines/beat?{SECRET}={SECRET}", headers={"cookie": SECRET})
    assert answer.status_code == 200
    _, said = served.end()
    lines = [json.loads(line) for line in said.splitlines()]
    requests = [line for line in lines if line["message"] == "request"]
    [asked] = [line for line in requests if line["request"] == answer.headers["x-request-id"]]
    assert (asked["method"], asked["route"], asked["status"]) == ("GET", "/pipelines/{pipeline}", 200)
    assert (asked["user"], asked["via"]) == ("local", "local")
    assert SECRET not in said
    lines = [line for line in lines if line not in requests]
    assert {tuple(line) for line in lines} == {("at", "level", "process", "message")}
    assert "serves 1 pipeline at http://127.0.0.1:" in lines[0]["message"]
    assert "stopped" in lines[-1]["message"]
