"""The project: where its root is, what `yamldag.yml` and the environment set, and where each value came from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from yamldag.compile import documents, wishes
from yamldag.compile.draft import Entries
from yamldag.compile.files import below, shown
from yamldag.compile.seen import stamp
from yamldag.operators import secrets
from yamldag.root import AS_YAML, OVERRIDABLE, database_url, locate, state_folder, variable
from yamldag.syntax.diagnostic import Diagnostic, at, has_errors
from yamldag.syntax.nearest import nearest
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Json, Map, Node, Scalar, Seq, plain

SLOTS = 16
"""Tasks that a scheduler runs at once, unless `slots` says otherwise."""


class Setting(NamedTuple):
    """One setting in force, and where it was said."""

    name: str
    value: Json
    origin: str


class Project:
    """All of it optional: with no file, the current folder is the root and every setting has its default."""

    def __init__(
        self, root: str, file: str | None, environment: str | None, surroundings: Mapping[str, str]
    ) -> None:
        self.root = root
        self.file = file
        self.environment = environment
        self.surroundings = surroundings
        self.found: list[Diagnostic] = []
        self.entries: Entries = {}
        """The keys in force: the chosen environment's over the file's."""
        self.layers: list[Entries] = []
        """`defaults`, the chosen environment's first."""
        self.vars: dict[str, Node] = {}
        """All that are declared here, the chosen environment's over the file's."""
        self.chosen_vars: dict[str, Node] = {}
        """The chosen environment's: they win over those of a pipeline's file, too."""
        self.unknown: str | None = None
        """Of an environment that is not declared: words that say so."""
        self.faulty: set[int] = set()
        """The ids of its nodes that failed their schema."""
        self.stamp = stamp(file) if file else None
        """Of its file, as it was just before it was read."""
        self._declared: str | None = None
        self._unread = False
        self._origins: dict[str, str] = {}
        if file is not None:
            self._read(file)
        for name in AS_YAML:
            if (text := surroundings.get(variable(name))) is not None:
                self._take_variable(name, text)

    # What the rest of the program asks

    @property
    def folders(self) -> list[str]:
        """Absolute folders of the pipelines."""
        given = self.value("pipelines", "pipelines")
        names = given if isinstance(given, list) else str(given).split(os.pathsep)
        return [os.path.normpath(os.path.join(self.root, str(name))) for name in names]

    def files(self) -> list[str]:
        """All pipeline files of the project, sorted."""
        return sorted({path for folder in self.folders for path in below(folder, self.root)})

    @property
    def state_folder(self) -> str:
        """Where runs, logs and the default database are."""
        return state_folder(self.root)

    @property
    def database(self) -> str:
        """Its URL. A path of SQLite's starts from the root, wherever a command is called."""
        return database_url(self.root, self.value("database", None))

    @property
    def executor(self) -> Node | None:
        """What carries tasks out, as the environment or the file has it: see `compile.executor`. None: nothing is said,
        this machine does."""
        given = self.surroundings.get(variable("executor"))
        if given is not None:
            return Scalar(given, given, 0, len(given), "", Source(f"${variable('executor')}", given))
        entry = self.entries.get("executor")
        return entry[1] if entry else None

    @property
    def secrets(self) -> frozenset[str]:
        return self._names("secrets")

    @property
    def connections(self) -> frozenset[str]:
        return self._names("connections")

    def knows_connection(self, name: str) -> bool:
        """Whether it is declared here, or this environment gives it."""
        return name in self.connections or secrets.variable(secrets.CONNECTION, name) in self.surroundings

    def kind_of_connection(self, name: str) -> str | None:
        """What it leads to, as far as the file tells."""
        from yamldag.compile.connections import kind_of

        written = self.written_connection(name)
        return None if written is None else kind_of(written)

    def written_connection(self, name: str) -> Node | None:
        """What the file says of it; None: nothing, or this environment says otherwise."""
        entry = self.entries.get("connections")
        if entry is None or type(entry[1]) is not Map or name not in entry[1].items:
            return None
        if secrets.variable(secrets.CONNECTION, name) in self.surroundings:
            return None
        return entry[1].items[name][1]

    @property
    def declared(self) -> str:
        """What whoever looks secrets up is told, as JSON: never stored, never shown."""
        if self._declared is None:
            told = {
                "root": self.root,
                "secrets": self.secret_values,
                "connections": self.connection_values,
                "sources": [*self._sources()],
            }
            self._declared = json.dumps(told, ensure_ascii=False)
        return self._declared

    def _sources(self) -> Iterator[tuple[str, Json, str | None]]:
        """Of `secret_sources`: the name of each, its settings, and where a plug-in's is loaded from."""
        given = self._given("secret_sources")
        if not isinstance(given, list):
            return
        from yamldag.operators import catalog

        catalog.look_in(self.root, self.plugins)
        for each in given:
            name, settings = (
                next(iter(each.items())) if isinstance(each, dict) and each else (str(each), None)
            )
            brought = catalog.plugins().announced(name, "secrets")
            yield name, settings, brought.reference if brought else None

    @property
    def secret_values(self) -> dict[str, str | None]:
        """By name what the file itself says of each secret; None: its value comes from outside."""
        given = self._given("secrets")
        values = given if isinstance(given, dict) else {}
        return {
            name: None if values.get(name) is None else str(values[name]) for name in sorted(self.secrets)
        }

    @property
    def connection_values(self) -> dict[str, Json]:
        """Connections as they are written, by id; what they say of secrets are templates."""
        given = self._given("connections")
        return given if isinstance(given, dict) else {}

    @property
    def pools(self) -> dict[str, int]:
        """Slots by name, of those that are declared here."""
        entry = self.entries.get("pools")
        given = plain(entry[1]) if entry else None
        pairs = given.items() if isinstance(given, dict) else ()
        return {name: slots for name, slots in pairs if type(slots) is int and slots >= 0}

    @property
    def allow_env(self) -> tuple[str, ...]:
        return self._listed("allow_env")

    @property
    def allow_hosts(self) -> tuple[str, ...]:
        return self._listed("allow_hosts")

    @property
    def allow_paths(self) -> tuple[str, ...]:
        """Absolute; those in the file start from the root."""
        return tuple(os.path.join(self.root, each) for each in self._listed("allow_paths"))

    @property
    def heartbeat(self) -> tuple[str, float] | None:
        """The URL that tells of the scheduler, which may name secrets, and after how many seconds again."""
        from yamldag.syntax.duration import seconds

        given = None if self.unsure("heartbeat") else self._given("heartbeat")
        if isinstance(given, str):
            given = {"url": given}
        if not isinstance(given, dict) or not isinstance(given.get("url"), str):
            return None
        node = self.entries["heartbeat"][1]
        every = node.items.get("every") if type(node) is Map else None
        pause = seconds(every[1].text) if every and type(every[1]) is Scalar else None
        return str(given["url"]), 60.0 if pause is None else pause

    @property
    def plugins(self) -> tuple[str, ...]:
        """Modules that bring plug-ins, besides the project's own folder and what is installed."""
        return () if self.unsure("plugins") else self._listed("plugins")

    @property
    def lints(self) -> tuple[frozenset[str], frozenset[str]]:
        """Codes that `lint:` selects and ignores; prefixes such as `YD8` are allowed."""
        block = self.entries.get("lint")
        items = block[1].items if block and type(block[1]) is Map else {}
        return _texts(items, "select"), _texts(items, "ignore")

    def envs(self, entries: Entries) -> list[Node]:
        """The `env` mappings that all tasks of a pipeline get, the farthest first; `entries` are its keys in
        force."""
        defaults = self.entries.get("pipeline_defaults")
        common = defaults[1].items if defaults and type(defaults[1]) is Map else {}
        given = [one["env"][1] for one in (self.entries, common, entries) if "env" in one]
        return list({id(node): node for node in given}.values())

    def unsure(self, name: str) -> bool:
        """Whether what is declared under a key can't be told: the file, or the value, is broken. Then nothing
        is said of names that seem to be missing there."""
        entry = self.entries.get(name)
        return self._unread or (entry is not None and id(entry[1]) in self.faulty)

    def value(self, name: str, default: Json) -> Json:
        """A setting as plain data: the environment variable's, else the file's, else the default."""
        given = self.surroundings.get(variable(name))
        if given is not None and name in OVERRIDABLE:
            return _listed_in(given)
        return self.said(name, default)

    def said(self, name: str, default: Json) -> Json:
        """A setting as the file has it, whatever the environment variable says."""
        entry = self.entries.get(name)
        return plain(entry[1]) if entry else default

    def settings(self) -> list[Setting]:
        """Every setting with its value and its origin. Values of connections and secrets are never among them, nor is
        the heartbeat's URL, by which anybody could speak for the scheduler."""
        rows = [
            Setting("root", self.root, self.file or "the current folder: there is no yamldag.yml"),
            Setting("environment", self.environment, self._environment_origin()),
        ]
        defaults: dict[str, Json] = {
            "pipelines": ["pipelines"], "database": self.database, "executor": "local", "slots": SLOTS, "plugins": [],
            "allow_env": [], "allow_hosts": [], "allow_paths": [],
        }  # fmt: skip
        rows += [
            Setting(name, self.value(name, value), self._origin(name)) for name, value in defaults.items()
        ]
        rows += [
            Setting(name, plain(self.entries[name][1]), self._origin(name))
            for name in ("pools", "pipeline_defaults", "defaults", "env", "lint")
            if name in self.entries
        ]
        if self.vars:
            values = {name: plain(node) for name, node in self.vars.items()}
            rows.append(Setting("vars", values, self._origin("vars")))
        if "secret_sources" in self.entries:  # their settings may hold what signs in
            names_of = [name for name, *_ in self._sources()]
            rows.append(Setting("secret_sources", [*names_of], self._origin("secret_sources")))
        rows += [
            Setting(name, [*sorted(names)], self._origin(name))
            for name, names in (("connections", self.connections), ("secrets", self.secrets))
        ]
        return rows

    # Reading

    def _read(self, path: str) -> None:
        file = documents.read(path, shown(path))
        self.found += [d for d in file.found if d.code != "YD112"]
        self._unread = bool(self.found)
        if not file.documents:
            return
        root, *more = file.documents
        self.found += (
            Diagnostic("YD403", "the project file must be one document, found another", at(one))
            for one in more[:1]
        )
        if type(root) is not Map:
            self._unread = True
            self.found.append(Diagnostic("YD403", "the project file must be a mapping", at(root)))
            return
        raw = documents.entries(root, "vars")
        checked = documents.checked(root, "project", lambda name: raw[name][1] if name in raw else None)
        self.found += checked.found
        self.faulty = checked.faulty
        self._take(root, path)
        self._take_environment(root, path)
        self.found += wishes.check(root, self.faulty)
        if not {"connections", "secret_sources", "heartbeat", "environments"}.isdisjoint(root.items):
            self._check_connections(root)

    def _check_connections(self, root: Map) -> None:
        from yamldag.compile.connections import Connections  # few projects have any

        checking = Connections(self.secrets)
        checking.all(root, self.faulty)
        self.found += checking.found
        self.faulty |= checking.faulty

    def _take(self, root: Map, path: str) -> None:
        for name, (key, value) in root.items.items():
            self.entries[name] = (key, value)
            self._origins[name] = shown(path)
        if "defaults" in self.entries:
            self.layers.append(documents.entries(root, "defaults"))
        self.vars = {name: value for name, (_, value) in documents.entries(root, "vars").items()}

    def _take_environment(self, root: Map, path: str) -> None:
        if not self.environment:
            return
        known = documents.entries(root, "environments")
        if self.environment not in known:
            self._unknown_environment(root, known)
            return
        chosen = known[self.environment][1]
        if type(chosen) is not Map:
            return
        for name, (key, value) in chosen.items.items():
            if name == "vars" and type(value) is Map:
                self.chosen_vars = {var: node for var, (_, node) in value.items.items()}
                self.vars |= self.chosen_vars
                self._origins[name] = f"{shown(path)}, environment {self.environment}"
                continue
            if name == "defaults" and type(value) is Map:
                self.layers.insert(0, value.items)
            self.entries[name] = (key, value)
            self._origins[name] = f"{shown(path)}, environment {self.environment}"

    def _take_variable(self, name: str, text: str) -> None:
        """A setting that an environment variable gives, as YAML: `YAMLDAG_POOLS='{db: 4}'`."""
        shown_as = f"${variable(name)}"
        file = documents.from_bytes(shown_as, shown_as, text.encode("utf-8", "surrogateescape"))
        if not file.documents:
            self.found += [_empty(shown_as, one) for one in file.found]
            return
        self.found += file.found
        node = file.documents[0]
        key = Scalar(name, name, node.start, node.start, "", file.source)
        root = Map({name: (key, node)}, node.start, node.end, file.source)
        checked = documents.checked(root, "project", None)
        self.found += checked.found
        self.faulty |= checked.faulty
        self.found += wishes.check(root, self.faulty)
        self._origins[name] = shown_as
        if name == "vars":
            self.vars |= documents.nodes(root, name)
            return
        if name == "defaults":
            self.layers.insert(0, documents.entries(root, name))
        self.entries[name] = root.items[name]

    def _unknown_environment(self, root: Map, known: Entries) -> None:
        near = nearest(self.environment or "", known)
        place = at(root.items["environments"][0]) if "environments" in root.items else at(root)
        help_ = f"did you mean `{near}`?" if near else f"declared: {', '.join(known) or 'none'}"
        self.unknown = f"there is no environment `{self.environment}`; {help_}"
        self.found.append(Diagnostic("YD208", f"there is no environment `{self.environment}`", place, help_))

    def _listed(self, name: str) -> tuple[str, ...]:
        """A list of names; as a variable, with commas."""
        given = self.value(name, [])
        names = given if isinstance(given, list) else str(given).split(",")
        return tuple(text for each in names if (text := str(each).strip()))

    def _given(self, name: str) -> Json:
        entry = self.entries.get(name)
        return plain(entry[1]) if entry else None

    def _names(self, name: str) -> frozenset[str]:
        entry = self.entries.get(name)
        if entry is None:
            return frozenset()
        if type(entry[1]) is Map:
            return frozenset(entry[1].items)
        return _texts({name: entry}, name)

    def _origin(self, name: str) -> str:
        if name in OVERRIDABLE and variable(name) in self.surroundings:
            return f"${variable(name)}"
        return self._origins.get(name, "default")

    def _environment_origin(self) -> str:
        if self.environment is None:
            return "none chosen"
        return "$YAMLDAG_ENV" if self.surroundings.get("YAMLDAG_ENV") == self.environment else "--env"

    @property
    def broken(self) -> bool:
        return has_errors(self.found)


