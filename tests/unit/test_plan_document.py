"""EXPLAIN's JSON, whatever its depth."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.data.plans.document import _read, document_of, without_settings
from console.errors import QueryFailed


@pytest.mark.parametrize(
    "value",
    [
        [{"Plan": {"Node Type": "Result", "Plans": [], "a": {}}}],
        [{"a": [1, -2.5e3, None, True, False, "x", [[]], {"b": "c"}], "d": "e"}],
        ['\\ " \u00e9 \n { [ , : ] }', {"": ""}],
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_it_reads_what_the_library_reads(value: Any, indent: int | None) -> None:
    assert _read(json.dumps(value, indent=indent)) == value


def test_it_reads_deeper_than_the_library() -> None:
    depth = 20_000
    inner = '{"Node Type": "Result", "Plans": ['
    text = f'[{{"Plan": {inner * depth}{"]}" * depth}, "Planning Time": 1.5}}]'
    with pytest.raises(RecursionError):
        json.loads(text)
    document = document_of(text)
    assert document["Planning Time"] == 1.5
    node, found = document["Plan"], 1
    while node["Plans"]:
        (node,) = node["Plans"]
        found += 1
    assert found == depth


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[{}]", "[1]", '[{"Plan": {}}]', "QUERY PLAN", "[{", '[{"Plan": 1}]']
)
def test_what_is_no_plan_is_said(text: str) -> None:
    with pytest.raises(QueryFailed, match="cannot be read"):
        document_of(text)


def test_settings_of_the_consoles_own_are_left_out_of_the_json() -> None:
    hostile = '"Settings": {"plan_cache_mode": "x"}'
    text = json.dumps(
        [
            {
                "Plan": {"Node Type": "Result", "Filter": hostile},
                "Settings": {"plan_cache_mode": "a", "jit": "off"},
            }
        ],
        indent=2,
    )
    kept = json.loads(without_settings(text, {"plan_cache_mode"}))
    assert kept[0]["Settings"] == {"jit": "off"}
    assert kept[0]["Plan"]["Filter"] == hostile
    assert without_settings(text, {"work_mem"}) == text
    assert without_settings('[{"Plan": {}}]', {"work_mem"}) == '[{"Plan": {}}]'
