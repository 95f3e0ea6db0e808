"""Plans to draw, small ones by hand and large ones by rule."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from yamldag.plan.pipeline import Fanout, Group, Plan, Task
from yamldag.render.rules import RULES


def task(identifier: str, operator: str = "bash", needs: Iterable[str] = (), **more: Any) -> Task:
    parents = tuple(sorted(needs))
    group = more.pop("group", identifier.rpartition(".")[0] or None)
    return Task(identifier, operator, needs=parents, judged=more.pop("judged", parents), group=group, **more)


def plan(
    name: str, *tasks: Task, groups: Iterable[Group] = (), mapped: dict[str, Fanout] | None = None
) -> Plan:
    return Plan(name, file=f"{name}.yml", tasks=tasks, groups=tuple(groups), mapped=mapped or {})


def five() -> Plan:
    return plan(
        "daily_report",
        task(
            "fetch",
            "http",
            params={"url": "https://example.org/orders?day={{ ds }}"},
            retries=3,
            line=6,
            file="daily_report.yml",
        ),
        task(
            "clean",
            "python",
            ["fetch"],
            params={"function": "report:clean"},
            line=10,
            file="daily_report.yml",
        ),
        task(
            "load",
            "sql",
            ["clean"],
            params={"query": "insert into orders\nselect * from staged"},
            line=13,
            file="daily_report.yml",
        ),
        task(
            "check",
            "sql",
            ["load"],
            when=("params.strict",),
            description="No order without a customer",
            line=17,
            file="daily_report.yml",
        ),
        task(
            "alarm", "notify", ["check", "load"], trigger_rule="one_failed", line=20, file="daily_report.yml"
        ),
    )


SALES_STATES = {
    "extract.products": "success", "extract.customers": "success", "extract.refunds": "success",
    "extract.orders": "success", "extract.web_events": "running", "stage.customers": "success",
    "stage.orders": "success", "stage.events": "none", "wait_fx_rates": "deferred", "transform.currency": "none",
    "transform.dim_product": "success", "transform.fct_refunds": "success", "transform.dim_customer": "success",
    "transform.fct_orders": "failed", "transform.fct_sessions": "queued", "month_close": "skipped",
    "quality.reconcile": "upstream_failed", "quality.row_counts": "upstream_failed", "quality.freshness": "scheduled",
    "publish.reverse_etl": "up_for_retry", "publish.revenue_mart": "upstream_failed",
    "publish.exec_dashboard": "upstream_failed", "notify": "up_for_reschedule", "cleanup": "removed",
}  # fmt: skip


def sales() -> Plan:
    """Five groups, a mapped task, a teardown, and a rule or two."""
    return plan(
        "sales_etl",
        task("extract.products", "http"),
        task("extract.customers", "http"),
        task("extract.refunds", "http"),
        task("extract.orders", "copy"),
        task("extract.web_events", "python", mapped_by="extract.web_events"),
        task("stage.customers", "sql", ["extract.customers"]),
        task("stage.orders", "sql", ["extract.orders", "extract.refunds"]),
        task("stage.events", "python", ["extract.web_events"]),
        task("wait_fx_rates", "wait", setup=True),
        task("transform.currency", "python", ["wait_fx_rates"]),
        task("transform.dim_product", "sql", ["extract.products"]),
        task("transform.fct_refunds", "sql", ["stage.orders"]),
        task("transform.dim_customer", "sql", ["stage.customers"]),
        task("transform.fct_orders", "sql", ["stage.orders", "transform.dim_customer", "transform.dim_product"]),
        task("transform.fct_sessions", "sql", ["stage.events", "transform.dim_customer"]),
        task("month_close", "sql", ["stage.orders"], when=("run.is_month_end",)),
        task("quality.reconcile", "sql", ["transform.fct_orders", "transform.currency"]),
        task("quality.row_counts", "python", ["transform.fct_orders", "transform.fct_refunds"]),
        task("quality.freshness", "python", ["transform.fct_sessions"]),
        task("publish.reverse_etl", "http", ["transform.dim_customer"], referenced=("transform.dim_customer",)),
        task("publish.revenue_mart", "sql", ["quality.reconcile", "quality.row_counts"]),
        task("publish.exec_dashboard", "http", ["publish.revenue_mart"]),
        task("notify", "notify", ["publish.exec_dashboard", "publish.reverse_etl", "quality.freshness"], trigger_rule="all_done"),
        task("cleanup", "bash", ["notify", "wait_fx_rates"], teardown_of=("wait_fx_rates",), trigger_rule="all_done_setup_success"),
        groups=[Group(name) for name in ("extract", "stage", "transform", "quality", "publish")],
        mapped={"extract.web_events": Fanout(foreach=list(range(12)))},
    )  # fmt: skip


def rules() -> Plan:
    """Every trigger rule once, and a parent that is not judged."""
    children = [task(f"when_{rule}", "noop", ["left", "right"], trigger_rule=rule) for rule in RULES]
    loose = task(
        "only_read",
        "bash",
        ["left", "right"],
        judged=("left",),
        referenced=("right",),
        trigger_rule="one_done",
    )
    return plan("rules", task("left", "bash"), task("right", "bash"), *children, loose)


def nested() -> Plan:
    """Groups in groups, one of them mapped, one interleaved with a stranger, and a group's name twice."""
    return plan(
        "nested",
        task("start", "noop"),
        task("eu.load.read", "copy", ["start"], group="eu.load"),
        task("eu.load.write", "sql", ["eu.load.read"], group="eu.load"),
        task("eu.test.count", "sql", ["eu.load.write"], group="eu.test"),
        task("eu.test.sum", "sql", ["eu.load.write"], group="eu.test"),
        task("us.load.read", "copy", ["start"], group="us.load"),
        task("us.load.write", "sql", ["us.load.read"], group="us.load"),
        task("us.check", "approval", ["us.load.write"]),
        task("us.done", "noop", ["us.check", "between"]),
        task("between", "docker", ["us.load.read"]),
        task("train", "kubernetes", ["eu.test.count", "eu.test.sum", "us.done"], mapped_by="train"),
        task("pick", "branch", ["train"]),
        groups=[
            Group("eu"),
            Group("eu.load", "eu"),
            Group("eu.test", "eu"),
            Group("us", mapping=Fanout(foreach="{{ vars.states }}")),
            Group("us.load", "us"),
        ],
        mapped={
            "us": Fanout(foreach="{{ vars.states }}"),
            "train": Fanout(
                matrix={"model": ["a", "b"], "depth": [1, 2, 3]}, exclude=[{"model": "b", "depth": 3}]
            ),
        },
    )


