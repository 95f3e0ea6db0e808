"""What machines read: JSON, SARIF, GitHub annotations, JUnit XML."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report import samples
from tests.report.samples import marking
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.report.github import as_github
from yamldag.syntax.report.junit import as_junit
from yamldag.syntax.report.machine import as_json
from yamldag.syntax.report.sarif import as_sarif
from yamldag.syntax.source import Source

SCHEMA = json.loads((Path(__file__).parent / "sarif-subset.schema.json").read_text(encoding="utf-8"))
ALL = [
    samples.design(),
    samples.duplicate(),
    samples.elsewhere(),
    samples.whole_file(),
    samples.warning(),
    samples.fixable(),
]


def test_json_holds_every_key_in_its_order() -> None:
    assert as_json(2, 3, [samples.duplicate()]) == {
        "files": 2,
        "pipelines": 3,
        "diagnostics": [
            {
                "code": "YD102",
                "name": "duplicate-key",
                "severity": "error",
                "message": "`load` stands here again",
                "file": "pipelines/sales.yml",
                "line": 11,
                "column": 3,
                "end_line": 11,
                "end_column": 7,
                "help": None,
                "related": [
                    {"message": "the first is here", "file": "pipelines/sales.yml", "line": 2, "column": 3}
                ],
            }
        ],
    }


def test_json_has_null_where_a_whole_file_is_meant() -> None:
    (only,) = json.loads(json.dumps(as_json(1, 0, [samples.whole_file()])))["diagnostics"]
    places = ("line", "column", "end_line", "end_column", "help")
    assert {name: only[name] for name in places} == dict.fromkeys(places)
    assert (only["file"], only["related"]) == ("a b.yml", [])


def test_columns_count_code_points_and_a_tab_is_one() -> None:
    (only,) = json.loads(json.dumps(as_json(1, 1, [marking("a: 1\r\n\t日😀: «x\ny»")])))["diagnostics"]
    assert (only["line"], only["column"], only["end_line"], only["end_column"]) == (2, 6, 3, 2)


def test_sarif_is_sarif() -> None:
    jsonschema.Draft7Validator(SCHEMA).validate(as_sarif(ALL))
    jsonschema.Draft7Validator(SCHEMA).validate(as_sarif([]))


def test_the_sarif_schema_of_this_test_refuses_what_is_not_sarif() -> None:
    log = json.loads(json.dumps(as_sarif(ALL)))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(log)


def test_sarif_results_point_at_their_rule_and_place() -> None:
    log = json.loads(json.dumps(as_sarif(ALL)))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [d.code for d in ALL]
    first = run["results"][0]
    location = first["locations"][0]["physicalLocation"]
    assert location == {
        "artifactLocation": {"uri": "pipelines/sales.yml"},
        "region": {"startLine": 14, "startColumn": 13, "endLine": 14, "endColumn": 19},
    }
    assert first["message"]["text"].endswith("\nhelp: did you mean `extract`?")


def test_sarif_keeps_related_places_and_fixes() -> None:
    results = json.loads(json.dumps(as_sarif(ALL)))["runs"][0]["results"]
    related = results[2]["relatedLocations"]
    assert [each["physicalLocation"]["artifactLocation"]["uri"] for each in related] == [
        "pipelines/a.yml",
        "pipelines/b.yml",
    ]
    assert "region" not in related[1]["physicalLocation"]
    (change,) = results[5]["fixes"][0]["artifactChanges"]
    assert change["replacements"][0]["insertedContent"] == {"text": "3"}


def test_every_code_makes_a_sarif_rule() -> None:
    source = Source("é/100%.yml", "a")
    found = [Diagnostic(code, "x", Place(source, 0, 1)) for code in CODES]
    log = json.loads(json.dumps(as_sarif(found)))
    jsonschema.Draft7Validator(SCHEMA).validate(log)
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == sorted(CODES)
    uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "%C3%A9/100%25.yml"


def test_github_is_told_file_place_and_title() -> None:
    assert as_github([samples.unknown_task()]) == (
        "::error file=pipelines/sales.yml,line=1,col=9,endLine=1,endColumn=15,title=YD203 unknown-task"
        "::`load` needs `extrct`, but there is no such task%0Ahelp: did you mean `extract`?"
    )


def test_github_is_told_of_a_whole_file_without_a_line() -> None:
    said = as_github([samples.whole_file()])
    assert said.startswith("::error file=a b.yml,title=YD113 unreadable-file::")


@pytest.mark.parametrize("text", ["100%", "a\nb", "a\r\nb", "::error::x", "a,b=c:d"])
def test_no_text_breaks_out_of_a_github_command(text: str) -> None:
    place = Place(Source(f"a:{text}.yml", "x"), 0, 1)
    said = as_github([Diagnostic("YD403", text, place)])
    assert "\n" not in said
    assert "\r" not in said
    opening, _, rest = said.removeprefix("::").partition("::")
    properties = dict(each.split("=", 1) for each in opening.removeprefix("error ").split(","))
    assert list(properties) == ["file", "line", "col", "endLine", "endColumn", "title"]
    back = {"%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ","}
    for name, letter in back.items():
        properties["file"] = properties["file"].replace(name, letter)
        rest = rest.replace(name, letter)
    assert properties["file"].replace("%25", "%") == f"a:{text}.yml"
    assert rest.replace("%25", "%") == text


def test_junit_has_a_case_per_file_and_fails_those_with_errors() -> None:
    files = ["pipelines/fine.yml", "pipelines/sales.yml", "a b.yml"]
    suites = ET.fromstring(as_junit(files, ALL[:1] + ALL[3:5]))
    cases = suites.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == files
    assert [len(case.findall("failure")) for case in cases] == [0, 1, 1]
    assert (suites.get("tests"), suites.get("failures")) == ("3", "2")
    failure = cases[1].find("failure")
    assert failure is not None
    assert failure.get("message") == "`load` needs `extrct`, but there is no such task"
    assert "  --> pipelines/sales.yml:14:13" in (failure.text or "")
    assert "never used" in (cases[1].findtext("system-out") or "")


def test_junit_counts_the_errors_of_a_file_in_one_failure() -> None:
    suites = ET.fromstring(as_junit([], [samples.design(), samples.fixable(), samples.design()]))
    (failure,) = suites.findall("testsuite/testcase/failure")
    assert (failure.get("message"), failure.get("type")) == ("3 errors", "YD203 YD403")


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_makes_junit_anything_but_xml(path: str, text: str) -> None:
    found = [Diagnostic("YD403", text, Place(Source(path, text + "x"), 0, 1), text)]
    suites = ET.fromstring(as_junit([path], found).encode())
    assert len(suites.findall("testsuite/testcase/failure")) == 1
