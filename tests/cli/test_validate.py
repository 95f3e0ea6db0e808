"""`validate` and `lint`: formats, exit codes, what is looked at."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.commands import Caller, process

GOOD = "pipeline: good\ntasks: {a: {bash: echo}}\n"
BAD = "pipeline: bad\ntasks:\n  load: {needs: extrct, bash: echo}\n  extract: {bash: echo}\n"
WARNS = "pipeline: warns\nschedule: {assets: [nowhere]}\ntasks: {a: {bash: echo}}\n"
KEYS = [
    "code", "name", "severity", "message", "file", "line", "column", "end_line", "end_column", "help", "related",
]  # fmt: skip


def test_all_is_fine(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    said = yamldag("validate")
    assert said == (0, "1 file, 1 pipeline: all fine\n", "")


def test_json_has_every_key_and_null_where_nothing_is_known(yamldag: Caller) -> None:
    yamldag.write("pipelines/bad.yml", BAD)
    yamldag.write("pipelines/good.yml", GOOD)
    said = yamldag("validate", "--json")
    assert said.code == 1
    document = said.json
    assert {name: document[name] for name in ("files", "pipelines")} == {"files": 2, "pipelines": 2}
    (found,) = document["diagnostics"]
    assert list(found) == KEYS
    assert found == {
        "code": "YD203", "name": "unknown-task", "severity": "error",
        "message": "`load` needs `extrct`, but there is no such task",
        "file": "pipelines/bad.yml", "line": 3, "column": 17, "end_line": 3, "end_column": 23,
        "help": "did you mean `extract`?", "related": [],
    }  # fmt: skip


def test_json_of_related_places(yamldag: Caller) -> None:
    yamldag.write("pipelines/a.yml", "pipeline: same\ntasks: {a: {bash: echo}}\n")
    yamldag.write("pipelines/b.yml", "pipeline: same\ntasks: {a: {bash: echo}}\n")
    (found,) = yamldag("validate", "--format", "json").json["diagnostics"]
    assert (found["file"], found["line"], found["column"]) == ("pipelines/b.yml", 1, 11)
    assert found["related"] == [
        {"message": "the first `same` is here", "file": "pipelines/a.yml", "line": 1, "column": 11}
    ]


def test_a_file_as_a_whole_has_no_line(yamldag: Caller) -> None:
    yamldag.write("pipelines/empty.yml", "# nothing\n")
    (found,) = yamldag("validate", "--json").json["diagnostics"]
    assert list(found) == KEYS
    assert [found[key] for key in ("line", "column", "end_line", "end_column")] == [None] * 4


def test_json_of_a_sound_project_has_an_empty_list(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    assert yamldag("validate", "--json").json == {"files": 1, "pipelines": 1, "diagnostics": []}


def test_only_warnings_is_fine(yamldag: Caller) -> None:
    yamldag.write("pipelines/warns.yml", WARNS)
    said = yamldag("validate", "--json")
    assert said.code == 0
    assert [one["severity"] for one in said.json["diagnostics"]] == ["warning"]


def test_sarif_names_the_rule_and_the_place(yamldag: Caller) -> None:
    yamldag.write("pipelines/bad.yml", BAD)
    said = yamldag("validate", "--format", "sarif")
    assert said.code == 1
    assert said.json["version"] == "2.1.0"
    (result,) = said.json["runs"][0]["results"]
    assert result["ruleId"] == "YD203"
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (3, 17)


def test_github_annotates_the_line(yamldag: Caller) -> None:
    yamldag.write("pipelines/bad.yml", BAD)
    said = yamldag("validate", "--format", "github", "-q")
    assert said.code == 1
    assert said.out.startswith("::error file=pipelines/bad.yml,line=3,col=17")


def test_junit_has_a_case_for_each_file(yamldag: Caller) -> None:
    yamldag.write("pipelines/bad.yml", BAD)
    yamldag.write("pipelines/good.yml", GOOD)
    said = yamldag("validate", "--format", "junit")
    suite = ElementTree.fromstring(said.out)
    assert len(suite.findall(".//testcase")) == 2
    assert len(suite.findall(".//failure")) == 1


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github", "junit"])
def test_what_is_wrong_with_the_call_goes_to_stderr(form: str, yamldag: Caller) -> None:
    said = yamldag("validate", "nowhere.yml", "--format", form)
    assert said == (2, "", "yamldag validate: there is no file or folder `nowhere.yml`\n")


def test_an_empty_folder_is_wrong_usage(yamldag: Caller) -> None:
    (yamldag.folder / "empty").mkdir()
    assert yamldag("validate", "empty").code == 2
    said = yamldag("validate")
    assert said.code == 2
    assert "yamldag init" in said.err


def test_files_and_folders_may_be_given(yamldag: Caller) -> None:
    yamldag.write("one/good.yml", GOOD)
    yamldag.write("one/.hidden/bad.yml", BAD)
    yamldag.write("one/skipped/bad.yml", BAD)
    yamldag.write("one/.yamldagignore", "skipped/\n")
    yamldag.write("two.yaml", BAD)
    assert yamldag("validate", "one").out == "1 file, 1 pipeline: all fine\n"
    assert yamldag("validate", "one", "two.yaml", "two.yaml", "--json").json["files"] == 2


def test_an_ignore_file_at_the_root_counts_from_there(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    yamldag.write("pipelines/values/one.yml", BAD)
    yamldag.write("pipelines/old/two.yml", BAD)
    yamldag.write("yamldag.yml", "")
    yamldag.write(".yamldagignore", "pipelines/values/*\nold/\n")
    for paths in ([], ["pipelines"], ["."]):
        assert yamldag("validate", *paths).out == "1 file, 1 pipeline: all fine\n"


def test_one_file_by_two_paths_is_one_file(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    yamldag.write("yamldag.yml", "pipelines: [pipelines, ./pipelines]\n")
    for paths in ([], ["pipelines/good.yml", "./pipelines/../pipelines/good.yml", "pipelines"]):
        assert yamldag("validate", *paths).out == "1 file, 1 pipeline: all fine\n"


def test_the_project_file_is_no_pipeline_that_fails(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    yamldag.write("yamldag.yml", "vars: {a: 1}\n")
    assert yamldag("validate", ".").out == "1 file, 1 pipeline: all fine\n"
    assert yamldag("validate", "yamldag.yml", "pipelines/good.yml").code == 0
    yamldag.write("yamldag.yml", "varz: {a: 1}\n")
    said = yamldag("validate", "yamldag.yml", "--json")
    assert [(one["code"], one["file"]) for one in said.json["diagnostics"]] == [("YD401", "yamldag.yml")]


def test_a_project_file_that_names_no_folder_is_told_of(yamldag: Caller) -> None:
    yamldag.write("yamldag.yml", "pipelines: 3\n")
    said = yamldag("validate", "--json")
    assert said.code == 1
    assert [(one["code"], one["line"]) for one in said.json["diagnostics"]] == [("YD403", 1)]


def test_a_file_given_by_name_is_looked_at_whatever_it_is_called(yamldag: Caller) -> None:
    assert yamldag("validate", str(yamldag.write("pipeline.txt", GOOD))).code == 0


def test_a_file_of_several_pipelines_counts_each(yamldag: Caller) -> None:
    yamldag.write("pipelines/two.yml", GOOD + "---\n" + GOOD.replace("good", "other"))
    document = yamldag("validate", "--json").json
    assert (document["files"], document["pipelines"]) == (1, 2)


def test_an_unknown_environment_is_wrong_usage(yamldag: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    yamldag.write("yamldag.yml", "environments: {prod: {}}\n")
    yamldag.write("pipelines/good.yml", GOOD)
    words = "there is no environment `prodd`; did you mean `prod`?\n"
    for command in ("validate", "lint", "config", "list"):
        assert yamldag(command, "--env", "prodd") == (2, "", f"yamldag {command}: {words}")
    monkeypatch.setenv("YAMLDAG_ENV", "prodd")
    assert yamldag("validate") == (2, "", f"yamldag validate: {words}")
    monkeypatch.delenv("YAMLDAG_ENV")
    assert yamldag("validate", "--env", "prod").code == 0


def test_lint_advises_where_validate_is_silent(yamldag: Caller) -> None:
    yamldag.write("pipelines/p.yml", "pipeline: p\nparams: {x: 1}\ntasks: {a: {bash: echo}}\n")
    assert yamldag("validate").out == "1 file, 1 pipeline: all fine\n"
    said = yamldag("lint", "--json")
    assert said.code == 0
    assert [one["code"] for one in said.json["diagnostics"]] == ["YD801"]


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_text(BAD)
    assert "\x1b[" not in process(tmp_path, "validate", "bad.yml").out
    assert "\x1b[" in process(tmp_path, "validate", "bad.yml", FORCE_COLOR="1").out
    assert "\x1b[" not in process(tmp_path, "validate", "bad.yml", FORCE_COLOR="1", NO_COLOR="1").out


def test_a_file_of_another_encoding_is_told_not_thrown(yamldag: Caller) -> None:
    (yamldag.folder / "latin.yml").write_bytes("pipeline: größe\n".encode("latin-1"))
    said = yamldag("validate", "latin.yml", "--json")
    assert [one["code"] for one in said.json["diagnostics"]] == ["YD103"]


def test_output_is_utf8_and_json_keeps_letters(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text(
        "pipeline: p\ntasks: {a: {needs: größer, bash: echo}}\n", encoding="utf-8"
    )
    said = process(tmp_path, "validate", "p.yml", "--json", PYTHONIOENCODING="utf-8")
    assert "größer" in json.loads(said.out)["diagnostics"][0]["message"]


def test_links_that_lead_nowhere_are_told_of_and_keep_no_other_file_back(yamldag: Caller) -> None:
    folder = yamldag.write("pipelines/good.yml", GOOD).parent
    (folder / "ring.yml").symlink_to("ring.yml")
    (folder / "gone.yml").symlink_to("nowhere.yml")
    (yamldag.folder / "folder").mkdir()
    (folder / "folder.yml").symlink_to("../folder")
    told = yamldag("validate", "--json").json
    assert (told["files"], told["pipelines"]) == (3, 1)
    assert [(one["code"], one["file"], one["message"]) for one in told["diagnostics"]] == [
        ("YD113", "pipelines/gone.yml", "the file can't be read: no such file or directory"),
        ("YD113", "pipelines/ring.yml", "the file can't be read: too many levels of symbolic links"),
    ]
    assert yamldag("run", "good").code == 0


def test_names_that_are_not_utf_8_are_told_and_printed_as_utf_8(yamldag: Caller) -> None:
    yamldag.write("pipelines/p.yml", GOOD)
    os.rename(b"pipelines/p.yml", b"pipelines/q\xff.yml")
    said = yamldag("validate", "--json")
    (found,) = said.json["diagnostics"]
    assert (said.code, found["code"], found["file"]) == (1, "YD113", r"pipelines/q\xff.yml")
    assert found["message"] == "the file can't be read: the file's name is not UTF-8"
    said = yamldag("run", "good")
    assert (said.code, said.out) == (2, "")
    assert r"it may be in `pipelines/q\xff.yml`, which can't be read" in said.err


def test_the_summary_stands_on_a_line_of_its_own_below_githubs_annotations(yamldag: Caller) -> None:
    yamldag.write("pipelines/bad.yml", BAD)
    last, summary = yamldag("validate", "--format", "github").out.splitlines()[-2:]
    assert last.startswith("::error file=pipelines/bad.yml")
    assert summary == "1 error in 1 file"


@pytest.mark.parametrize("command", ["validate", "config", "show good"])
def test_an_environment_without_a_project_file_is_unknown(
    yamldag: Caller, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    monkeypatch.setenv("YAMLDAG_ENV", "zz")
    said = yamldag(*command.split())
    assert (said.code, said.out) == (2, "")
    assert "there is no environment `zz`: there is no yamldag.yml that declares one" in said.err


@pytest.mark.parametrize("command", ["run", "show", "next", "trigger"])
def test_json_of_a_file_with_mistakes_is_what_validate_prints(yamldag: Caller, command: str) -> None:
    path = yamldag.write("pipelines/bad.yml", BAD)
    wanted = yamldag("validate", str(path), "--json").json
    said = yamldag(command, "bad", "--json")
    assert (said.code, said.json) == (1, wanted)
    assert "error[YD203 unknown-task]" in said.err
    assert yamldag(command, "bad").out == ""


def test_a_pipelines_id_wins_over_a_file_without_an_ending(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    yamldag.write("good", "notes: of mine\n")
    yamldag.write("other", GOOD.replace("good", "elsewhere"))
    for command in ("show", "run"):
        assert yamldag(command, "good").code == 0
        assert yamldag(command, "other").code == 0
        assert "YD112" in yamldag(command, "./good").err


def test_an_empty_variable_is_told_by_its_name(yamldag: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    monkeypatch.setenv("YAMLDAG_VARS", "")
    (found,) = yamldag("validate", "--json").json["diagnostics"]
    assert (found["code"], found["file"]) == ("YD403", "$YAMLDAG_VARS")
    assert found["message"] == "`$YAMLDAG_VARS` is empty: a value was expected, written as in yamldag.yml"


def test_words_of_json_schema_2020_12_are_known_and_multiples_are_of_decimals(yamldag: Caller) -> None:
    yamldag.write(
        "pipelines/p.yml",
        "pipeline: p\nparams:\n"
        "  x: {type: number, multipleOf: 0.1, default: 0.3, deprecated: true}\n"
        "  y: {type: object, dependentRequired: {a: [b]}, dependentSchemas: {a: {required: [c]}},"
        " unevaluatedProperties: true, default: {}}\n"
        "  z: {type: array, prefixItems: [{type: integer}], default: [1]}\n"
        "tasks: {a: {noop: }}\n",
    )
    assert yamldag("validate") == (0, "1 file, 1 pipeline: all fine\n", "")
    for given, words in (
        ("x=0.25", "`x` must be a multiple of 0.1, found `0.25`"),
        ('y={"a": 1}', "`y` must"),
        ('z=["a"]', "`z[0]` must be an integer"),
    ):
        said = yamldag("run", "p", "--param", given)
        assert (said.code, said.out) == (2, "")
        assert words in said.err
    assert yamldag("run", "p", "--param", "x=1.7", "--param", 'y={"a": 1, "b": 2, "c": 3}').code == 0
    yamldag.write(
        "pipelines/p.yml",
        "pipeline: p\nparams: {x: {dependentSchemas: {a: {typ: text}}}}\ntasks: {a: {noop: }}\n",
    )
    assert [one["code"] for one in yamldag("validate", "--json").json["diagnostics"]] == ["YD401"]


def test_one_task_is_not_counted_as_many(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    assert "\n1 task, 0 edges\n" in yamldag("show", "good").out


def test_an_item_of_several_lines_keeps_to_its_line_of_the_progress(yamldag: Caller) -> None:
    yamldag.write("pipelines/p.yml", 'pipeline: p\ntasks:\n  a: {noop: , foreach: ["x\\ny\\e[2J"]}\n')
    said = yamldag("run", "p")
    assert said.code == 0
    lines = [line.split("  ")[0].strip() for line in said.err.splitlines()]
    assert lines[1:-1] == ["a[x y [2J] running", "a[x y [2J] success"]


# lint --fix

SLIPS = """\
\ufeffpipeline: slips
params: {full: true, more: é}
tasks:
  # yamldag: ignore[YD803] it was here
  load:
    bash: |
      echo {{ params.more }} > /dev/stderr
    retries: "3"
    when: {{ params.full }} # yamldag: ignore[YD806] nor this
    allow_failure: yes
    needs: nowhere
