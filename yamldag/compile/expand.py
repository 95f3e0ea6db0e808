"""From a checked document to drafts: tasks, groups, and templates put where they are used."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from yamldag.compile import documents, keys, shapes
from yamldag.compile.draft import Draft, Entries, Layer, Scope, key_or
from yamldag.compile.seen import Seen
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar

MOST_TASKS = 50_000
"""Of one pipeline after expansion: templates that use templates grow like powers."""
MOST_ALONE = 5_000
"""Of a template that is looked at by itself."""
DEEPEST_USE = 50
LONGEST_ID = 200
"""With the groups around it: files and rows are named by it."""


class Template(NamedTuple):
    """A checked `template:` document."""

    name: str
    path: str
    source: Source
    root: Map
    faulty: set[int]


class Reader(Protocol):
    """Where other files come from."""

    seen: Seen

    def read(self, path: str) -> documents.File: ...


class Library(Protocol):
    """Where templates come from."""

    def template(self, value: Scalar, scope: Scope) -> Template | Diagnostic | None: ...

    @property
    def reader(self) -> Reader: ...


class Expansion:
    """One pipeline's, or one template's, way into drafts."""

    def __init__(self, library: Library, faulty: set[int], found: list[Diagnostic]) -> None:
        self.library = library
        self.faulty = faulty
        self.found = found
        self.count = 0
        self.full = False
        self._alone = False

    def root(
        self, root: Map, scope: Scope, kind: str, layers: list[Entries], itself: tuple[Template, ...]
    ) -> Draft:
        """The pipeline, or a template by itself, as a draft with all its tasks below it. `layers` are the defaults
        from outside the file; `itself` is the template that this is."""
        self._alone = bool(itself)
        key, value = root.items[kind]
        name = value.text if type(value) is Scalar else ""
        draft = Draft(name, key, root, None, scope)
        draft.kind, draft.id, draft.document = "root", "", root
        scope.root = draft
        scope.params = shapes.params(documents.entries(root, "params"), self.faulty, self.found)
        draft.layers = (*_own_layer(root.items, draft), *(Layer(entries, draft) for entries in layers))
        self._children(draft, root, itself, draft.layers)
        return draft

    def _children(
        self, group: Draft, owner: Map, chain: tuple[Template, ...], layers: tuple[Layer, ...]
    ) -> None:
        entry = owner.items.get("tasks")
        if entry is None or type(entry[1]) is not Map:
            return
        if not entry[1].items and id(entry[1]) not in self.faulty:
            self.found.append(
                Diagnostic("YD307", "there is no task in `tasks`", at(entry[0]), "add one, or take it out")
            )
        self.count += len(entry[1].items)
        faulty, found, children, scope = self.faulty, self.found, group.children, group.inner
        for name, (key, node) in entry[1].items.items():
            draft = Draft(name, key, node, group, scope)
            draft.layers = layers
            children[name] = draft
            if len(draft.id) > LONGEST_ID >= max(len(name), len(group.id)):
                found.append(_too_long(draft))
            if id(node) in faulty and type(node) is not Map:
                continue
            if not draft.entries:
                found.append(keys.empty(draft))
                continue
            keys.classify(draft, found)
            if "foreach" in draft.entries or "matrix" in draft.entries:
                self._map(draft)
            if draft.kind != "task":
                self._open(draft, chain, layers)
            elif draft.operator == "dbt":
                self._dbt(draft)

    def _dbt(self, draft: Draft) -> None:
        from yamldag.compile.dbt import expanding

        if expanding.is_wanted(draft, self.faulty):
            self.found += expanding.expand(draft, self.library.reader, self.faulty)
            self.count += len(draft.children)

    def _map(self, draft: Draft) -> None:
        if draft.mapped is not None:
            outer = draft.mapped
            related = (Related(f"`{outer.name}` is mapped here", at(key_or(outer, outer.mapping))),)
            message = f"`{draft.name}` can't be mapped within `{outer.name}`, which is mapped itself"
            self.found.append(
                Diagnostic("YD303", message, at(draft.entries[draft.mapping][0]), None, related)
            )
            return
        draft.mapped = draft

    def _open(self, draft: Draft, chain: tuple[Template, ...], layers: tuple[Layer, ...]) -> None:
        inside = (*_own_layer(draft.entries, _beside(draft)), *layers)
        if draft.kind == "group":
            assert type(draft.node) is Map
            self._children(draft, draft.node, chain, inside)
        else:
            self._use(draft, chain, inside)

    def _is_full(self, depth: int, value: Scalar) -> bool:
        """Whether a use would lead beyond what is compiled: told once, by the pipeline that it happens to."""
        alone = self._alone
        if depth < DEEPEST_USE and self.count <= (MOST_ALONE if alone else MOST_TASKS):
            return False
        if not self.full and not alone:
            message = f"the templates used here grow beyond {MOST_TASKS:,} tasks, or beyond {DEEPEST_USE} in each other"
            self.found.append(Diagnostic("YD105", message, at(value)))
        self.full = True
        return True

    # Templates

    def _use(self, draft: Draft, chain: tuple[Template, ...], layers: tuple[Layer, ...]) -> None:
        value = draft.entries["use"][1]
        if type(value) is not Scalar or id(value) in self.faulty:
            return
        template = self.library.template(value, draft.scope)
        if not isinstance(template, Template):
            self.found += [template] if template else []
            return
        if template.root in [one.root for one in chain]:
            self.found.append(_ring(draft, value, template, chain))
            return
        if self._is_full(len(chain), value):
            return
        inner = Scope(template.source, documents.folder(template.path))
        inner.vars, inner.open_vars = draft.scope.vars, draft.scope.open_vars
        inner.open_params = documents.misshapen(template.root, "params")
        inner.strays = documents.strays(template.root, "template")
        inner.root = draft
        inner.uses_of = (*draft.scope.uses_of, value)
        self.faulty |= template.faulty
        inner.params = shapes.params(documents.entries(template.root, "params"), self.faulty, self.found)
        draft.inner = inner
        self.found += check_with(draft, inner, "template")
        site = draft.inside = _inside(draft, template.root)
        self._children(
            draft, template.root, (*chain, template), (*_own_layer(template.root.items, site), *layers)
        )


def _too_long(draft: Draft) -> Diagnostic:
    message = f"the id of `{draft.name}` and those of its groups must be at most {LONGEST_ID} characters long together"
    return Diagnostic("YD201", f"{message}, found {len(draft.id)}", at(draft.key), "give them shorter ones")


def _inside(use: Draft, root: Map) -> Draft:
    """A stand-in for the template itself: what its `defaults` and `env` speak in."""
    site = Draft(use.name, use.key, root, None, use.inner)
    site.kind, site.id, site.children = "root", use.id, use.children
    return site


def _beside(group: Draft) -> Draft:
    """A stand-in for what a group's `defaults` speak in: the group's own scope, and its children's items."""
    site = Draft(group.name, group.key, group.node, group.group, group.scope)
    site.kind, site.mapped, site.children = "group", group.mapped, group.children
    return site


