"""Who is who: this machine without accounts, logging in, sessions and tokens that end, and what is told of it all."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.web.browser import OWN
from tests.web.conftest import PASSWORD, Hosted, add_user, hosted_by
from tests.web.seeds import NOW, Seeded
from yamldag.store import sessions, tokens, users
from yamldag.store.database import Database, open_database
from yamldag.web.address import address_of
from yamldag.web.ask import local_path
from yamldag.web.auth import passwords


def told(hosted: Hosted) -> list[tuple[object, ...]]:
    database = open_database(hosted.seeded.url)
    try:
        return list(database.execute("SELECT who, via, action, object, outcome FROM audit ORDER BY id"))
    finally:
        database.close()


def written(hosted: Hosted) -> Database:
    return open_database(hosted.seeded.url)


# This machine


def test_without_accounts_this_machine_may_do_everything(hosted: Hosted) -> None:
    assert hosted.anyone.get("/").status_code == 200
    answer = hosted.anyone.post("/pipelines/p000/pause")
    assert (answer.status_code, answer.headers["location"]) == (303, "/pipelines/p000?did=paused")
    assert told(hosted) == [("local", "local", "pipeline.pause", "p000", "paused")]


def test_a_first_account_closes_the_door_behind_it(hosted: Hosted) -> None:
    hosted.user("mira", "admin")
    answer = hosted.anyone.get("/runs/p000-00001?task=t1")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/login?next=%2Fruns%2Fp000-00001%3Ftask%3Dt1",
    )
    assert hosted.anyone.get("/api/v1/runs").status_code == 401


def test_where_others_may_ask_nobody_is_local(seeded: Seeded) -> None:
    open_to_all = hosted_by(seeded, address_of("0.0.0.0", 8080))
    assert open_to_all.anyone.get("/").status_code == 303
    assert open_to_all.token("ci", "viewer").get("/").status_code == 200


def test_a_bad_token_is_nobody_even_here(hosted: Hosted) -> None:
    answer = hosted.anyone.being(authorization="Bearer x").get("/api/v1/runs")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Bearer" in answer.headers["www-authenticate"]


def test_while_the_database_is_away_pages_say_so_and_health_goes_on(seeded: Seeded) -> None:
    lost = hosted_by(replace(seeded, url="postgresql://root@127.0.0.1:1/none"), address_of("127.0.0.1", 8080))
    assert lost.anyone.get("/health").json() == {"healthy": True}
    for path in ("/", "/runs/p000-00001", "/api/v1/runs"):
        answer = lost.anyone.get(path)
        assert answer.status_code == 503
        assert "database is away" in answer.text


# Logging in


def test_a_session_is_strict_hidden_and_new_each_time(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    cookies = set()
    for _ in range(2):
        answer = hosted.anyone.post("/login", {"name": "mira", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/" in cookie
        cookies.add(cookie.partition(";")[0])
    assert len(cookies) == 2


def test_over_https_the_cookie_is_bound_to_the_host(seeded: Seeded) -> None:
    add_user(seeded, "mira", "viewer")
    behind = hosted_by(seeded, address_of("127.0.0.1", 8080, "https://flows.example.org"))
    headers = {"host": "flows.example.org", "origin": "https://flows.example.org"}
    form = {"name": "mira", "password": PASSWORD}
    answer = behind.anyone.request("POST", "/login", headers, data=form)
    assert answer.status_code == 303
    assert answer.headers["set-cookie"].startswith("__Host-yamldag=")
    assert "Secure" in answer.headers["set-cookie"]
    assert "Domain" not in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]
    assert behind.anyone.get("/health").status_code == 400  # by the name of this machine


def test_a_session_that_was_there_before_is_not_the_one_after(hosted: Hosted) -> None:
    """A cookie that somebody has planted opens nothing when its victim logs in."""
    hosted.user("mira", "viewer")
    planted = hosted.anyone.being(cookie=f"{hosted.site.address.cookie}=planted")
    answer = planted.post("/login", {"name": "mira", "password": PASSWORD})
    assert "planted" not in answer.headers["set-cookie"]
    assert planted.get("/").status_code == 303


@pytest.mark.parametrize("name", ["mira", "nobody", "", "x" * 10_000, "mira' OR '1'='1"])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(hosted: Hosted, name: str) -> None:
    hosted.user("mira", "viewer")
    answer = hosted.anyone.post("/login", {"name": name, "password": "wrong"})
    assert answer.status_code == 401
    assert "the name or the password is wrong" in answer.text
    assert "set-cookie" not in answer.headers


def test_tries_are_counted_whatever_they_say(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    codes = [
        hosted.anyone.post("/login", {"name": "mira", "password": str(number)}).status_code
        for number in range(6)
    ]
    assert codes == [401] * 5 + [429]
    good = hosted.anyone.post("/login", {"name": "mira", "password": PASSWORD})
    assert good.status_code == 429
    assert good.headers["retry-after"] == "60"
    hosted.now[0] += sessions.WINDOW + 1
    assert hosted.login("mira").get("/").status_code == 200


def test_many_names_from_one_address_are_counted_together(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    codes = [
        hosted.anyone.post("/login", {"name": f"n{number}", "password": "x"}).status_code
        for number in range(21)
    ]
    assert codes == [401] * 20 + [429]


def test_tries_at_once_are_no_way_around_the_limit(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")

    def guess(number: int) -> int:
        return hosted.anyone.post("/login", {"name": "mira", "password": str(number)}).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, range(24)))
    assert codes.count(401) <= 5
    assert set(codes) <= {401, 429}


@pytest.mark.parametrize(
    "bad",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/%5cevil.example\r\nx: y", "///evil", "evil", "", "/a\nb", "/<script>", " /x", "/\t/evil.example",
    ],
)  # fmt: skip
def test_the_way_back_never_leads_away(hosted: Hosted, bad: str) -> None:
    assert local_path(bad) == "/"
    hosted.user("mira", "viewer")
    answer = hosted.anyone.post("/login", {"name": "mira", "password": PASSWORD, "next": bad})
    assert answer.headers["location"] == "/"


def test_the_way_back_keeps_its_query() -> None:
    assert local_path("/runs/x?task=a.b&index=3") == "/runs/x?task=a.b&index=3"


# What ends


def test_a_session_ends_by_a_new_password(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    mira, database = hosted.login("mira"), written(hosted)
    assert mira.get("/").status_code == 200
    hashed = passwords.hash_password("another password")
    database.write(lambda: users.set_password(database, "mira", hashed))
    database.close()
    assert mira.get("/").status_code == 303


def test_a_session_ends_when_its_user_is_disabled_and_stays_so(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    mira, database = hosted.login("mira"), written(hosted)
    database.write(lambda: users.disable(database, "mira", NOW))
    assert mira.get("/").status_code == 303
    database.write(lambda: users.enable(database, "mira"))
    database.close()
    assert mira.get("/").status_code == 303


def test_a_session_ends_by_time(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    mira = hosted.login("mira")
    hosted.now[0] += sessions.IDLE - 1
    assert mira.get("/").status_code == 200
    hosted.now[0] += sessions.IDLE - 1
    assert mira.get("/").status_code == 200  # it was in use meanwhile
    hosted.now[0] += sessions.IDLE + 1
    assert mira.get("/").status_code == 303
    again = hosted.login("mira")
    for _ in range(8):
        hosted.now[0] += sessions.LONGEST / 8 - 1
        last = again.get("/").status_code
    assert last == 200
    hosted.now[0] += 10
    assert again.get("/").status_code == 303


def test_logging_out_ends_it_for_good(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    mira = hosted.login("mira")
    assert mira.post("/logout").status_code == 303
    assert mira.get("/").status_code == 303


def test_another_role_holds_at_once(hosted: Hosted) -> None:
    hosted.user("mira", "operator")
    mira, database = hosted.login("mira"), written(hosted)
    assert mira.get("/pipelines/p000/pause").status_code == 200
    database.write(lambda: users.set_role(database, "mira", "viewer"))
    database.close()
    answer = mira.post("/pipelines/p000/pause")
    assert answer.status_code == 403
    assert "wants the role operator; mira has viewer" in answer.text


def test_a_token_ends_by_time_and_by_being_revoked(hosted: Hosted) -> None:
    ci = hosted.token("ci", "viewer", expires=NOW + 100)
    other = hosted.token("other", "viewer")
    assert ci.get("/api/v1/runs").status_code == 200
    hosted.now[0] += 101
    assert ci.get("/api/v1/runs").status_code == 401
    assert other.get("/api/v1/runs").status_code == 200
    database = written(hosted)
    database.write(lambda: tokens.revoke(database, "other", NOW))
    database.close()
    assert other.get("/api/v1/runs").status_code == 401


def test_no_secret_is_in_the_database(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    cookie = hosted.login("mira").headers["cookie"].partition("=")[2]
    token = hosted.token("ci", "viewer").headers["authorization"].removeprefix("Bearer ")
    everything = b"".join(path.read_bytes() for path in hosted.seeded.folder.glob("yamldag.db*"))
    for secret in (cookie, token, PASSWORD):
        assert secret.encode() not in everything


def test_what_nobody_may_see_is_on_no_page_for_nobody(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    for path in ("/login", "/nowhere", "/health"):
        text = hosted.anyone.get(path).text
        assert not re.search(r"p00\d|scheduler|0\.1\.0", text), path


# Guarding


def test_a_body_that_is_too_long_is_not_read(hosted: Hosted) -> None:
    answer = hosted.anyone.post("/login", {"name": "x" * 1_100_000})
    assert answer.status_code == 413


def test_a_body_of_no_known_length_is_read_up_to_the_limit(hosted: Hosted) -> None:
    read = []

    async def parts() -> AsyncIterator[bytes]:
        for number in range(100):
            read.append(number)
            yield b"x" * 100_000

    answer = hosted.anyone.request("POST", "/login", OWN, content=parts())
    assert answer.status_code == 413
    assert len(read) < 20
