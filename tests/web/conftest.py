"""What the tests of the pages share: a seeded project, its application with and without a socket, and a browser."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright
from starlette.types import ASGIApp

from tests.web.browser import Browser
from tests.web.seeds import NOW, Seeded, seed
from yamldag.store import tokens, users
from yamldag.store.database import open_database
from yamldag.web.address import Address, address_of
from yamldag.web.app import application
from yamldag.web.auth import passwords
from yamldag.web.auth.secrets import digest, new_token
from yamldag.web.routes import TABLE
from yamldag.web.server import answering
from yamldag.web.site import Site, site_of

expect.set_options(timeout=60_000)  # milliseconds: a machine may be busy

PASSWORD = "correct horse battery"
CHROMIUM_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
def seeded(tmp_path: Path, request: pytest.FixtureRequest) -> Seeded:
    """A few pipelines and runs; as many as `LOOKS` asks for."""
    return seed(tmp_path, *getattr(request, "param", ()))


LOOKS = pytest.mark.parametrize(
    ("width", "theme", "seeded"),
    [(1440, "light", (300, 100)), (390, "dark", (300, 100)), (1440, "dark", (3, 5)), (390, "light", (3, 5))],
    indirect=["seeded"],
)
"""How wide a window is, in which colours, and of how many pipelines with how many runs each."""


@dataclass
class Hosted:
    """An application of a seeded project that is asked without a socket. Its clock is `now`."""

    seeded: Seeded
    site: Site
    app: ASGIApp
    now: list[float]

    @property
    def anyone(self) -> Browser:
        """By nobody in particular: with accounts that is nobody, without them whoever is at this machine."""
        return Browser(self.app)

    def user(self, name: str, role: str) -> None:
        add_user(self.seeded, name, role)

    def token(self, name: str, role: str, expires: float | None = None) -> Browser:
        return self.anyone.being(authorization=f"Bearer {add_token(self.seeded, name, role, expires)}")

    def login(self, name: str, password: str = PASSWORD) -> Browser:
        """Logged in by that name."""
        answer = self.anyone.post("/login", {"name": name, "password": password})
        assert answer.status_code == 303, answer.text
        cookie = self.site.address.cookie
        return self.anyone.being(cookie=f"{cookie}={answer.cookies[cookie]}")


def add_user(seeded: Seeded, name: str, role: str) -> None:
    database = open_database(seeded.url)
    hashed = passwords.hash_password(PASSWORD)
    assert database.write(lambda: users.add(database, name, role, hashed, NOW))
    database.close()


def add_token(seeded: Seeded, name: str, role: str, expires: float | None = None) -> str:
    secret = new_token()
    row = tokens.Token(name, role, NOW, "test", expires, None, None)
    database = open_database(seeded.url)
    assert database.write(lambda: tokens.add(database, row, digest(secret)))
    database.close()
    return secret


def hosted_by(seeded: Seeded, address: Address) -> Hosted:
    now = [NOW]
    site = site_of(seeded.board, seeded.url, seeded.folder, address, lambda: now[0], TABLE)
    return Hosted(seeded, site, application(site), now)


@pytest.fixture
def hosted(seeded: Seeded) -> Iterator[Hosted]:
    made = hosted_by(seeded, address_of("127.0.0.1", 8080))
    yield made
    made.site.hub.close()


# With a socket


@dataclass
class Online:
    """A served application: `url` is where."""

    seeded: Seeded
    site: Site
    url: str


@contextmanager
def online(seeded: Seeded, clock: Callable[[], float] = lambda: NOW) -> Iterator[Online]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        site = site_of(seeded.board, seeded.url, seeded.folder, address_of("127.0.0.1", port), clock, TABLE)
        with answering(listener, site):
            yield Online(seeded, site, f"http://127.0.0.1:{port}")


@pytest.fixture
def served(seeded: Seeded) -> Iterator[Online]:
    with online(seeded) as made:
        yield made


# With a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Of one module: as long as it is open a loop of Playwright's runs in this thread, and `hosted` can't be asked."""
    path = shutil.which("chromium")
    if path is None:
        words = "there is no chromium: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@dataclass
class Seat:
    """A page in the browser, and all that it complained of: errors, refused policies, requests elsewhere."""

    page: Page
    url: str
    complaints: list[str]

    def complain(self, words: str, *, bad: bool = True) -> None:
        if bad:
            self.complaints.append(words)

    def open(self, path: str) -> Page:
        answer = self.page.goto(self.url + path, wait_until="load")
        assert answer is not None
        return self.page

    def is_content(self) -> None:
        """Nothing went wrong, nothing is wider than the window. An address changes before a page has its styles."""
        self.page.wait_for_load_state("load")
        assert self.complaints == []
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, f"{self.page.url} is {wide} px wider than the window"

    def is_accessible(self) -> None:
        """axe-core finds nothing serious."""
        self.page.wait_for_load_state("load")
        found = self.page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
            ".filter((each) => ['serious', 'critical'].includes(each.impact))"
            ".map((each) => `${each.id}: ${each.nodes.map((node) => node.target + ' ' + node.failureSummary).join(' | ')}`)"
        )
        assert found == []


AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()

Sit = Callable[..., Seat]
"""`width` 1440 or 390, `theme` light or dark, `zone`: a viewer's window."""


@pytest.fixture
def sit(chromium: Chromium, served: Online) -> Iterator[Sit]:
    contexts = []

    def make(width: int = 1440, theme: str = "light", zone: str = "UTC", scripts: bool = True) -> Seat:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id=zone,
            locale="en-GB",
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        seat = Seat(page, served.url, [])
        if scripts:
            # Through the debugger, which no policy of the page binds.
            context.add_init_script(AXE)
        page.on("console", lambda said: seat.complain(said.text, bad=said.type == "error"))
        page.on("pageerror", lambda error: seat.complain(str(error)))
        page.on("request", lambda asked: seat.complain(asked.url, bad=not asked.url.startswith(served.url)))
        return seat

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def at_night(seeded: Seeded) -> Seeded:
    """The scheduler does not turn."""
    seeded.board.status = replace(seeded.board.status, turned=NOW - 60)
    return seeded
