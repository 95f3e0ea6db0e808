"""From drafts without mistakes to the plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from yamldag.compile import notifying, shapes
from yamldag.compile.draft import Draft, Entries, Entry, Layer, merged
from yamldag.compile.keys import OPERATORS
from yamldag.compile.project import Project
from yamldag.compile.timing import duration
from yamldag.operators import catalog
from yamldag.plan.pipeline import Cache, Call, Fanout, Group, Json, Param, Plan, Task
from yamldag.syntax.tree import Map, Node, Scalar, Seq, plain

CATCHUP = {True: "all", False: "none"}


def plan(root: Draft, entries: Entries, project: Project, path: str) -> Plan:
    """`entries` are the pipeline's keys in force."""
    get = _getter(entries)
    scope = root.scope
    common = _common_env(root, entries, project)
    tasks = tuple(_task(draft, project, _env(draft, entries, project), common) for draft in root.tasks())
    mapped = {
        draft.id: _fanout(draft)
        for draft in (*root.groups(), *root.tasks())
        if draft.mapped is draft
    }  # fmt: skip
    catchup = get("catchup", "latest")
    return Plan(
        pipeline=root.name,
        file=_inside(path, project.root),
        folder=scope.folder,
        description=get("description", None),
        owner=get("owner", None),
        tags=_texts(entries, "tags"),
        schedule=get("schedule", None),
        timezone=get("timezone", "UTC"),
        start=_text(entries, "start"),
        end=_text(entries, "end"),
        catchup=CATCHUP[catchup] if isinstance(catchup, bool) else catchup,
        max_active_runs=get("max_active_runs", 16),
        max_active_tasks=get("max_active_tasks", 16),
        timeout=duration(_node(entries, "timeout")),
        deadline=_deadline(entries),
        params=tuple(Param(name, declared.schema) for name, declared in scope.params.items()),
        vars={name: plain(node) for name, node in scope.vars.items()},
        tasks=tasks,
        groups=tuple(_group(draft) for draft in root.groups()),
        mapped=mapped,
        on_failure=_calls(root, entries, "on_failure", common),
        on_success=_calls(root, entries, "on_success", common),
        on_deadline=_calls(root, entries, "on_deadline", common),
        allow_env=project.allow_env,
        allow_hosts=project.allow_hosts,
        allow_paths=project.allow_paths,
    )


def _task(draft: Draft, project: Project, env: dict[str, str], common: dict[str, str]) -> Task:
    assert draft.operator is not None
    operator = catalog.operator(draft.operator)
    get = _Keys(draft)
    judges_by = rule(draft)
    # `always` waits for nobody that it judges, and what is referenced must have ended.
    alone = judges_by == "always" or (judges_by != "all_success" and draft.needed)
    needed = draft.needed if alone else draft.parents
    teardown = tuple(sorted(setup.id for setup in draft.setups))
    where = draft.key.source.place(draft.key.start)
    output = draft.get("output")
    return Task(
        id=draft.id,
        operator=draft.operator,
        params=_params(draft.values(draft.operator), operator),
        args=_arguments(draft),
        needs=tuple(sorted(draft.parents)),
        judged=tuple(sorted(needed)),
        referenced=tuple(sorted(draft.referenced.keys() - draft.needed.keys())),
        trigger_rule="all_done_setup_success" if teardown else judges_by,
        when=tuple(_conditions(draft)),
        mapped_by=draft.mapped.id if draft.mapped else None,
        retries=get.value("retries", 0),
        retry_delay=get.seconds("retry_delay", 30.0),
        retry_backoff=float(get.value("retry_backoff", 1.0)),
        max_retry_delay=get.seconds("max_retry_delay", 3600.0),
        timeout=get.seconds("timeout", None),
        allow_failure=get.value("allow_failure", False),
        on_lost=get.value("on_lost", "retry"),
        depends_on_past=get.value("depends_on_past", False),
        pool=get.text("pool"),
        pool_slots=get.value("pool_slots", 1),
        priority=get.value("priority", 0),
        env=env,
        working_dir=get.text("working_dir"),
        folder=draft.scope.folder,
        output=shapes.output(output.node, []) if output else None,
        produces=get.texts("produces"),
        queue=get.text("queue"),
        cache=_cache(draft),
        setup=get.value("setup", False),
        teardown_of=teardown,
        on_failure=_task_calls(draft, "on_failure", common),
        on_success=_task_calls(draft, "on_success", common),
        on_retry=_task_calls(draft, "on_retry", common),
        description=get.text("description"),
        group=draft.group.id if draft.group is not None and draft.group.id else None,
        file=_inside(draft.key.source.path, project.root),
        line=where[0],
    )


