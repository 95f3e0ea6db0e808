"""dbt tasks, from the command line, against the true dbt; and the example of a project that is expanded."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
import yaml

from tests.e2e.project import ROOT, Project
from tests.e2e.serving import Serve, wait_until
from tests.environments import DBT, ENV, built, lend

TAKINGS = "models/marts/takings.sql"


@pytest.fixture
def bakery(project: Project) -> Path:
    """The example, with the environment that it would make."""
    built(DBT)
    lend(project.folder)
    example = project.write("pipelines/bakery.yml", (ROOT / "pipelines" / "bakery.yml").read_text())
    told = yaml.safe_load(example.read_text())
    assert told["tasks"]["warehouse"]["dbt"]["requirements"] == DBT
    shutil.copy(ROOT / "pipelines" / ".yamldagignore", project.folder / "pipelines")
    shutil.copytree(ROOT / "pipelines" / "bakery", project.folder / "pipelines" / "bakery")
    return project.folder / "pipelines" / "bakery"


def test_a_model_that_fails_is_named_mended_and_cleared_alone(
    project: Project, bakery: Path, serve: Serve
) -> None:
    good = (bakery / TAKINGS).read_text()
    (bakery / TAKINGS).write_text(good.replace("breads.price", "breads.prize"))
    ran = project.run("bakery", env=ENV)
    done = ("raw_breads", "raw_sales", "breads", "breads-test", "sales", "breads-sales-test")
    assert ran.states == {
        **{f"warehouse.{name}": "success" for name in done},
        "warehouse.takings": "failed",
        "warehouse.no_day_without_takings-test": "upstream_failed",
        "report": "upstream_failed",
    }
    reason = ran.reasons["warehouse.takings"]
    assert reason.startswith(f"1 of 1 failed in `dbt build`: model `takings` ({TAKINGS}:3); ")
    assert "prize" in reason
    assert "1 of 1 ERROR creating sql table model main.takings" in ran.log("warehouse.takings")
    assert '{"' not in ran.log("warehouse.takings")
    assert [path.name for path in (project.folder / ".yamldag" / "dbt").iterdir()][1:] == []
    before = {path.relative_to(bakery) for path in bakery.rglob("*")}

    (bakery / TAKINGS).write_text(good)
    assert project("clear", ran.id, "warehouse.takings").code == 0
    served = serve()
    logs = project.folder / ".yamldag" / "logs" / ran.id
    wait_until((logs / "report.1.log").exists)
    assert served.run("success") == ran.id
    rows = project("tasks", ran.id, "--json").json["tasks"]
    attempts = {row["id"]: row["attempts"] for row in rows}
    assert attempts["warehouse.takings"] == 2
    assert all(attempts[f"warehouse.{name}"] == 1 for name in done)
    assert {path.relative_to(bakery) for path in bakery.rglob("*")} == before  # nothing is written there


PROFILE = """
shop:
  target: local
  outputs:
    local: {type: duckdb, path: "{{ env_var('DBT_ENV_SECRET_PLACE') }}"}
"""


@pytest.fixture
def shop(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PATH", f"{os.path.dirname(built(DBT))}:{os.environ['PATH']}")
    project.write("shop/dbt_project.yml", "name: shop\nprofile: shop\n")
    project.write(
        "shop/models/orders.sql", "select {{ var('days')[1] }} as id, '{{ var('name') }}' as name\n"
    )
    project.write(
        "shop/tests/as_it_was_given.sql",
        "select * from {{ ref('orders') }} where name <> '{{ '{{' }} 1 }} {{ '{#' }} \x85 manual'\n",
    )
    project.write("shop/models/wrong.sql", "select id,\n  nothing\nfrom {{ ref('orders') }}\n")
    project.write(
        "shop/models/orders.yml",
        """
models:
  - name: orders
    columns:
      - name: id
        data_tests:
          - unique
          - accepted_values: {arguments: {values: [5]}, config: {severity: warn}}
      - name: name
        data_tests:
          - accepted_values: {arguments: {values: [x]}}
""",
    )
    project.write("profiles/profiles.yml", PROFILE)
    project.write("yamldag.yml", "secrets: [place]\n")
    return project


def test_its_output_counts_and_its_failure_says_what_failed_where(shop: Project) -> None:
    ran = shop.run(
        """
params: {days: [3, 4]}
defaults:
  dbt: {project: ../shop, profiles: ../profiles, vars: {days: "{{ params.days }}", name: "{{ '{{' }} 1 }} {{ '{#' }} \\u0085 {{ run.type }}"}}
  env: {DBT_ENV_SECRET_PLACE: "{{ secrets.place }}"}
tasks:
  good: {dbt: {command: build, select: [orders, "orders,test_type:generic"], exclude: "accepted_values_orders_name__x wrong"}}
  says: {bash: 'echo {{ tasks.good.output | tojson | sh }}'}
  bad: {needs: good, dbt: build}