def find(
    start: str, environment: str | None = None, surroundings: Mapping[str, str] | None = None
) -> Project:
    """The project that a folder belongs to: `yamldag.yml` is sought upwards from it."""
    around = os.environ if surroundings is None else surroundings
    chosen = environment or around.get("YAMLDAG_ENV") or None
    return Project(*locate(start), chosen, around)


def _listed_in(text: str) -> Json:
    """What an environment variable gives as text, or as a list in YAML: `[pipelines, more]`."""
    if not text.lstrip().startswith("["):
        return text
    documents_ = documents.from_bytes("", "", text.encode("utf-8", "surrogateescape")).documents
    return plain(documents_[0]) if documents_ and type(documents_[0]) is Seq else text


def _empty(variable: str, found: Diagnostic) -> Diagnostic:
    """What is wrong with a variable that is no YAML, or none at all."""
    if found.code != "YD112":
        return found
    message = f"`{variable}` is empty: a value was expected, written as in yamldag.yml"
    return Diagnostic("YD403", message, found.place, "give it one, or unset it")


def _texts(items: Entries, name: str) -> frozenset[str]:
    entry = items.get(name)
    if entry is None:
        return frozenset()
    nodes = entry[1].items if type(entry[1]) is Seq else [entry[1]]
    return frozenset(str(plain(node)) for node in nodes)