NASTY = (
    '"quoted"', "<script>alert(1)</script>", "a&b", "two\nlines", "\u202eevil\u202c", "x" * 200, "back\\slash\\",
    "]]>", "--><b>", "%N \\N \\G", "`tick` #35;", "سلام", "日本語のタスク", "nul\x00\x1b[31m", "\ud800", "end", "'", "a]-->b[",
)  # fmt: skip


def hostile() -> Plan:
    """Names and texts that want to be something else."""
    made: list[Task] = []
    for at, name in enumerate(NASTY):
        parents = [made[-1].id] if made and at % 3 else []
        made.append(task(name, name, parents, description=name, group=NASTY[at % 2], params={"script": name}))
    groups = [Group(NASTY[0], description=NASTY[1]), Group(NASTY[1], parent=NASTY[0])]
    return Plan(NASTY[1], description=NASTY[1], tasks=tuple(made), groups=tuple(groups), file=NASTY[1])


_OPERATORS = ("bash", "command", "python", "http", "sql", "copy", "docker", "kubernetes", "ssh", "dbt", "pipeline",
              "wait", "approval", "branch", "short_circuit", "email", "notify", "airflow", "noop", "spark")  # fmt: skip


def layered(tasks: int, wide: int, seed: int = 1, groups: int = 0, reach: int = 2) -> Plan:
    """As pipelines are: most tasks need one or two of the layer before, a few need older ones."""
    dice = Random(seed)
    names: list[str] = []
    made = []
    for at in range(tasks):
        group = f"area_{at * groups // tasks}" if groups else None
        name = f"{group}.task_{at}" if group else f"task_{at}"
        near = names[max(0, at - wide - wide // 2) : max(0, at - wide // 2)]
        parents = set(dice.sample(near, min(len(near), dice.choice((1, 1, 1, 2))))) if at >= wide else set()
        if names and at > wide and dice.random() < 0.04 * reach:
            parents.add(dice.choice(names[: at - wide // 2]))
        made.append(task(name, dice.choice(_OPERATORS), parents))
        names.append(name)
    return plan(f"layered_{tasks}", *made, groups=[Group(f"area_{at}") for at in range(groups)])


def tangled(tasks: int, edges: int, seed: int = 1) -> Plan:
    """Any task may need any older one."""
    dice = Random(seed)
    parents: list[set[str]] = [set() for _ in range(tasks)]
    for _ in range(edges):
        a, b = sorted(dice.sample(range(tasks), 2))
        parents[b].add(f"t{a}")
    return plan(f"tangled_{tasks}", *(task(f"t{at}", "bash", parents[at]) for at in range(tasks)))


def chain(tasks: int) -> Plan:
    return plan(
        "chain", *(task(f"part_{at}", "bash", [f"part_{at - 1}"] if at else []) for at in range(tasks))
    )


def scattered(tasks: int) -> Plan:
    return plan("scattered", *(task(f"alone_{at}", "bash") for at in range(tasks)))


def coloured(made: Plan, seed: int = 1) -> dict[str, str]:
    from yamldag.render.colours import LOOKS

    dice = Random(seed)
    weights = [1 if name != "success" else 18 for name in LOOKS]
    return {each.id: dice.choices(list(LOOKS), weights)[0] for each in made.tasks}
