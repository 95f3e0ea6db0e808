"""The graph that is read from a dbt project's files, and what `select` means, against dbt's own word for it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.environments import DBT, ENV, built
from yamldag.compile.compiler import Compiler
from yamldag.compile.dbt import manifest, static
from yamldag.compile.dbt.nodes import KINDS, Graph
from yamldag.compile.dbt.project import Project
from yamldag.compile.dbt.selecting import Selecting
from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.plan import graph as graphs
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Scalar

FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
model-paths: [models, more]
models:
  +tags: all
  shop:
    staging: {+materialized: ephemeral, +tags: [daily, early]}
    old: {+enabled: false}
seeds:
  shop: {+tags: raw}
""",
    "profiles.yml": "shop: {target: a, outputs: {a: {type: duckdb, path: ':memory:'}}}\n",
    "seeds/raw_orders.csv": "id,customer,amount\n1,1,10\n",
    "seeds/more/raw_customers.csv": "id\n1\n",
    "models/staging/stg_orders.sql": "select * from {{ ref('raw_orders') }}",
    "models/staging/stg_customers.sql": "{# {{ ref('nothing') }} #}\nselect * from {{ ref( 'shop',\n  \"raw_customers\" ) }}",
    "models/old/gone.sql": "select * from {{ ref('stg_orders') }}",
    "models/marts/orders.sql": """
{{ config(materialized="incremental", tags="mart") }}
select * from {{ ref('stg_orders') }} join {{ source('crm', 'people') }} using (id)
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
""",
    "models/marts/customers.sql": """
{% set columns = ["id"] %}
select {% for each in columns %}{{ each }}{% endfor %}, {{ dbt.current_timestamp() }} as now, {{ var("x", 1) }} as x
from {{ ref('stg_customers') }} -- {{ ref('orders') }}
""",
    "models/marts/orders/daily.sql": "{{ config({'tags': ['daily', 'mart']}) }} select * from {{ latest() }}",
    "more/report.sql": "select 1 as id from {{ ref('daily') }}, {{ ref('customers') }} where {{ dispatched() }}",
    "more/off.sql": "{{ config(enabled=false) }} select * from {{ ref('daily') }}",
    "more/told_off.sql": "select 1",
    "macros/own.sql": """
{% macro latest() %}{{ through() }}{% endmacro %}
{% macro through() %}{{ ref('orders') }}{% endmacro %}
{% macro dispatched() %}{{ return(adapter.dispatch('dispatched', 'shop')()) }}{% endmacro %}
{% macro default__dispatched() %}(select count(*) from {{ ref('orders') }}) > 0{% endmacro %}
{% test is_even(model, column_name) %}select * from {{ model }} where {{ column_name }} % 2 = 1{% endtest %}
""",
    "snapshots/old_style.sql": """
{% snapshot kept_orders %}
{{ config(unique_key='id', strategy='check', check_cols='all', target_schema='kept') }}
select * from {{ ref('orders') }}
{% endsnapshot %}
""",
    "snapshots/new_style.yml": """
snapshots:
  - name: kept_customers
    relation: ref('customers')
    config: {unique_key: id, strategy: check, check_cols: all, tags: [kept]}
""",
    "models/schema.yml": """
sources:
  - name: crm
    tables:
      - name: people
        columns: [{name: id, data_tests: [not_null]}]
models:
  - name: stg_orders
    columns: [{name: id, data_tests: [unique]}]
  - name: orders
    config: {tags: [told]}
    data_tests:
      - is_even: {arguments: {column_name: id}, config: {enabled: false}}
    columns:
      - name: id
        data_tests: [unique, not_null, is_even]
      - name: customer
        data_tests:
          - relationships: {arguments: {to: ref('customers'), field: id}}
  - name: told_off
    config: {enabled: false}
    columns: [{name: id, data_tests: [unique]}]
seeds:
  - name: raw_orders
    columns: [{name: id, data_tests: [unique]}]
unit_tests:
  - name: amounts_are_kept
    model: customers
    given: [{input: ref('stg_customers'), rows: [{id: 1}]}, {input: ref('orders'), rows: []}]
    expect: {rows: [{id: 1}]}
""",
    "tests/kept_both.sql": "select * from {{ ref('kept_orders') }} join {{ ref('kept_customers') }} using (id) where false",
    "tests/no_gaps.sql": "select * from {{ ref('orders') }} join {{ ref('customers') }} using (id) where false",
    "tests/alone.sql": "select * from {{ ref('report') }} where false",
    "tests/off.sql": "{{ config(enabled=false) }} select * from {{ ref('report') }}",
}
SELECTIONS = [
    *("orders", "+orders", "orders+", "1+report", "orders+1", "0+orders", "+orders+1", "2+orders+0", "2+kept_orders"),
    *("@stg_customers", "@kept_orders", "@+orders", "tag:mart+", "source:crm+", "source:crm.people+1"),
    *("staging", "shop.marts", "marts.orders", "fqn:shop.marts.orders", "marts.o*", "mar*.orders", "shop.*.orders"),
    *("raw_*", "*.daily", "d?ily", "[o]rders", "*", "source:shop.crm.people+", "source:*.people+", "source:c*+"),
    *("path:models/marts", "path:./models/marts/", "path:models/*", "path:mod*", "path:models/schema.yml", "path:models/*.yml", "path:snapshots", "path:models/marts/*.sql"),
    *("models/staging/stg_orders.sql", "more/report.sql", "models/**/daily.sql", "models/**/*.sql"),
    *("daily.sql", "file:report.sql", "file:report", "file:*.csv", "tag:daily", "tag:told tag:kept", "resource_type:seed"),
    *("tag:daily,tag:mart", "+daily,staging kept_*", "+tag:mart,path:models/marts"),
]  # fmt: skip
VERSIONED = {
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "profiles.yml": FILES["profiles.yml"],
    "models/marts/ranked_v1.sql": "select 1 as id",
    "models/marts/deep/er/ranked_v2.sql": "select * from {{ ref('ranked', v=1) }}",
    "models/v2/other.sql": "select * from {{ ref('ranked') }}",
    "models/schema.yml": "models: [{name: ranked, latest_version: 2, versions: [{v: 1}, {v: 2}]}]\n",
}
OF_VERSIONS = [
    *("ranked", "ranked.v1", "ranked_v2+", "rank*", "shop.marts.ranked.v1", "*.v2", "v2", "marts", "*v1"),
    *("marts.ranked", "file:ranked_v1", "path:models/marts/deep", "er.ranked.v2", "1+ranked_v2"),
]  # fmt: skip
ASKED = """
import json, sys
from dbt.cli.main import dbtRunner
folder, *selections = sys.argv[1:]
common = ["--project-dir", folder, "--profiles-dir", folder, "--quiet", "--no-send-anonymous-usage-stats"]
parsed = dbtRunner().invoke(["parse", *common])
assert parsed.success, parsed.exception
runner = dbtRunner(manifest=parsed.result)
kinds = [word for kind in ("model", "seed", "snapshot") for word in ("--resource-type", kind)]
found = {}
for each in selections:
    listed = runner.invoke(["ls", *common, *kinds, "--output", "name", "--select", *each.split()])
    assert listed.success, listed.exception
    found[each] = listed.result
json.dump(found, open(folder + "/listed.json", "w"))
"""


