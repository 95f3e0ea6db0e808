"""The hub: it looks once for all, tells each what is theirs, and lets nobody listen on who may no more.

Its task is turned by the tests' own loop: what is awaited is an event of the stream, never a time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from tests.web.conftest import Hosted, add_token, add_user
from tests.web.seeds import NOW, Seeded, seed
from yamldag.store import audit, tokens
from yamldag.store.address import reading
from yamldag.store.database import Database, open_database
from yamldag.web.auth.roles import Role
from yamldag.web.auth.secrets import digest
from yamldag.web.auth.who import LOCAL, Who
from yamldag.web.live import hub as hub_module
from yamldag.web.live.hub import MOST, MOST_EACH, Full, Hub, Listener, Topic

RUN = "p000-00004"


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A beat is as long as it must be: nothing here waits for a clock."""
    monkeypatch.setattr(hub_module, "BEAT", 0.001)
    monkeypatch.setattr(hub_module, "RECHECK", 0.0)


@contextmanager
def database_of(seeded: Seeded) -> Iterator[Database]:
    database = open_database(seeded.url)
    try:
        yield database
    finally:
        database.close()


def happen(seeded: Seeded, run: str = RUN, state: str = "success") -> None:
    with database_of(seeded) as database:
        database.write(
            lambda: database.execute(
                "INSERT INTO event (run, event, state, at) VALUES (?, 'succeed', ?, ?)", (run, state, NOW)
            )
        )


def read(part: bytes | None) -> tuple[str, dict[str, Any], int | None]:
    assert part is not None
    lines = dict(
        line.split(": ", 1) for line in part.decode().strip().splitlines() if not line.startswith(":")
    )
    return lines["event"], json.loads(lines["data"]), int(lines["id"]) if "id" in lines else None


async def next_of(listener: Listener, *kinds: str) -> tuple[str, dict[str, Any], int | None]:
    """The next event of these kinds."""
    while True:
        part = await asyncio.wait_for(listener.queue.get(), 60)
        if part is not None and part.startswith(b":"):
            continue
        found = read(part)
        if found[0] in kinds:
            return found


def on(seeded: Seeded, work: Callable[[Hub], Awaitable[None]]) -> None:
    async def run() -> None:
        hub = Hub(reading(seeded.url), seeded.board, lambda: NOW)
        try:
            await work(hub)
        finally:
            hub.close()

    asyncio.run(run())


@pytest.fixture
def on_each(database_url: str, tmp_path: Any) -> Seeded:
    return seed(tmp_path, url=database_url)


def test_what_happens_is_told_with_its_place(on_each: Seeded) -> None:
    async def work(hub: Hub) -> None:
        listener = await hub.subscribe(Topic(), LOCAL, None)
        _, _, start = await next_of(listener, "hello")
        happen(on_each)
        _, data, number = await next_of(listener, "change")
        assert (data["run"], data["pipeline"], data["state"], data["map_index"]) == (
            RUN,
            "p000",
            "success",
            None,
        )
        assert start is not None
        assert number is not None
        assert number > start

    on(on_each, work)


