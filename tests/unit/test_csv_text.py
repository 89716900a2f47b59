"""CSV that a spreadsheet does not run."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from console.commands.slow import as_csv_text
from console.csv_text import cell
from console.dialogs.export import write_rows

FORMULA = '=HYPERLINK("https://example.com")'


@pytest.mark.parametrize(
    "text",
    [FORMULA, "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "+e5", "-1 OR 1", "-1\n"],
)
def test_a_formula_becomes_a_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["", "a=b", "-1", "+2.5", "-.5", "-1,234.5", "-1e-7", "1", "'=1", " =1", -1, -1.5, None, True]
)
def test_what_is_none_stays(value: Any) -> None:
    assert cell(value) is value


def test_an_exported_table_runs_nothing(tmp_path: Path) -> None:
    rows = [["name", "change"], [FORMULA, "-12.5"]]
    write_rows(tmp_path / "a.csv", rows)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [rows[0], [f"'{FORMULA}", "-12.5"]]
    write_rows(tmp_path / "a.json", rows)
    assert json.loads((tmp_path / "a.json").read_text()) == [{"name": FORMULA, "change": "-12.5"}]


def test_printed_statements_run_nothing() -> None:
    text = as_csv_text([{"user": "@root", "share": -0.5, "statement": FORMULA}])
    assert list(csv.reader(text.splitlines())) == [
        ["user", "share", "statement"],
        ["'@root", "-0.5", f"'{FORMULA}"],
    ]