""",
        env={**ENV, "YAMLDAG_SECRET_PLACE": str(shop.folder / "secret-place.duckdb")},
    )
    assert ran.states == {"good": "success", "says": "success", "bad": "failed"}, ran.reasons
    said = ran.log("says")
    assert '"command": "dbt build"' in said
    counts = '"counts": {"success": 1, "pass": 2, "warn": 1, "skipped": 0, "fail": 0, "error": 0}'
    assert counts in said
    warned = '"name": "accepted_values_orders_id__5", "kind": "test", "status": "warn"'
    assert warned in said
    assert '"file": "models/orders.yml", "line": 8' in said
    assert "secret-place" not in "".join(ran.log(name) for name in ("good", "bad"))
    reason = ran.reasons["bad"]
    assert reason.startswith("1 of 6 failed in `dbt build`: "), reason
    assert "test `accepted_values_orders_name__x` (models/orders.yml:11)" in reason


FAKE = r"""#!/bin/sh
printf '%s\n' "$@" > "$HERE/words"
env > "$HERE/env"
trap 'echo stopped >> "$HERE/ended"; exit 143' TERM
echo 'no JSON at all'
printf '%s\n' '{"info": {"level": "info", "msg": "\u001b[32mfrom dbt\u001b[0m"}}'
[ "$1" = deps ] && exit 0
if [ "$1" = parse ]; then
  printf '%s\n' '{"info": {"level": "error", "msg": "Encountered an error:\nCompilation Error\n  no such thing"}}'
  exit 2
fi
while :; do sleep 0.1; done
"""


@pytest.fixture
def fake(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A program of that name that does as it is told."""
    script = project.write("bin/dbt", FAKE)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    monkeypatch.setenv("HERE", str(project.folder))
    project.write("pipelines/.yamldagignore", "shop\n")
    project.write("pipelines/shop/dbt_project.yml", "name: shop\n")
    return project


def test_dbt_is_ended_with_its_attempt_and_its_last_words_are_heard(fake: Project) -> None:
    ran = fake.run("tasks:\n  hangs: {dbt: {command: build, project: shop}, timeout: 2s}\n")
    assert ran.states == {"hangs": "failed"}
    assert "timeout" in ran.reasons["hangs"] or "timed out" in ran.reasons["hangs"]
    assert (fake.folder / "ended").read_text() == "stopped\n"
    assert ran.log("hangs").startswith("no JSON at all\nfrom dbt\n")


def test_a_notification_may_be_a_command_of_dbt(fake: Project) -> None:
    ran = fake.run("tasks: {a: {bash: exit 3}}\non_failure: {dbt: {command: deps, project: shop}}\n")
    told = fake("logs", ran.id, "--notifications").out
    assert told.splitlines() == ["on_failure by dbt: done", "  no JSON at all", "  from dbt"]


def test_a_command_without_results_has_an_output_too_and_one_that_breaks_off_says_why(fake: Project) -> None:
    ran = fake.run(
        """
tasks:
  deps: {dbt: {command: "deps --lock {{ run.type }}' '", project: shop, target: prod, vars: {a: "{{ 1 + 1 }}"}, select: "a b", exclude: --x}}
  parse: {dbt: {command: [parse], project: shop}, needs: deps}
  says: {needs: deps, bash: 'echo {{ tasks.deps.output.counts.error }}'}
"""
    )
    assert ran.states == {"deps": "success", "parse": "failed", "says": "success"}, ran.reasons
    assert ran.reasons["parse"] == "`dbt parse` ended with 2: no such thing"


def test_each_word_is_rendered_by_itself_and_no_value_becomes_an_option(fake: Project) -> None:
    fake.run(
        """
params: {what: "a b; --x"}
tasks:
  deps: {dbt: {command: "deps '--lock {{ params.what }}' {{ params.what }}", project: shop, target: prod, vars: {a: "{{ 1 + 1 }}"}, select: "{{ params.what }}"}}
"""
    )
    words = (fake.folder / "words").read_text().splitlines()
    assert words == [
        *("deps", "--lock a b; --x", "a b; --x"),
        *("--select=a", "--select=b;", "--select=--x", "--vars", '{"a": 2}'),
    ]
    told = dict(line.split("=", 1) for line in (fake.folder / "env").read_text().splitlines() if "=" in line)
    assert told["DBT_TARGET"] == "prod"
    assert told["DBT_PROJECT_DIR"] == str(fake.folder / "pipelines" / "shop")
    assert told["DBT_TARGET_PATH"].endswith("/dbt/deps/1")


def test_without_dbt_it_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    project.write("shop/dbt_project.yml", "name: shop\n")
    ran = project.run("tasks:\n  a: {dbt: {command: build, project: ../shop}, retries: 3}\n")
    assert ran.reasons["a"].startswith("`dbt` is not installed: pip install dbt-core and the adapter")
    assert ran.attempts == {"a": 1}


def test_the_dbt_of_its_requirements_is_the_one_that_runs(fake: Project) -> None:
    """A wheel of our own brings one; nothing is fetched."""
    import zipfile

    told = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
    with zipfile.ZipFile(fake.folder / "pipelines" / "tiny-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny.py", "def main(): print('the tiny dbt')\n")
        archive.writestr("tiny-1.0.dist-info/METADATA", told)
        archive.writestr("tiny-1.0.dist-info/entry_points.txt", "[console_scripts]\ndbt = tiny:main\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")
    fake.write("yamldag.yml", "secrets: [key]\n")
    ran = fake.run(
        """
tasks:
  own: {dbt: {command: build, project: shop, requirements: ./tiny-1.0-py3-none-any.whl}, env: {KEY: "{{ secrets.key }}"}}
  none: {dbt: {command: build, project: shop, requirements: no-such-package-of-ours==1}, needs: own}
""",
        env={"PIP_NO_INDEX": "1", "YAMLDAG_SECRET_KEY": "canary-0123456789"},
    )
    assert ran.states == {"own": "success", "none": "failed"}, ran.reasons
    assert ran.log("own").endswith("the tiny dbt\n")
    assert ran.reasons["none"] == "its requirements can't be installed: pip ended with 1; the log tells why"
