from __future__ import annotations

import pytest
from rich.cells import cell_len

from console.widgets import columns
from console.widgets.columns import Column, arrange, fit
from console.widgets.thumb import thumb


def column(
    key: str, width: int, *, least: int | None = None, flexible: bool = False, priority: int = 0
) -> Column[str]:
    return Column[str](key, key, str, width, min_width=least, flexible=flexible, priority=priority)


COLUMNS = [
    column("pid", 7, priority=9),
    column("wait", 20, least=10, priority=5),
    column("user", 10, priority=1),
    column("query", 100, least=20, flexible=True, priority=9),
]


def placed(available: int) -> dict[str, tuple[int, int]]:
    """Where each column begins and how wide it is."""
    return {place.column.key: (place.x, place.width) for place in arrange(COLUMNS, available)}


def test_with_room_for_all_columns_stand_two_apart_and_the_flexible_one_may_reach_beyond() -> None:
    assert placed(90) == {"pid": (0, 7), "wait": (9, 20), "user": (31, 10), "query": (43, 100)}


def test_with_plenty_of_room_the_flexible_column_takes_the_rest() -> None:
    assert placed(200)["query"] == (43, 157)


def test_columns_move_closer_and_shrink_before_any_is_moved_out() -> None:
    assert placed(60) == {"pid": (0, 7), "wait": (8, 20), "user": (29, 10), "query": (40, 100)}
    assert placed(52) == {"pid": (0, 7), "wait": (8, 12), "user": (21, 10), "query": (32, 100)}


def test_the_least_important_column_is_moved_out_to_the_right() -> None:
    assert placed(48) == {"pid": (0, 7), "wait": (8, 19), "query": (28, 20), "user": (49, 10)}


def test_the_last_column_is_never_moved_out() -> None:
    assert next(iter(placed(3))) == "pid"


def test_a_cell_is_exactly_as_wide_as_its_column() -> None:
    for text in ("", "abc", "abcdef", "abcdefg", "漢字漢", "漢字漢字", "e\u0301" * 6, "😀😀😀😀", "\x1b\x1b"):
        assert cell_len(fit(text, 6)) == 6, text
        assert cell_len(fit(text, 6, "right")) == 6, text
    assert fit("12", 4, "right") == "  12"
    assert fit("abcdefg", 6) == "abcde…"
    assert fit("漢字漢字", 6) == "漢字 …", "half of a wide character is a space"


def test_of_a_long_text_only_the_beginning_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def spy(text: str) -> str:
        looked_at.append(len(text))
        return text

    monkeypatch.setattr(columns, "visible", spy)
    assert fit("é" * 1_000_000, 10) == "é" * 9 + "…"
    assert max(looked_at) < 100


def test_the_thumb_tells_what_part_is_shown() -> None:
    assert list(thumb(10, 10, 0)) == []
    assert list(thumb(20, 10, 0)) == [0, 1, 2, 3, 4]
    assert list(thumb(20, 10, 10)) == [5, 6, 7, 8, 9]
    assert list(thumb(10_000, 10, 0)) == [0]
    assert list(thumb(10_000, 10, 9_990)) == [9]