def test_each_hears_what_is_theirs(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        of_run = await hub.subscribe(Topic(run=RUN), LOCAL, None)
        of_pipeline = await hub.subscribe(Topic(pipeline="p001"), LOCAL, None)
        for run in ("p002-00001", "p001-00001", RUN):
            happen(seeded, run)
        assert (await next_of(of_run, "change"))[1]["run"] == RUN
        assert (await next_of(of_pipeline, "change"))[1]["run"] == "p001-00001"

    on(seeded, work)


def test_any_number_of_listeners_is_one_look_a_beat(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        listeners = [await hub.subscribe(Topic(), LOCAL, None) for _ in range(200)]
        for number in range(5):
            before = hub.looks
            happen(seeded, state="failed" if number % 2 else "success")
            for listener in listeners:
                await next_of(listener, "change")
            assert hub.looks - before < 200

    on(seeded, work)


def test_nothing_is_looked_at_when_nobody_listens(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        listener = await hub.subscribe(Topic(), LOCAL, None)
        task = hub._task
        assert task is not None
        hub.leave(listener)
        await asyncio.wait_for(task, 60)
        assert hub._db is None

    on(seeded, work)


def test_who_comes_back_hears_what_was_missed(on_each: Seeded) -> None:
    async def work(hub: Hub) -> None:
        first = await hub.subscribe(Topic(run=RUN), LOCAL, None)
        _, _, seen = await next_of(first, "hello")
        hub.leave(first)
        happen(on_each, "p001-00001")
        happen(on_each, state="failed")
        again = await hub.subscribe(Topic(run=RUN), LOCAL, seen)
        assert (await next_of(again, "change", "reset"))[1]["state"] == "failed"

    on(on_each, work)


@pytest.mark.parametrize("since", [0, 10**17])
def test_who_was_away_for_too_long_looks_anew(
    seeded: Seeded, since: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "BACKLOG", 8)

    async def work(hub: Hub) -> None:
        listener = await hub.subscribe(Topic(), LOCAL, since)
        assert (await next_of(listener, "change", "reset"))[0] == "reset"

    on(seeded, work)


def test_who_does_not_keep_up_looks_anew_and_holds_up_nobody() -> None:
    async def work() -> None:
        listener = Listener(Topic(), LOCAL, asyncio.Queue(3))
        for number in range(10):
            listener.tell(hub_module.message("change", {}, number))
        assert listener.queue.qsize() <= 3
        kinds = [read(listener.queue.get_nowait())[0] for _ in range(listener.queue.qsize())]
        assert "reset" in kinds

    asyncio.run(work())


def test_what_the_scheduler_says_of_itself_is_told(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        listener = await hub.subscribe(Topic(run=RUN), LOCAL, None)
        await next_of(listener, "hello")
        task = hub._task
        assert task is not None
        before = hub.looks
        while hub.looks == before:  # its first look has begun, so it knows what was so
            await asyncio.sleep(0)
        seeded.board.status = replace(seeded.board.status, paused=frozenset({"p000"}))
        assert (await next_of(listener, "status"))[0] == "status"

    on(seeded, work)


def test_a_revoked_token_s_streams_end(on_each: Seeded) -> None:
    secret = add_token(on_each, "ci", "viewer")
    other = add_token(on_each, "other", "viewer")

    async def work(hub: Hub) -> None:
        gone = await hub.subscribe(Topic(), Who("ci", Role.VIEWER, "token", digest(secret)), None)
        stays = await hub.subscribe(Topic(), Who("other", Role.VIEWER, "token", digest(other)), None)
        with database_of(on_each) as database:
            database.write(lambda: tokens.revoke(database, "ci", NOW))
        while await asyncio.wait_for(gone.queue.get(), 60) is not None:
            pass
        assert len(hub) == 1
        happen(on_each)
        await next_of(stays, "change")

    on(on_each, work)


def test_the_streams_of_this_machine_end_with_the_first_account(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        listener = await hub.subscribe(Topic(), LOCAL, None)
        add_user(seeded, "mira", "admin")
        while await asyncio.wait_for(listener.queue.get(), 60) is not None:
            pass

    on(seeded, work)


def test_what_is_done_is_told_to_those_who_may_read_the_audit_log(on_each: Seeded) -> None:
    secret = add_token(on_each, "reads", "viewer")

    def do() -> None:
        with database_of(on_each) as database:
            deed = audit.Deed("mira", "session", "", "pool.set", "crm")
            database.write(lambda: audit.record(database, deed, "set", NOW))

    async def work(hub: Hub) -> None:
        admin = await hub.subscribe(Topic(), LOCAL, None)
        viewer = await hub.subscribe(Topic(), Who("reads", Role.VIEWER, "token", digest(secret)), None)
        before = hub.looks
        while hub.looks < before + 2:  # it knows what was done before
            await asyncio.sleep(0)
        do()
        await next_of(admin, "deed")
        happen(on_each)
        assert (await next_of(viewer, "change", "deed"))[0] == "change"

    on(on_each, work)


def test_a_page_knows_what_it_was_made_after(on_each: Seeded) -> None:
    """So that what happens before its stream is open is told to it."""

    async def work(hub: Hub) -> None:
        at_first = hub.settled
        assert at_first is None
        first = await hub.subscribe(Topic(), LOCAL, None)
        await next_of(first, "hello")
        before = hub.looks
        while hub.looks < before + 2:
            await asyncio.sleep(0)
        made = hub.settled
        assert made is not None
        happen(on_each, state="failed")
        await next_of(first, "change")
        later = await hub.subscribe(Topic(run=RUN), LOCAL, made)
        assert (await next_of(later, "change", "reset"))[1]["state"] == "failed"

    on(on_each, work)


def test_the_numbers_of_a_long_night_are_not_kept(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        listener = await hub.subscribe(Topic(), LOCAL, None)
        for _ in range(20):
            happen(seeded)
            await next_of(listener, "change")
        assert len(hub._low) == 0

    on(seeded, work)


def test_there_is_room_for_so_many(seeded: Seeded) -> None:
    async def work(hub: Hub) -> None:
        mira = Who("mira", Role.VIEWER, "session", "a" * 64)
        for _ in range(MOST_EACH):
            hub._listeners.add(Listener(Topic(), mira))
        with pytest.raises(Full):
            await hub.subscribe(Topic(), mira, None)
        hub._listeners.update(Listener(Topic(), LOCAL) for _ in range(MOST - MOST_EACH))
        with pytest.raises(Full):
            await hub.subscribe(Topic(), LOCAL, None)
        hub._listeners.clear()

    on(seeded, work)


def test_no_stream_for_nobody_and_none_of_a_bad_topic(hosted: Hosted) -> None:
    assert hosted.anyone.get("/live?run=../x").status_code == 400
    hosted.user("mira", "viewer")
    answer = hosted.anyone.get("/live")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
