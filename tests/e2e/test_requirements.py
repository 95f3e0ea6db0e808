"""Python tasks with requirements: an environment for each set of them, built once, and nothing else in it. A wheel of our
own is installed; nothing is fetched."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.e2e.project import ROOT, Project
from yamldag.executors import environment

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}
WHEEL = "tiny-1.0-py3-none-any.whl"


def wheel(path: Path, word: str = "tiny") -> None:
    """The smallest one there can be."""
    told = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", f"WORD = {word!r}\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", told)
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")


@pytest.fixture
def there(project: Project) -> Project:
    wheel(project.folder / "pipelines" / WHEEL)
    project.write(
        "pipelines/uses.py",
        "import os, sys, tiny, yamldag\n"
        "def word(n):\n"
        "    print('secret', os.environ.get('KEY'))\n"
        "    try:\n"
        "        import msgspec\n"
        "    except ModuleNotFoundError:\n"
        "        return {'word': tiny.WORD, 'n': n, 'own': sys.prefix != sys.base_prefix}\n"
        "def skip(): raise yamldag.Skip('not today')\n",
    )
    return project


USES = f"""
tasks:
  one: {{python: {{function: "uses:word", requirements: [./{WHEEL}]}}, args: {{n: 1}}}}
  two: {{python: {{script: "import tiny; return tiny.WORD", requirements: ./{WHEEL}}}}}
  skips: {{python: {{function: "uses:skip", requirements: [./{WHEEL}]}}}}
  says: {{bash: 'echo {{{{ tasks.one.output | tojson | sh }}}}'}}
"""


def test_an_environment_is_built_once_and_holds_what_was_asked_for_alone(there: Project) -> None:
    ran = there.run(USES, env=OFFLINE)
    assert ran.states == {"one": "success", "two": "success", "skips": "skipped", "says": "success"}, ran.log(
        "one"
    )
    assert ran.log("says") == '{"word": "tiny", "n": 1, "own": true}\n'
    logs = "".join(ran.log(name) for name in ("one", "two", "skips"))
    assert logs.count("Successfully installed tiny-1.0") == 1
    again = there.run("p", env=OFFLINE)
    assert again.state == "success"
    assert again.log("one") == "secret None\n"
    wheel(there.folder / "pipelines" / WHEEL, "larger")
    edited = there.run("p", env=OFFLINE)
    assert "larger" in edited.log("says")
    assert len(list((there.folder / ".yamldag" / "environments").glob("*/ready"))) == 2


def test_a_secret_reaches_it_and_is_masked(there: Project) -> None:
    there.write("yamldag.yml", "secrets: [key]\n")
    ran = there.run(
        f"""
tasks:
  one: {{python: {{function: "uses:word", requirements: [./{WHEEL}]}}, args: {{n: 1}}, env: {{KEY: "{{{{ secrets.key }}}}"}}}}
""",
        env={**OFFLINE, "YAMLDAG_SECRET_KEY": "canary-0123456789"},
    )
    assert ran.state == "success"
    assert "secret ***\n" in ran.log("one")


def test_what_can_t_be_installed_fails_the_attempt_and_the_log_tells_why(there: Project) -> None:
    ran = there.run(
        """
tasks:
  none: {python: {script: "return 1", requirements: ["no-such-package-of-ours==1"]}, retries: 1, retry_delay: 0s, allow_failure: true}
""",
        env=OFFLINE,
    )
    assert ran.attempts == {"none": 2}
    assert ran.reasons["none"] == "its requirements can't be installed: pip ended with 1; the log tells why"
    assert "No matching distribution found for no-such-package-of-ours==1" in ran.log("none")


def test_what_a_kill_has_left_half_built_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    wheel(tmp_path / WHEEL)
    path = tmp_path / "environments" / environment.key([f"./{WHEEL}"], str(tmp_path))
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "python").write_text("half")
    assert environment.environment(str(tmp_path / "environments"), [f"./{WHEEL}"], str(tmp_path)) == str(path)
    assert (path / "ready").exists()
    before = (path / "ready").stat().st_mtime_ns
    environment.environment(str(tmp_path / "environments"), [f"./{WHEEL}"], str(tmp_path))
    assert (path / "ready").stat().st_mtime_ns == before


def test_what_no_task_has_used_for_long_is_pruned_and_nothing_that_one_uses(there: Project) -> None:
    held = f"""
tasks:
  one:
    python:
      requirements: [./{WHEEL}]
      script: |
        import pathlib, subprocess, tiny
        path = pathlib.Path(tiny.__file__)
        done = subprocess.run({[sys.executable, "-m", "yamldag", "db", "prune", "--older-than", "0s"]!r}, env={{"PYTHONPATH": {str(ROOT)!r}}},
                              cwd={str(there.folder)!r}, capture_output=True, text=True)
        print(done.stdout, path.exists())
"""
    ran = there.run(held, env=OFFLINE)
    assert ran.state == "success", ran.log("one")
    environments = there.folder / ".yamldag" / "environments"
    [built] = environments.glob("*/")
    assert ran.log("one").endswith("ok: True\nruns: 0\nenvironments: 0\ndry_run: False\n True\n")
    prune = ("db", "prune", "--json", "--older-than")
    assert there(*prune, "1h").json["environments"] == 0
    assert there(*prune, "0s", "--dry-run").json["environments"] == 1
    assert built.exists()
    assert there(*prune, "0s").json["environments"] == 1
    assert not built.exists()
    assert there.run("p", env=OFFLINE).state == "success", "it is built anew"


def test_an_environment_is_known_by_what_makes_it(tmp_path: Path) -> None:
    wheel(tmp_path / WHEEL)
    base = str(tmp_path)
    assert environment.key(["a", "b"], base) == environment.key(["b", "a", "a"], base)
    keys = {environment.key(these, base) for these in (["a"], ["a", "b"], ["a==1"], [f"./{WHEEL}"])}
    wheel(tmp_path / WHEEL, "other")
    keys |= {
        environment.key([f"./{WHEEL}"], base),
        environment.key([f"tiny @ file://{tmp_path}/{WHEEL}"], base),
    }
    assert len(keys) == 6
