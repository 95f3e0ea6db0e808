"""A server as what commands ask, by its API. What goes wrong on the way is told in words."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx

from yamldag import __version__
from yamldag.cli.main import UsageError
from yamldag.engine.asking.naming import no_run
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    from yamldag.engine.asking.rows import Row

_MOST = 500
_PIECE = 262_144
_OPTIONS = re.compile(r"(^|must not lie after )`(date|from|since|to)`")
"""What the API calls as it takes it, and commands by their options."""
_TIMEOUT, _SILENCE = 30.0, 60.0
"""Seconds without an answer, and without a word of a stream, after which a server is taken for gone."""


class Missing(UsageError):  # noqa: N818
    """There is nothing of that name: whoever asked may know a better name for it."""


class There:
    """A `Source`. `token` None: the server is this machine's and asks nobody."""

    pause = 0.5
    broken: Sequence[Any] = ()

    def __init__(self, server: str, token: str | None, transport: httpx.BaseTransport | None = None) -> None:
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise UsageError(
                f"`--server` wants an address like `https://flows.example.org`, found `{server}`"
            )
        headers = {"user-agent": f"yamldag/{__version__}", "accept": "application/json"}
        if token:
            if not token.isascii() or not token.isprintable():
                raise UsageError("the token has characters that no token has: was it copied whole?")
            headers["authorization"] = f"Bearer {token}"
        else:  # as a page of the server's own would say: without a token it must be local
            headers["origin"] = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self.server, self.token = server.rstrip("/"), token
        self._client = httpx.Client(
            headers=headers, timeout=_TIMEOUT, follow_redirects=False, transport=transport
        )

    def __enter__(self) -> There:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    # Asking

    def _ask(self, method: str, path: str, body: Row | None = None, **query: Any) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        headers = {"idempotency-key": secrets.token_hex(16)} if method == "POST" else {}
        for again in (True, False):
            try:
                answer = self._client.request(
                    method, f"{self.server}/api/v1{path}", params=given, json=body, headers=headers
                )
                break
            except httpx.TimeoutException:
                raise UsageError(f"{self.server} has not answered for {_TIMEOUT:.0f} s") from None
            except httpx.ConnectError as problem:
                raise UsageError(f"{self.server} can't be reached: {_why(problem)}") from None
            except httpx.HTTPError as problem:
                # The key makes it safe: what was done is not done again.
                if not again or not (headers or method == "GET"):
                    raise UsageError(f"{self.server} has not answered: {_why(problem)}") from None
        return self._read(answer)

    def _read(self, answer: httpx.Response) -> Any:
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if answer.is_success and kind == "application/json":
            return answer.json()
        told = answer.json() if kind == "application/problem+json" else {}
        words = str(told.get("detail", "")) if isinstance(told, dict) else ""
        raise self._problem(answer.status_code, words, is_ours=bool(told))

    def _problem(self, status: int, words: str, *, is_ours: bool) -> UsageError:
        if status == 401:
            if self.token:
                return UsageError(
                    f"{self.server} knows no such token: it may be revoked, expired or cut short"
                )
            return UsageError(f"{self.server} wants a token: `--token`, or YAMLDAG_TOKEN")
        if not is_ours:
            return UsageError(
                f"{self.server} gave an answer ({status}) that yamldag does not give: is that its address?"
            )
        if status == 404 and words.startswith("It may have been taken away"):
            return UsageError(
                f"{self.server} does not know what is asked of it: it is an older version than this, {__version__}"
            )
        words = _OPTIONS.sub(r"\1`--\2`", words)
        return Missing(words) if status == 404 else UsageError(words)

    def _all(self, path: str, most: int | None = None, **query: Any) -> Iterator[Row]:
        """The items of a list, page by page."""
        cursor, left = None, most
        while left is None or left > 0:
            limit = _MOST if left is None else min(left, _MOST)
            page = self._ask("GET", path, cursor=cursor, limit=limit, **query)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return
            left = None if left is None else left - len(page["items"])

    # What there is

    def pipelines(self) -> list[Row]:
        return list(self._all("/pipelines"))

    def runs(
        self, pipeline: str | None, state: str | None, limit: int, *, kind: str | None, since: str | None
    ) -> list[Row]:
        narrowed = {"pipeline": pipeline, "state": state, "type": kind, "since": since}
        return list(self._all("/runs", limit, **narrowed))

    def a_pipeline(self, name: str) -> str | None:
        known = [row["pipeline"] for row in self.pipelines()]
        if name in known:
            return None
        near = nearest(name, known)
        hint = f"did you mean `{near}`?" if near else "`yamldag list` names them"
        return f"there is no pipeline `{name}`; {hint}"

    def run(self, name: str) -> Row:
        try:
            row = self._ask("GET", f"/runs/{_part(name)}")
        except Missing:
            newest = self.runs(name, None, 1, kind=None, since=None)
            if not newest:
                known = [row["run_id"] for row in self.runs(None, None, 50, kind=None, since=None)]
                raise no_run(name, [*known, *(each["pipeline"] for each in self.pipelines())]) from None
            (row,) = newest
        for here_alone in ("asked", "next_version"):
            row.pop(here_alone, None)
        return dict(row)

    def tasks(self, run: str) -> list[Row]:
        return list(self._all(f"/runs/{_part(run)}/tasks"))

    def why(self, name: str, task: str) -> Row:
        return dict(self._ask("GET", f"/runs/{_part(self.run(name)['run_id'])}/why", task=task))

    def versions(self, pipeline: str) -> list[Row]:
        return list(self._all(f"/pipelines/{_part(pipeline)}/versions"))

    def difference(self, pipeline: str, old: str, new: str) -> Row:
        for name in (old, new):
            if not name.isdigit() or len(name) > 6 or int(name) < 1:
                newest = self.versions(pipeline)[0]["version"]
                raise UsageError(f"`{pipeline}` has no version {name}: its newest is {newest}")
        return dict(self._ask("GET", f"/pipelines/{_part(pipeline)}/difference", old=old, new=new))

    def pools(self) -> list[Row]:
        return list(self._all("/pools"))

    def connections(self) -> list[Row]:
        return list(self._all("/connections"))

    def secrets(self) -> list[Row]:
        return list(self._all("/secrets"))

    def approvals(self) -> list[Row]:
        return list(self._all("/approvals"))

    def attempts(self, run: str, task: str) -> list[Row]:
        return list(self._all(f"/runs/{_part(run)}/attempts", task=task))

    def piece(self, run: str, attempt: Row, offset: int) -> tuple[bytes, int]:
        index = attempt["map_index"]
        task = attempt["id"] if index is None else f"{attempt['id']}[{index}]"
        found = self._ask(
            "GET",
            f"/runs/{_part(run)}/log",
            task=task,
            attempt=attempt["attempt"],
            offset=offset,
            limit=_PIECE,
        )
        return found["text"].encode(), int(found["next"])

    def follow(self, run: str, task: str) -> Iterator[bytes]:
        url = f"{self.server}/api/v1/runs/{_part(run)}/log/follow"
        try:
            with self._client.stream("GET", url, params={"task": task}, timeout=_SILENCE) as answer:
                if not answer.is_success:
                    answer.read()
                    self._read(answer)
                yield from _written(answer.iter_lines())
        except httpx.HTTPError as problem:
            raise UsageError(f"{self.server} has gone: {_why(problem)}") from None

    def notifications(self, run: str) -> list[Row]:
        return list(self._all(f"/runs/{_part(run)}/notifications"))

    # What is to be done

    def set_pool(self, name: str, slots: int) -> Row:
        return dict(self._ask("PUT", f"/pools/{_part(name)}", {"slots": slots}))

    def delete_pool(self, name: str) -> Row:
        return dict(self._ask("DELETE", f"/pools/{_part(name)}"))

    def set_paused(self, pipeline: str, *, paused: bool) -> tuple[str, bool]:
        word = "pause" if paused else "unpause"
        outcome = self._ask("POST", f"/pipelines/{_part(pipeline)}/{word}", {})["outcome"]
        return pipeline, outcome != "unchanged"

    def trigger(self, pipeline: str, params: Row, date: str | None) -> Row:
        body = {"param_texts": params} | ({} if date is None else {"date": date})
        return dict(self._ask("POST", f"/pipelines/{_part(pipeline)}/runs", body))

    def cancel(self, run: str, *, kill: bool) -> str:
        try:
            return str(self._ask("POST", f"/runs/{_part(run)}/cancel", {"kill": kill})["outcome"])
        except UsageError as wrong:
            if str(wrong).startswith("The run is "):
                return "over"
            raise

    def clearing(self, name: str, wish: Row) -> Row:
        row = self.run(name)
        told = self._ask("POST", f"/runs/{_part(row['run_id'])}/clear", {**wish, "dry_run": True})
        return {**told, "begun": row["version"] is not None}

    def clear(self, run: str, wish: Row) -> Row:
        return dict(self._ask("POST", f"/runs/{_part(run)}/clear", wish))

    def approve(self, name: str, task: str, said: Row) -> Row:
        run = self.run(name)["run_id"]
        return dict(self._ask("POST", f"/runs/{_part(run)}/approve", {"task": task, **said}))

    def backfill(self, pipeline: str, wish: Row) -> Row:
        body = {name: value for name, value in wish.items() if value is not None}
        return dict(self._ask("POST", f"/pipelines/{_part(pipeline)}/backfills", body))

    def end_backfill(self, name: str) -> list[str]:
        told = self._ask("POST", f"/backfills/{_part(name)}/cancel", {})
        return [row["run_id"] for row in told["runs"]]

    def is_asked(self, run: str) -> bool:
        return bool(self._ask("GET", f"/runs/{_part(run)}")["asked"])

    def states(self, runs: Sequence[str]) -> list[str]:
        found = []
        for run in runs:
            try:
                found.append(str(self._ask("GET", f"/runs/{_part(run)}")["state"]))
            except Missing:
                found.append("removed")
        return found


def _written(lines: Iterator[str]) -> Iterator[bytes]:
    """What the events of a followed log say was written. Raises UsageError if they stop before the end."""
    event = ""
    for line in lines:
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: ") and event == "log":
            yield json.loads(line[6:])["text"].encode()
        elif event == "end":
            return
    raise UsageError("the server ended the log before the task did: the token may be revoked, or it stops")


def _part(name: str) -> str:
    """A name as a part of a path; one that can be none is told as one that is not there."""
    if not name or quote(name, safe="@") != name or name.startswith("."):
        raise Missing(f"there is nothing of the name `{name}`")
    return name


def _why(problem: Exception) -> str:
    words = str(problem)
    return (words.partition("] ")[2] or words or "the connection was lost").lower()
