"""Rows that a form of file does not take."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from yamldag.executors.saving import saving
from yamldag.executors.tabular.forms import MisshapenError, Row
from yamldag.executors.tabular.writing import writing

SENTENCE = "Parquet has one type for a column; cast it, or write CSV or JSON"


@pytest.mark.parametrize(
    ("portions", "words"),
    [
        ([[(1, "a"), ("two", "b")]], "the column `x` began with `1` and goes on with `two`"),
        ([[(None, "a"), (1.5, "b")], [("many", "c")]], "the column `x` began as double and goes on with `many`"),
        ([[(1, "a")], [(2**70, "b")]], f"the column `x` began as int64 and goes on with `{2**70}`"),
        ([[(1, None)], [(2, 7)]], "the column `y` began as string and goes on with `7`"),
    ],
)  # fmt: skip
def test_a_column_of_several_types_is_named_with_the_value_that_does_not_fit(
    portions: list[list[Row]], words: str
) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(MisshapenError) as refused:
        _write(portions)
    assert str(refused.value) == f"{words}: {SENTENCE}"


def test_a_number_that_parquet_has_no_type_for_is_named() -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(
        MisshapenError, match=f"^Parquet has no type for `{2**63}` in the column `x`: cast it"
    ):
        _write([[(2**63, "a"), (0, "b")]])


def _write(portions: list[list[Row]]) -> None:
    with writing(io.BytesIO(), "parquet", ("x", "y")) as take:
        for portion in portions:
            take(portion)


def test_a_file_is_hidden_until_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    with saving(str(path), ["a"]) as take:
        take([[1]])
        assert not [each for each in tmp_path.iterdir() if not each.name.startswith(".")]
    assert [each.name for each in tmp_path.iterdir()] == ["rows.csv"]