class Asked:
    def __init__(self, folder: Path, listed: dict[str, list[str]]) -> None:
        self.folder = folder
        self.listed = listed


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The project, and what dbt says of it."""
    return _asked(tmp_path_factory, "shop", FILES, SELECTIONS)


@pytest.fixture(scope="session")
def asked_of_versions(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return _asked(tmp_path_factory, "versions", VERSIONED, OF_VERSIONS)


def _asked(
    factory: pytest.TempPathFactory, name: str, files: Mapping[str, str], selections: Sequence[str]
) -> Asked:
    """It is asked once, by whichever of pytest's processes comes first."""
    base = factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "dbt" / name
    folder.parent.mkdir(exist_ok=True)
    with open(folder.parent / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "listed.json").exists():
            _ask(folder, files, selections)
    return Asked(folder, json.loads((folder / "listed.json").read_text()))


def _ask(folder: Path, files: Mapping[str, str], selections: Sequence[str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [built(DBT), "-c", ASKED, folder, *selections],
        cwd=folder,
        env={**os.environ, **ENV},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def project(folder: Path) -> tuple[Project, Compiler]:
    compiler = Compiler(find(str(folder), None, {}))
    return Project(str(folder), compiler), compiler


def as_files_say(folder: Path) -> Graph:
    return static.read(*project(folder))


def as_dbt_says(folder: Path) -> Graph:
    path = "target/manifest.json"
    return manifest.read(
        project(folder)[0], Scalar(path, path, 0, 0, "", Source("p.yml", "")), str(folder), project(folder)[1]
    )


def nodes(graph: Graph) -> dict[str, Any]:
    return {
        each.id: (each.kind, each.path, set(each.parents), set(each.tags), each.ephemeral)
        for each in graph.nodes.values()
    }


def looked_at(graph: Graph) -> Counter[Any]:
    """What each test looks at; dbt keeps the tests of a disabled model, which look at nothing."""
    return Counter((frozenset(each.parents), each.singular) for each in graph.tests if each.parents)


def test_its_files_say_the_same_graph_as_dbt(asked: Asked) -> None:
    ours, theirs = as_files_say(asked.folder), as_dbt_says(asked.folder)
    assert [each.message for each in ours.found] == []
    assert [each.message for each in theirs.found] == []
    assert nodes(ours) == nodes(theirs)
    assert {each.id: each.fqn for each in ours.nodes.values() if each.kind == "model"} == {
        each.id: each.fqn for each in theirs.nodes.values() if each.kind == "model"
    }
    assert looked_at(ours) == looked_at(theirs)
    assert not graphs.rings(ours.parents())


def means(graph: Graph, selection: str) -> tuple[list[str], list[Diagnostic]]:
    """The names of what is selected, as dbt lists them, and what is wrong with the selection."""
    selecting = Selecting(graph)
    chosen = selecting.union(
        [Scalar(selection, selection, 0, len(selection), "", Source("p.yml", selection))]
    )
    return sorted(one for one in chosen if graph.nodes[one].kind in KINDS), selecting.found


@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_selection_means_what_it_means_to_dbt(asked: Asked, selection: str) -> None:
    assert means(as_files_say(asked.folder), selection) == (sorted(asked.listed[selection]), [])


@pytest.mark.parametrize("selection", OF_VERSIONS)
def test_a_selection_of_versions_means_what_it_means_to_dbt(asked_of_versions: Asked, selection: str) -> None:
    listed = sorted(asked_of_versions.listed[selection])
    assert means(as_dbt_says(asked_of_versions.folder), selection) == (listed, [])


@pytest.mark.parametrize(
    ("selection", "words", "where"),
    [
        ("orders,", "`,` selects nothing: there is nothing to select by", ","),
        (",orders", "`,` selects nothing: there is nothing to select by", ","),
        ("orders,,daily", "`,` selects nothing: there is nothing to select by", ","),
        ("orders 2+", "`2+` selects nothing: there is nothing to select by", "2+"),
        ("tag:", "`tag:` selects nothing: there is nothing to select by", "tag:"),
        ("@orders+1", "`@orders+1` selects nothing: `@` and `+` say two different things", "@orders+1"),
        ("Tag:mart", "`Tag:` is not known where a dbt project is expanded", "Tag:mart"),
        ("config.materialized:view", "`config.materialized:` is not known where a dbt project is expanded", "config.materialized:view"),
        ("mar*.ordres", "nothing in the dbt project is meant by `mar*.ordres`: there is no node `mar*.ordres`", "mar*.ordres"),
    ],
)  # fmt: skip
def test_a_selection_that_dbt_would_not_take_is_told(
    asked: Asked, selection: str, words: str, where: str
) -> None:
    _, [fault] = means(as_files_say(asked.folder), selection)
    assert (fault.message, selection[fault.place.start : fault.place.end]) == (words, where)


def test_a_manifest_that_is_older_than_the_files_is_not_taken(asked: Asked, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "shop"
    shutil.copytree(asked.folder, folder)
    assert as_dbt_says(folder).found == []
    model = folder / "models" / "marts" / "orders.sql"
    good = model.read_text()
    model.write_text(good + "-- more")
    assert "has changed since" in as_dbt_says(folder).found[0].message
    model.unlink()
    assert "is gone" in as_dbt_says(folder).found[0].message
    model.write_text(good)
    (folder / "models" / "new.sql").write_text("select 1")
    assert "does not know `models/new.sql`" in as_dbt_says(folder).found[0].message


def expanded(folder: Path, more: str = "command: build") -> dict[str, tuple[list[str], list[str]]]:
    """By task, what it needs, and what dbt is told to select."""
    for name, text in FILES.items():
        path = folder / "shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    pipeline = folder / "p.yml"
    pipeline.write_text(
        f"pipeline: p\ntasks:\n  w: {{dbt: {{project: ./shop, expand: models, {more}}}, retries: 3}}\n"
    )
    compiled = compile_files(find(str(folder), None, {}), [str(pipeline)])
    assert [each.message for each in compiled.found] == []
    plan = compiled.units[0].plan()
    assert plan is not None
    assert {(task.operator, task.group, task.retries) for task in plan.tasks} == {("dbt", "w", 3)}
    return {
        task.id.removeprefix("w."): (
            [each.removeprefix("w.") for each in task.needs],
            [str(each) for each in task.params["select"]],  # type: ignore[union-attr]
        )
        for task in plan.tasks
    }


def test_what_is_built_from_a_node_waits_for_its_tests(tmp_path: Path) -> None:
    assert {name: needs for name, (needs, _) in expanded(tmp_path).items()} == {
        "crm_people-test": [],
        "raw_orders": [],
        "raw_orders-test": ["raw_orders"],
        "raw_customers": [],
        "stg_orders-test": ["raw_orders"],  # ephemeral: it has no task of its own
        "orders": ["crm_people-test", "stg_orders-test"],
        "orders-test": ["orders"],
        "customers": ["orders-test", "raw_customers"],
        "customers-test": ["customers"],
        "customers-orders-test": ["customers"],
        "no_gaps-test": ["customers"],
        "daily": ["orders-test"],
        "report": ["customers-orders-test", "customers-test", "daily", "no_gaps-test"],
        "report-test": ["report"],
        "kept_orders": ["orders-test"],
        "kept_both-test": ["kept_customers", "kept_orders"],
        "kept_customers": ["customers-orders-test", "customers-test", "no_gaps-test"],
    }


def test_each_task_selects_its_node_alone(tmp_path: Path) -> None:
    selects = {name: select for name, (_, select) in expanded(tmp_path).items()}
    assert (
        selects["orders"] == selects["orders-test"] == ["fqn:shop.marts.orders"]
    )  # there is a folder of that name
    assert selects["raw_orders"] == ["raw_orders,resource_type:seed"]
    assert selects["crm_people-test"] == ["source:crm.people"]
    assert selects["no_gaps-test"] == ["test_type:singular,no_gaps"]
    assert selects["customers-orders-test"] == [
        "fqn:shop.marts.customers,fqn:shop.marts.orders,test_type:generic"
    ]


def test_what_is_left_out_leads_from_what_is_above_it_to_what_is_below(tmp_path: Path) -> None:
    chosen = expanded(
        tmp_path, "command: build, select: stg_orders report raw_orders, exclude: tag:mart raw_customers"
    )
    assert {name: needs for name, (needs, _) in chosen.items()} == {
        "raw_orders": [],
        "raw_orders-test": ["raw_orders"],
        "stg_orders-test": ["raw_orders"],
        "report": ["stg_orders-test"],
        "report-test": ["report"],
    }
    assert list(expanded(tmp_path, "command: run --full-refresh")) == [
        "orders",
        "customers",
        "daily",
        "report",
    ]
