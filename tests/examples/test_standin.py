"""The stand-in has the shapes of the true APIs, and their bad days."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.standin import launches, weather
from pipelines.standin.server import Server
from tests.examples.standing import COMMAND, ROOT, standing


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(0, slow=0) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.loads(answer.read())


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_following_next_finds_every_launch_once(server: Server) -> None:
    url, names = server.url + launches.PATH, []
    while url:
        page = get(url)
        names += [launch["name"] for launch in page["results"]]
        assert page["count"] == len(launches.LAUNCHES)
        url = page["next"]
    assert names == [f"{launch.rocket} | {launch.mission}" for launch in launches.LAUNCHES]


def test_a_page_links_back_and_keeps_the_limit(server: Server) -> None:
    page = get(f"{server.url}{launches.PATH}?limit=4&offset=4")
    assert len(page["results"]) == 4
    assert page["previous"].endswith("?limit=4&offset=0")
    assert page["next"].endswith("?limit=4&offset=8")


def test_a_launch_has_the_keys_that_the_true_api_gives(server: Server) -> None:
    launch = get(server.url + launches.PATH)["results"][0]
    assert {"id", "url", "slug", "name", "status", "net", "rocket", "mission", "image"} <= launch.keys()


@pytest.mark.parametrize("kind", ["missing", "flaky", "broken", "none", "good"])
def test_each_bad_day_happens_once_in_the_list(kind: str, server: Server) -> None:
    numbers = [number for number, launch in enumerate(launches.LAUNCHES) if launch.picture == kind]
    address = f"{server.url}/pictures/{numbers[0]}.png"
    wanted = {
        "missing": [404, 404],
        "flaky": [500, 200],
        "broken": [200, 200],
        "none": [404, 404],
        "good": [200, 200],
    }
    assert [status(address), status(address)] == wanted[kind]


def test_good_pictures_are_pictures_and_the_broken_one_is_not(server: Server) -> None:
    kinds = [launch.picture for launch in launches.LAUNCHES]
    good, broken = (
        server.answer(f"/pictures/{kinds.index('good')}.png"),
        server.answer(f"/pictures/{kinds.index('broken')}.png"),
    )
    assert good.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert not broken.body.startswith(b"\x89PNG")
    assert good.kind == broken.kind == "image/png"


def test_the_weather_service_is_starting_at_first_and_then_answers() -> None:
    query, now = (
        {"latitude": "52.5", "longitude": "13.4", "forecast_days": "2"},
        datetime(2026, 3, 1, 15, tzinfo=UTC),
    )
    assert weather.forecast(query, now, 1).status == 503
    hourly = json.loads(weather.forecast(query, now, 2).body)["hourly"]
    assert hourly["time"][0] == "2026-03-01T00:00"
    assert len(hourly["time"]) == len(hourly["temperature_2m"]) == len(hourly["precipitation"]) == 48
    assert None in hourly["temperature_2m"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "latitude"),
        ({"latitude": "91", "longitude": "0"}, "range of -90 to 90"),
        ({"latitude": "x", "longitude": "0"}, "could not be read"),
        ({"latitude": "1", "longitude": "0", "forecast_days": "17"}, "Given 17"),
    ],
)
def test_wrong_questions_are_told_so_as_the_true_api_does(query: dict[str, str], words: str) -> None:
    answer = weather.forecast(query, datetime(2026, 3, 1, tzinfo=UTC), 2)
    assert answer.status == 400
    said = json.loads(answer.body)
    assert said["error"] is True
    assert words in said["reason"]


def test_it_listens_on_loopback_alone(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"


def test_alone_it_prints_its_address_and_ends_when_told() -> None:
    with standing() as url:
        assert get(url)["weather"] == weather.PATH


def test_around_a_command_it_is_up_and_passes_on_how_the_command_ended() -> None:
    script = "import os, sys, urllib.request as u; u.urlopen(os.environ['STANDIN_URL']).read(); sys.exit(7)"
    command = [*COMMAND, "--with", sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command_and_both_end(number: signal.Signals) -> None:
    script = (
        "import signal, sys\n"
        "for n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, lambda n, f: sys.exit(100 + n))\n"
        "print('up', flush=True)\n"
        "signal.pause()\n"
    )
    command = [*COMMAND, "--with", sys.executable, "-c", script]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.wait(10) == 100 + number


def test_a_ctrl_c_at_the_whole_group_reaches_the_command_once() -> None:
    script = (
        "import signal, sys\n"
        "heard = []\n"
        "signal.signal(signal.SIGINT, lambda n, f: (heard.append(n), print('heard', flush=True)))\n"
        "signal.signal(signal.SIGTERM, lambda n, f: sys.exit(len(heard)))\n"
        "print('up', flush=True)\n"
        "while True: signal.pause()\n"
    )
    command = [*COMMAND, "--with", sys.executable, "-c", script]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.readline() == "heard\n"
        process.terminate()
        assert process.wait(10) == 1


def test_a_killed_standin_takes_its_command_along() -> None:
    script = "import signal; print('up', flush=True); signal.pause()"
    command = [*COMMAND, "--with", sys.executable, "-c", script]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.kill()
        assert process.stdout.read() == ""  # the end of the pipe: nobody holds it any more


def test_a_command_that_is_not_there_is_said_so() -> None:
    done = subprocess.run(
        [*COMMAND, "--with", "no-such-program"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 127
    assert "`no-such-program` can't be started" in done.stderr


def test_a_port_that_is_taken_is_said_so(server: Server) -> None:
    command = [sys.executable, "-m", "pipelines.standin", "--port", str(server.server_port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "can't be used" in done.stderr
