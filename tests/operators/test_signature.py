"""What a Python function takes, read without importing it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from yamldag.operators.signature import Fault, Parameter, Signature, importable, module_file, read


def taken(folder: Path, source: str, function: str = "f") -> Signature | Fault:
    path = folder / "module.py"
    path.write_text(source, encoding="utf-8")
    return read(str(path), function)


def signature(folder: Path, source: str, function: str = "f") -> Signature:
    found = taken(folder, source, function)
    assert isinstance(found, Signature)
    return found


def fault(folder: Path, source: str | bytes, function: str = "f") -> Fault:
    path = folder / "module.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    found = read(str(path), function)
    assert isinstance(found, Fault)
    return found


def test_each_kind_of_parameter_is_told_apart(tmp_path: Path) -> None:
    found = signature(tmp_path, "\ndef f(a, b=1, /, c=2, *rest, d, e=3, **more): ...\n")
    assert found.parameters == (
        Parameter("a", True, "positional"),
        Parameter("b", False, "positional"),
        Parameter("c", False, "either"),
        Parameter("d", True, "keyword"),
        Parameter("e", False, "keyword"),
    )
    assert found.takes_any
    assert found.line == 2


def test_a_function_without_parameters_takes_nothing(tmp_path: Path) -> None:
    found = signature(tmp_path, "def f(): ...")
    assert found == Signature((), takes_any=False, known=True, line=1)
    assert found.unknown(["a"]) == ["a"]


def test_an_argument_that_is_not_taken_is_named(tmp_path: Path) -> None:
    found = signature(tmp_path, "def f(folder, limit=10): ...")
    assert found.unknown(["folder", "limt"]) == ["limt"]
    assert found.missing(["limt"]) == ["folder"]
    assert found.unknown(["folder"]) == found.missing(["folder"]) == []


def test_what_takes_any_argument_lacks_only_the_named_ones(tmp_path: Path) -> None:
    found = signature(tmp_path, "def f(a, **more): ...")
    assert found.unknown(["x", "y"]) == []
    assert found.missing(["x"]) == ["a"]


def test_a_positional_parameter_can_not_be_given_by_name(tmp_path: Path) -> None:
    found = signature(tmp_path, "def f(a, b=1, /): ...")
    assert found.unknown(["a", "b"]) == ["a", "b"]
    assert found.missing(["a"]) == ["a"]


def test_an_async_function_is_read_too(tmp_path: Path) -> None:
    assert signature(tmp_path, "async def f(a): ...").parameters == (Parameter("a", True),)


UNKNOWN = {
    "decorated": "import functools\n@functools.cache\ndef f(a): ...",
    "imported": "from elsewhere import f",
    "imported under another name": "from elsewhere import g as f",
    "a module": "import f.g",
    "made by a call": "import functools\nf = functools.partial(print, 1)",
    "a lambda": "f = lambda a: a",
    "annotated": "f: object = print",
    "a class": "class f:\n    def __init__(self, a): ...",
    "one of two": "try:\n    from fast import f\nexcept ImportError:\n    def f(a): ...",
    "defined twice": "if 1:\n    def f(a): ...\nelse:\n    def f(b): ...",
    "bound on the way": "print(f := 5)",
    "bound by a loop": "for f in []: ...",
    "bound by with": "with open('x') as f: ...",
    "perhaps behind a star": "from elsewhere import *",
    "perhaps made when asked for": "def __getattr__(name): ...",
}


@pytest.mark.parametrize("source", UNKNOWN.values(), ids=UNKNOWN)
def test_what_the_source_does_not_tell_is_not_judged(source: str, tmp_path: Path) -> None:
    found = signature(tmp_path, source)
    assert found.known is False
    assert found.unknown(["anything"]) == found.missing([]) == []


def test_a_method_is_not_judged_but_its_class_must_be_there(tmp_path: Path) -> None:
    source = "class Loader:\n    @staticmethod\n    def run(a): ...\n"
    assert signature(tmp_path, source, "Loader.run").known is False
    assert fault(tmp_path, source, "Lodaer.run").kind == "missing"


def test_a_function_within_if_is_found(tmp_path: Path) -> None:
    assert signature(tmp_path, "if True:\n    def f(a): ...").known is True


def test_a_missing_function_comes_with_those_that_are_there(tmp_path: Path) -> None:
    found = fault(
        tmp_path, "import os\ndef get(): ...\nclass Big: ...\ndef put():\n    def inner(): ...\n", "gte"
    )
    assert found.kind == "missing"
    assert found.defined == ("os", "get", "Big", "put")


def test_names_of_inner_scopes_are_not_the_modules(tmp_path: Path) -> None:
    source = "def outer():\n    f = 1\nclass C:\n    def f(self): ...\nx = [f for f in ()]\ny = lambda f: f\n"
    assert fault(tmp_path, source).kind == "missing"


def test_a_mistake_in_the_source_has_a_line(tmp_path: Path) -> None:
    found = fault(tmp_path, "x = 1\ndef f(:\n")
    assert (found.kind, found.line) == ("syntax", 2)
    assert found.message[:1].islower()


@pytest.mark.parametrize(
    "source",
    [b"x = '\xff'\n", b"x = 1\x00\n", b"# coding: nonsense\n", b"(" * 5000, b"  x = 1\n"],
    ids=["not utf-8", "null byte", "unknown encoding", "too deep", "indented"],
)
def test_whatever_the_file_holds_is_a_fault_and_no_crash(source: bytes, tmp_path: Path) -> None:
    assert fault(tmp_path, source).kind == "syntax"


def test_a_long_expression_does_not_exhaust_the_stack(tmp_path: Path) -> None:
    assert signature(tmp_path, "x = " + " + ".join(["1"] * 900) + "\ndef f(a): ...\n").known


def test_a_declared_encoding_is_minded(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_bytes("# coding: latin-1\nname = 'ü'\ndef f(a): ...\n".encode("latin-1"))
    assert isinstance(read(str(path), "f"), Signature)


def test_a_careless_escape_is_no_warning_of_ours(tmp_path: Path) -> None:
    assert signature(tmp_path, "x = '\\d'\ndef f(a): ...\n").known


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    found = read(str(tmp_path / "none.py"), "f")
    assert isinstance(found, Fault)
    assert found.kind == "unreadable"
    assert found.message


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    assert signature(tmp_path, "def f(a): ...").missing([]) == ["a"]
    assert signature(tmp_path, "def f(other): ...").missing([]) == ["other"]


def test_nothing_of_the_user_runs(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    signature(tmp_path, f"open({str(mark)!r}, 'w')\ndef f(a=print('hello')): ...\n")
    assert not mark.exists()


def test_a_module_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "rockets.py").touch()
    (tmp_path / "reports" / "daily").mkdir(parents=True)
    (tmp_path / "reports" / "weekly.py").touch()
    (tmp_path / "reports" / "daily" / "__init__.py").touch()
    folder = str(tmp_path)
    assert module_file(folder, "rockets") == os.path.join(folder, "rockets.py")
    assert module_file(folder, "reports.weekly") == os.path.join(folder, "reports", "weekly.py")
    assert module_file(folder, "reports.daily") == os.path.join(folder, "reports", "daily", "__init__.py")


def test_a_package_goes_before_a_module_as_in_an_import(tmp_path: Path) -> None:
    (tmp_path / "both.py").touch()
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "__init__.py").touch()
    assert module_file(str(tmp_path), "both") == os.path.join(str(tmp_path), "both", "__init__.py")


@pytest.mark.parametrize("module", ["none", "", ".", "a..b", "../rockets", "a/b", "rockets.py", "folder"])
def test_what_is_no_module_beside_the_file_is_none(module: str, tmp_path: Path) -> None:
    (tmp_path / "rockets.py").touch()
    (tmp_path / "folder").mkdir()
    assert module_file(str(tmp_path), module) is None


@pytest.mark.parametrize("module", ["json", "os.path", "sys", "yaml", "jinja2.sandbox", "zoneinfo"])
def test_an_installed_module_is_importable(module: str) -> None:
    assert importable(module)


@pytest.mark.parametrize("module", ["no_such_module_at_all", "no_such.module", "", "a-b", "../json"])
def test_what_is_not_installed_is_not_importable(module: str) -> None:
    assert not importable(module)


def test_a_module_installed_meanwhile_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not importable("acme_meanwhile")
    (tmp_path / "acme_meanwhile.py").write_text("raise SystemError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importable("acme_meanwhile")