"""
MENDED = """\
\ufeffpipeline: slips
params: {full: true, more: é}
tasks:
  load:
    bash: |
      echo {{ params.more }} >&2
    retries: 3
    when: "{{ params.full }}"
    allow_failure: true
    needs: nowhere
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_fix_makes_what_is_safe_and_tells_the_rest(yamldag: Caller, encoding: str, end: str) -> None:
    path = yamldag.write("pipelines/slips.yml", "")
    path.write_bytes(SLIPS.replace("\n", end).encode(encoding))
    path.chmod(0o640)
    said = yamldag("lint", "--fix", "--json")
    assert path.read_bytes() == MENDED.replace("\n", end).encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o640
    assert (said.code, said.err) == (1, "made 6 edits in pipelines/slips.yml\n")
    assert [(one["code"], one["line"]) for one in said.json["diagnostics"]] == [("YD203", 10)]
    assert [one.name for one in path.parent.iterdir()] == ["slips.yml"]


def test_fix_mends_the_project_file_and_what_a_link_leads_to(yamldag: Caller) -> None:
    project = yamldag.write("yamldag.yml", 'pools: {db: "4"}\n')
    there = yamldag.write("shared/a.yml", 'pipeline: a\ntasks: {a: {noop: , retries: "1"}}\n')
    link = yamldag.folder / "pipelines/a.yml"
    link.parent.mkdir()
    link.symlink_to(there)
    said = yamldag("lint", "--fix", "-q")
    assert said == (0, "", "made 1 edit in pipelines/a.yml\nmade 1 edit in yamldag.yml\n")
    assert (project.read_text(), there.read_text()) == (
        "pools: {db: 4}\n", "pipeline: a\ntasks: {a: {noop: , retries: 1}}\n",
    )  # fmt: skip
    assert link.is_symlink()


def test_fix_leaves_what_is_fine_and_variables_alone(
    yamldag: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = yamldag.write("pipelines/good.yml", GOOD)
    before = path.stat()
    monkeypatch.setenv("YAMLDAG_POOLS", '{db: "4"}')
    said = yamldag("lint", "--fix")
    assert (said.code, said.err) == (1, "")
    assert "take the quotes off" in said.out
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_fix_and_watch_do_not_go_together(yamldag: Caller) -> None:
    yamldag.write("pipelines/good.yml", GOOD)
    said = yamldag("lint", "--fix", "--watch")
    assert (said.code, said.out) == (2, "")
    assert "`--watch`" in said.err


def test_a_file_that_cannot_be_written_is_told(yamldag: Caller) -> None:
    path = yamldag.write("pipelines/slips.yml", SLIPS)
    (path.parent / "slips.yml.part").mkdir()
    said = yamldag("lint", "--fix")
    assert (said.code, said.out) == (2, "")
    assert said.err == "yamldag lint: can't write pipelines/slips.yml: is a directory\n"
    assert path.read_text(encoding="utf-8") == SLIPS
