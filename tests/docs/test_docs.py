"""Every example of the docs is executed, and everything that a user can write is in the reference."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from docs import build, codes
from docs.blocks import ROOT, Block, blocks, pages
from tests import forked
from yamldag import shipped
from yamldag.cli.main import COMMANDS
from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.plan import trigger_rule
from yamldag.syntax.codes import CODES
from yamldag.syntax.formats import FORMATS

_MADE = codes.pages()
PAGES = [page for page in pages() if page not in _MADE]
"""The pages that someone writes; those made as a whole have tests of their own."""
KNOWN = {"file", "run", "expect", "change", "skip"}
PATIENCE = 120
"""Seconds after which what goes on beside others is taken to hang."""
VARIES = re.compile(re.escape(re.escape("…")))
"""Stands in a console block for what differs each time: the rest of a word or more."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def reference() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "reference")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_is_up_to_date_with_what_it_is_made_from(page: Path) -> None:
    assert build.renewed(page) == page.read_text(encoding="utf-8"), "`make docs` writes it again"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_example_of_a_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    found = blocks(page)
    for block in found:
        if block.file and block.language != "yaml":
            write(tmp_path, block.file, block.text)
    for block in found:
        check(block, tmp_path)


def check(block: Block, folder: Path) -> None:
    assert block.marks.keys() <= KNOWN, f"{where(block)}: unknown mark `{block.mark}`"
    if "skip" in block.marks:
        return
    if "change" in block.marks:
        change(block, folder)
    if "run" in block.marks:
        check_commands(block, folder)
    elif block.language == "yaml":
        check_yaml(block, folder)
    elif block.language == "json":
        json.loads(block.text)
    elif block.language == "console":
        assert "$ yamldag" not in block.text, f"{where(block)}: neither run nor skipped"


def change(block: Block, folder: Path) -> None:
    what, _, file = block.marks["change"].rpartition(" in ")
    old, _, new = what.partition(" -> ")
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text, f"{where(block)}: there is no `{old}` in {file}"
    write(folder, file, text.replace(old, new))


def check_yaml(block: Block, folder: Path) -> None:
    file = block.file or "pipelines/example.yml"
    path = write(folder, file, block.text)
    if file == "yamldag.yml":
        assert not find(str(folder), None, {}).found, where(block)
        return
    project = find(str(folder), None, {})
    compiled = compile_files(project, [str(path)], lints=bool(project.lints[0]))
    said = sorted({one.code for one in compiled.found})
    assert said == block.expected, f"{where(block)}: {[one.message for one in compiled.found]}"
    if not block.file:
        path.unlink()


def check_commands(block: Block, folder: Path) -> None:
    """Each `$ command`, and below it what it prints, stdout and stderr together. One that ends with `&` goes on beside
    the others, which are called until they say what they should, and has its say at the end."""
    beside: list[tuple[str, str, subprocess.Popen[str]]] = []
    for each in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, _, wanted = each.partition("\n")
        if line.endswith(" &"):
            beside.append((line, wanted, begin(shlex.split(line.removesuffix("&")), folder)))
            continue
        until, said = time.monotonic() + PATIENCE, run(shlex.split(line), folder)
        while beside and not says(said, wanted) and time.monotonic() < until:
            said = run(shlex.split(line), folder)
        assert says(said, wanted), f"{where(block)}: {line} said\n{said}"
    for line, wanted, process in beside:
        said = process.communicate(timeout=PATIENCE)[0]
        assert says(said, wanted), f"{where(block)}: {line} said\n{said}"


def says(said: str, wanted: str) -> bool:
    pattern = VARIES.sub(".*?", re.escape(wanted.strip()))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None


def run(words: list[str], folder: Path) -> str:
    if words[0] == "yamldag":
        return forked.call(words[1:], folder, environment(), together=True).stdout
    return begin(words, folder).communicate()[0]


def environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("YAMLDAG_")}
    return {**clean, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def begin(words: list[str], folder: Path) -> subprocess.Popen[str]:
    assert words[0] in ("yamldag", "cat", "ls"), words
    command = [sys.executable, "-m", *words] if words[0] == "yamldag" else words
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def write(folder: Path, file: str, text: str) -> Path:
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def where(block: Block) -> str:
    return f"{name(block.page)}:{block.line}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_link_between_pages_leads_nowhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), f"{name(page)} links to {target}"
        assert not anchor or anchor in anchors(there), f"{name(page)} links to {target}"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_of_the_docs_is_linked_from_its_first_page() -> None:
    first = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    missing = [str(page.relative_to(ROOT / "docs")) for page in PAGES if (ROOT / "docs") in page.parents]
    assert [page for page in missing if page != "README.md" and f"({page})" not in first] == []


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_in_the_reference(code: str) -> None:
    index = (ROOT / "docs/reference/diagnostics.md").read_text(encoding="utf-8")
    assert f"(diagnostics/{code}.md)" in index


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_in_the_reference(command: str) -> None:
    assert f"`yamldag {command}`" in reference()


def keys() -> list[str]:
    found: dict[str, None] = {}
    for kind in ("pipeline", "template", "project"):
        with open(shipped.path("schemas", f"{kind}.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        found |= dict.fromkeys(schema["properties"])
        found |= dict.fromkeys(schema.get("definitions", {}).get("task", {}).get("properties", {}))
    return list(found)


@pytest.mark.parametrize("key", [*keys(), *trigger_rule.RULES])
def test_a_key_operator_or_rule_is_in_the_reference(key: str) -> None:
    assert f"`{key}`" in reference()


def test_every_dependency_has_a_reason_on_the_page_about_them() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    page = (ROOT / "docs/decisions/0007-dependencies.md").read_text(encoding="utf-8")
    names = [re.split(r"[^\w-]", dependency)[0] for dependency in project["dependencies"]]
    assert [each for each in names if f"| {each} |" not in page] == []


@pytest.mark.parametrize("each", FORMATS)
def test_a_format_that_is_checked_is_in_the_reference(each: str) -> None:
    assert f"`{each}`" in reference()