class _Keys:
    """A task's keys in force, as values."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft

    def value(self, name: str, default: Any) -> Any:
        entry = self.draft.get(name)
        return plain(entry.node) if entry else default

    def seconds(self, name: str, default: float | None) -> Any:
        entry = self.draft.get(name)
        return duration(entry.node) if entry else default

    def text(self, name: str) -> str | None:
        entry = self.draft.get(name)
        return (
            entry.site.text(entry.node) if entry and type(entry.node) is Scalar and entry.node.text else None
        )

    def texts(self, name: str) -> tuple[str, ...]:
        entry = self.draft.get(name)
        return _as_texts(entry.node) if entry else ()


def rule(draft: Draft) -> str:
    """A task's own trigger rule; else, of a group's root, the innermost group's that has one; else the defaults'."""
    own = draft.entries.get("trigger_rule")
    if own is not None:
        return str(plain(own[1]))
    for group in _groups_it_begins(draft):
        given = group.entries.get("trigger_rule")
        if given is not None:
            return str(plain(given[1]))
    return str(_Keys(draft).value("trigger_rule", "all_success"))


def _groups_it_begins(draft: Draft) -> Iterable[Draft]:
    """The groups that this task is a root of, the innermost first."""
    for group in draft.above():
        inside = f"{group.id}."
        if any(parent.startswith(inside) for parent in draft.parents):
            return
        yield group


# Values


def _json(node: Node, site: Draft) -> Json:
    """Plain data, templates with full task ids."""
    if type(node) is Scalar:
        return site.text(node) if isinstance(node.value, str) else node.value
    if type(node) is Seq:
        return [_json(item, site) for item in node.items]
    assert type(node) is Map
    return {name: _json(value, site) for name, (_, value) in node.items.items()}


def _params(entries: list[Entry], operator: catalog.Operator | None) -> dict[str, Json]:
    found = merged(entries, operator.short, operator.exclusive) if operator else merged(entries, None)
    params = {name: _json(entry.node, entry.site) for name, entry in found.items()}
    if operator is not None and operator.name == "command" and type(found["argv"].node) is Seq:
        # A word is what was written: 2.50 is no 2.5, and true no True.
        site = found["argv"].site
        params["argv"] = [site.text(word) for word in found["argv"].node.items if type(word) is Scalar]
    elif operator is not None and operator.name == "dbt":
        params |= _command(found["command"])
    elif operator is not None and operator.name == "approval" and "form" in found:
        params["form"] = _form(found["form"].node, found["form"].site)
    return params


def _command(entry: Entry) -> dict[str, Json]:
    """The words of a command of dbt: each is rendered by itself, and read by no shell."""
    node = entry.node
    if type(node) is Seq:
        return {"command": [entry.site.text(word) for word in node.items if type(word) is Scalar]}
    from yamldag.operators import dbt

    words = dbt.split(entry.site.text(node)) if type(node) is Scalar else None
    if words is None or (len(words) == 1 and "{" in words[0]):
        return {}  # a template gives all of them
    return {"command": list(words)}


def _form(node: Node, site: Draft) -> Json:
    """A form, as `output` is written, as the JSON Schema that it means; it may hold templates."""
    if type(node) is not Map or shapes.is_schema(node):
        return _json(node, site)
    fields: dict[str, Json] = {
        name: {"type": field.text} if type(field) is Scalar else _json(field, site)
        for name, (_, field) in node.items.items()
    }
    return {"type": "object", "properties": fields, "required": list(fields)}


def _arguments(draft: Draft) -> dict[str, Json]:
    """`args` of a python task, or `with` of a pipeline task."""
    found: dict[str, Json] = {}
    for name in ("args", "with"):
        for entry in reversed(draft.values(name)):
            given = _json(entry.node, entry.site)
            found |= given if isinstance(given, dict) else {"*": given}
    return found


def _env(draft: Draft, entries: Entries, project: Project) -> dict[str, str]:
    """The project's, the file's, the groups' from outside in, the task's; the nearer wins, name by name. What
    `defaults` give counts where they stand."""
    groups = list(draft.above())
    root = (groups[-1] if groups else draft).group
    assert root is not None
    own = root.layers[: len(root.layers) - len(project.layers)]
    found = _project_env(root, entries, project)
    _add_layers(found, root.layers[len(own) :])
    _add_layer(found, entries, root)
    _add_layers(found, own)
    outer = root
    for inner in (*reversed(groups), draft):
        _add_layers(found, inner.layers[: len(inner.layers) - len(outer.layers)])
        if inner.inside is not None:  # what the template itself gives
            _add_layer(found, inner.inside.entries, inner.inside)
        _add_layer(found, inner.entries, inner)
        outer = inner
    return found


def _common_env(root: Draft, entries: Entries, project: Project) -> dict[str, str]:
    """The project's and the file's: what notifications see too. It names no task, so that it can always be rendered."""
    found = _project_env(root, entries, project)
    _add_layer(found, entries, root)
    return found


def _project_env(root: Draft, entries: Entries, project: Project) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in project.envs(entries):
        if "env" not in entries or node is not entries["env"][1]:
            _add_env(found, node, root)
    return found


def _add_layers(found: dict[str, str], layers: tuple[Layer, ...]) -> None:
    for layer in reversed(layers):  # the nearest is the first
        _add_layer(found, layer.entries, layer.site)


def _add_layer(found: dict[str, str], entries: Entries, site: Draft) -> None:
    if "env" in entries:
        _add_env(found, entries["env"][1], site)


def _add_env(found: dict[str, str], node: Node, site: Draft) -> None:
    if type(node) is Map:
        for name, (_, value) in node.items.items():
            if type(value) is Scalar:
                found[name] = site.text(value)


def _conditions(draft: Draft) -> Iterable[bool | str]:
    for one in [*reversed(list(draft.above())), draft]:
        entry = one.get("when") if one is draft else _own(one, "when")
        if entry is None or type(entry.node) is not Scalar:
            continue
        value = entry.node.value
        yield value if isinstance(value, bool) else bare(entry.site.text(entry.node))


def _own(draft: Draft, name: str) -> Entry | None:
    own = draft.entries.get(name)
    return Entry(own[0], own[1], draft) if own else None


def bare(text: str) -> str:
    """An expression without the `{{ }}` round it."""
    stripped = text.strip()
    if not (stripped.startswith("{{") and stripped.endswith("}}")):
        return stripped
    inner = stripped[2:-2]
    inner = inner[1:] if inner[:1] in ("-", "+") else inner
    inner = inner[:-1] if inner[-1:] in ("-", "+") else inner
    return inner.strip()


def _fanout(draft: Draft) -> Fanout:
    own = draft.entries
    most = own.get("max_active")
    bound = plain(most[1]) if most else None
    max_active = bound if isinstance(bound, int) else None
    if "foreach" in own:
        return Fanout(foreach=_json(own["foreach"][1], draft), max_active=max_active)
    matrix = _json(own["matrix"][1], draft)
    assert isinstance(matrix, dict)
    exclude = matrix.pop("exclude", None)
    return Fanout(matrix=matrix, exclude=exclude, max_active=max_active)


def _group(draft: Draft) -> Group:
    params: dict[str, Json] = {}
    if draft.kind == "use":
        params = {
            name: declared.schema["default"]
            for name, declared in draft.inner.params.items()
            if "default" in declared.schema
        }
        given = draft.entries.get("with")
        if given is not None and type(given[1]) is Map:
            params |= {name: _json(node, draft) for name, (_, node) in given[1].items.items()}
    description = draft.entries.get("description")
    use = draft.entries.get("use")
    return Group(
        id=draft.id,
        parent=draft.group.id if draft.group is not None and draft.group.id else None,
        mapping=_fanout(draft) if draft.mapped is draft else None,
        description=str(plain(description[1])) if description else None,
        use=str(plain(use[1])) if use else None,
        params=params,
        awaits=tuple(sorted(draft.referenced)),
    )


def _cache(draft: Draft) -> Cache | None:
    entry = draft.get("cache")
    if entry is None or type(entry.node) is not Map:
        return None
    key = entry.node.items["key"][1]
    ttl = entry.node.items.get("ttl")
    assert type(key) is Scalar
    return Cache(entry.site.text(key), duration(ttl[1]) if ttl else None)


# Notifications


def _task_calls(draft: Draft, name: str, env: dict[str, str]) -> tuple[Call, ...]:
    entry = draft.get(name)
    return tuple(_call(call, entry.site, env) for call in notifying.calls(entry.node)) if entry else ()


def _calls(root: Draft, entries: Entries, name: str, env: dict[str, str]) -> tuple[Call, ...]:
    entry = entries.get(name)
    return tuple(_call(call, root, env) for call in notifying.calls(entry[1])) if entry else ()


def _call(node: Map, site: Draft, common: dict[str, str]) -> Call:
    name = next(name for name in node.items if name in OPERATORS)
    operator = catalog.operator(name)
    items = node.items
    params = merged([Entry(*items[name], site)], operator.short if operator else None)
    env = dict(common)
    if "env" in items:
        _add_env(env, items["env"][1], site)
    given = items.get("args") or items.get("with")
    args = _json(given[1], site) if given else {}
    return Call(
        operator=name,
        params={one: _json(entry.node, entry.site) for one, entry in params.items()},
        args=args if isinstance(args, dict) else {"*": args},
        env=env,
        timeout=duration(items["timeout"][1]) if "timeout" in items else None,
        folder=os.path.dirname(os.path.abspath(items[name][0].source.path)),
        digest=duration(items["digest"][1]) if "digest" in items else None,
    )


# The pipeline's own keys


def _getter(entries: Entries) -> Callable[[str, Any], Any]:
    def get(name: str, default: Any) -> Any:
        entry = entries.get(name)
        return plain(entry[1]) if entry else default

    return get


def _node(entries: Entries, name: str) -> Node | None:
    entry = entries.get(name)
    return entry[1] if entry else None


def _text(entries: Entries, name: str) -> str | None:
    node = _node(entries, name)
    return node.text if type(node) is Scalar else None


def _texts(entries: Entries, name: str) -> tuple[str, ...]:
    node = _node(entries, name)
    return _as_texts(node) if node is not None else ()


def _as_texts(node: Node) -> tuple[str, ...]:
    nodes = node.items if type(node) is Seq else [node]
    return tuple(one.text for one in nodes if type(one) is Scalar)


def _deadline(entries: Entries) -> dict[str, Json] | None:
    node = _node(entries, "deadline")
    if type(node) is not Map:
        return None
    if "after" in node.items:
        return {"after": duration(node.items["after"][1])}
    return {"at": plain(node.items["at"][1])}


@lru_cache(maxsize=64)
def _inside(path: str, root: str) -> str:
    relative = os.path.relpath(path, root)
    return path if relative.startswith("..") else relative
