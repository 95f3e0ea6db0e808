"""A page that lies is found out: what `test_docs` says of good pages it would not say of these."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.blocks import ROOT, blocks
from tests.docs.test_docs import check


def page(folder: Path, text: str) -> Path:
    # Below the project's root, so that its name can be said.
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


BAD = "```yaml\npipeline: a\ntasks: {b: {needs: c, bash: ls}}\n```\n"
LIES = {
    "a pipeline with a mistake": BAD,
    "a mistake that is none": "<!-- expect: YD203 -->\n```yaml\npipeline: a\ntasks: {b: {bash: ls}}\n```\n",
    "another mistake than it says": f"<!-- expect: YD301 -->\n{BAD}",
    "no pipeline": "```yaml\ntasks: {b: {bash: ls}}\n```\n",
    "another answer": "<!-- run -->\n```console\n$ yamldag --version\nyamldag 99\n```\n",
    "half an answer": "<!-- run -->\n```console\n$ yamldag --version\nyamldag\n```\n",
    "a command nobody runs": "```console\n$ yamldag validate\nall fine\n```\n",
    "a mark nobody knows": "<!-- rnu -->\n```console\n$ yamldag --version\n…\n```\n",
    "json that is none": "```json\n{a: 1}\n```\n",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_page_that_shows_what_is_not_so_is_found_out(
    lie: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.docs.test_docs.name", str)
    found = blocks(page(tmp_path, LIES[lie]))
    assert len(found) == 1
    with pytest.raises((AssertionError, ValueError)):
        check(found[0], tmp_path)


def test_what_differs_each_time_is_left_open_and_the_rest_is_not(tmp_path: Path) -> None:
    found = blocks(page(tmp_path, "<!-- run -->\n```console\n$ yamldag --version\nyamldag …\n```\n"))
    check(found[0], tmp_path)


def test_a_block_knows_its_line_and_what_its_comment_says(tmp_path: Path) -> None:
    text = "# A page\n\n<!-- file: a.yml; expect: YD101, YD102 -->\n```yaml\na: 1\n```\n"
    (block,) = blocks(page(tmp_path, text))
    assert (block.line, block.language, block.text) == (4, "yaml", "a: 1\n")
    assert (block.file, block.expected) == ("a.yml", ["YD101", "YD102"])


def test_the_docs_have_many_examples() -> None:
    found = [block for path in (ROOT / "docs").rglob("*.md") for block in blocks(path)]
    assert sum(block.language == "yaml" for block in found) > 30
    assert sum("run" in block.marks for block in found) > 10
