"""What a person types to see only some objects, and the condition that it becomes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from console.data.spatial.filters import naming, parse, predicate
from console.errors import BadInput
from console.models.layers import EVERYTHING, LayerFilter
from tests.map_layers import CAD, layer_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERYTHING),
        ("  fire   door ", LayerFilter("fire door")),
        ("object_type=door", LayerFilter(equal={"object_type": "door"})),
        (
            'north project=Tower B  object_type="fire  ""door"""',
            LayerFilter("north", {"project": "Tower B", "object_type": 'fire  "door"'}),
        ),
        ('"E=mc2" "odd = name"=x=y note=', LayerFilter("E=mc2", {"odd = name": "x=y", "note": ""})),
        ("$.floor ? (@ > 3)", LayerFilter(json_path="$.floor ? (@ > 3)")),
        (
            'pump project=A strict $."a=b" ? (@ == "$.x")',
            LayerFilter("pump", {"project": "A"}, 'strict $."a=b" ? (@ == "$.x")'),
        ),
        ('costs $5 "$.x" 12" pipe', LayerFilter('costs $5 $.x 12" pipe')),
    ],
)
def test_words_columns_and_a_path_are_told_apart(text: str, expected: LayerFilter) -> None:
    assert parse(text) == expected


def test_a_filter_is_one_condition_whose_values_are_parameters() -> None:
    assert predicate(CAD, EVERYTHING, 5) == ("true", ())
    condition, arguments = predicate(CAD, LayerFilter("50%_\\", {"Object_Type": "door"}, "$.a"), 5)
    assert condition == (
        '(o."name"::text ILIKE $5::text OR o."object_id"::text ILIKE $5::text) '
        'AND o."object_type"::text = $6::text AND o."properties" @? $7::text::jsonpath'
    )
    assert arguments == ("%50\\%\\_\\\\%", "door", "$.a")
    other = layer_of(
        "a.b.c",
        "n integer",
        "u uuid",
        'od"d text',
        "doc json",
        "Street_Name text",
        "LABEL text",
        "surname_id integer",
    )
    assert [one.name for one in naming(other)] == ["LABEL", "Street_Name"]
    uuid = str(uuid4())
    for equal, expected in [
        ({"n": "12"}, 'o."n" = $1::text::bigint'),
        ({"n": "12 or 1=1"}, 'o."n"::text = $1::text'),
        ({"n": "9" * 19}, 'o."n"::text = $1::text'),
        ({"u": uuid}, 'o."u" = $1::text::uuid'),
        ({"u": "x"}, 'o."u"::text = $1::text'),
        ({'od"d': "y"}, 'o."od""d"::text = $1::text'),
    ]:
        assert predicate(other, LayerFilter(equal=equal), 1) == (expected, tuple(equal.values()))
    assert predicate(other, LayerFilter(json_path="$.a"), 1)[0] == 'o."doc"::jsonb @? $1::text::jsonpath'
    assert "p.name = $2::text" in predicate(CAD, LayerFilter(equal={"project": "Tower B"}), 2)[0]


def test_what_a_layer_does_not_have_is_said() -> None:
    bare = layer_of("a.b.c", "n integer")
    for only, sentence in [
        (LayerFilter(equal={"x": "1"}), "a.b has no column x; it has n."),
        (LayerFilter("door"), "a.b has no column with text to look for words in; filter by column=value."),
        (LayerFilter(json_path="$.a"), "a.b has no column with JSON that a path could be about."),
    ]:
        with pytest.raises(BadInput) as refused:
            predicate(bare, only, 1)
        assert refused.value.sentence == sentence