def _own_layer(entries: Entries, site: Draft) -> tuple[Layer, ...]:
    given = entries.get("defaults")
    return (Layer(given[1].items, site),) if given and type(given[1]) is Map else ()


def check_with(draft: Draft, inner: Scope, what: str) -> list[Diagnostic]:
    """What `with` gives, held against the params of the template or pipeline (`what`) that it is for."""
    where = None if keys.may_give(draft, "with") else key_or(draft, "with")
    return check_given(draft.entries.get("with"), inner, what, f"`{draft.name}`", where)


def check_given(
    given: tuple[Scalar, Node] | None, inner: Scope, what: str, giver: str, where: Scalar | None
) -> list[Diagnostic]:
    """The same of the value of a `with`. What it lacks is told at `where`; None: it may be given elsewhere."""
    found: list[Diagnostic] = []
    if inner.open_params or (given and type(given[1]) is not Map):
        return []
    items: Entries = given[1].items if given and type(given[1]) is Map else {}
    for name, (key, node) in items.items():
        declared = inner.params.get(name)
        if declared is None:
            near = nearest(name, inner.params)
            help_ = (
                f"did you mean `{near}`?" if near else f"its params are: {', '.join(inner.params) or 'none'}"
            )
            found.append(Diagnostic("YD415", f"the {what} has no param `{name}`", at(key), help_))
        else:
            found += shapes.against(node, _without_default(declared.schema), key, "YD417", f"`{name}`")
    if where is None:
        return found
    meant = {nearest(name, inner.params) for name in items if name not in inner.params}
    for name, declared in inner.params.items():
        if declared.required and name not in items and not meant & {name, None}:
            related = (Related(f"`{name}` is declared here, without a default", at(declared.key)),)
            message = f"{giver} must give `{name}`, a param without a default"
            found.append(Diagnostic("YD416", message, at(where), None, related))
    return found


def _without_default(schema: shapes.Schema) -> shapes.Schema:
    return {name: value for name, value in schema.items() if name != "default"}


def _ring(draft: Draft, value: Scalar, template: Template, chain: tuple[Template, ...]) -> Diagnostic:
    """Told at the ring's first `use` in the order of files, whichever template one started from."""
    start = [one.root for one in chain].index(template.root)
    uses = [*draft.scope.uses_of[start + 1 - (len(chain) - len(draft.scope.uses_of)) :], value]
    uses.sort(key=lambda use: (use.source.path, use.start))
    names = " → ".join(f"`{name}`" for name in [*(one.name for one in chain[start:]), template.name])
    related = tuple(Related(f"`{use.text}` is used here", at(use)) for use in uses[1:])
    return Diagnostic("YD302", f"templates use each other in a circle: {names}", at(uses[0]), None, related)


def names_a_file(value: str) -> bool:
    """Whether a `use` names a file, or a document of its own file."""
    return "/" in value or value.endswith((".yml", ".yaml"))
