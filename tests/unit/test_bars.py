from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from console.widgets.bars import Occupancy, OccupancyBar, Part, apportion, share_bar

SERVER = Occupancy(
    (Part("active", 31), Part("idle", 118), Part("idle in tx", 12), Part("waiting", 6)), 200, 3
)


class BarApp(App[None]):
    """A bar alone on a screen."""

    def compose(self) -> ComposeResult:
        yield OccupancyBar()

    @property
    def bar(self) -> OccupancyBar:
        return self.query_one(OccupancyBar)


async def test_a_bar_has_its_parts_its_total_and_its_words_in_one_line() -> None:
    app = BarApp()
    async with app.run_test(size=(120, 4)) as pilot:
        app.bar.occupancy = SERVER
        await pilot.pause()
        assert app.bar.size.height == 1
        line = app.bar.render_line(0).text
        bar, words = line.split("  167 / 200  ")
        assert bar == "█" * 6 + "▓" * 24 + "▒" * 2 + "░" + "·" * 6 + "="
        assert words.strip() == "█ active 31  ▓ idle 118  ▒ idle in tx 12  ░ waiting 6  = reserved 3"


async def test_in_a_narrow_place_the_words_stand_below() -> None:
    app = BarApp()
    async with app.run_test(size=(80, 4)) as pilot:
        app.bar.occupancy = SERVER
        await pilot.pause()
        assert app.bar.size.height == 2
        assert app.bar.render_line(0).text.endswith("=  167 / 200")
        assert app.bar.render_line(1).text.startswith("█ active 31  ▓ idle 118")


@pytest.mark.parametrize(
    ("counts", "maximum", "cells", "widths"),
    [
        ([50, 50], 100, 10, [5, 5]),
        ([1, 0, 1], 1000, 10, [1, 0, 1]),
        ([99, 1, 1], 100, 10, [8, 1, 1]),
        ([150, 50], 100, 10, [5, 5]),
        ([1, 1, 1], 3, 2, [0, 1, 1]),
        ([1], 0, 10, [0]),
        ([1], 10, 0, [0]),
    ],
)
def test_what_is_there_is_seen_and_the_bar_never_overflows(
    counts: list[int], maximum: int, cells: int, widths: list[int]
) -> None:
    assert apportion(counts, maximum, cells) == widths


def test_a_share_is_a_row_of_blocks() -> None:
    assert share_bar(None) == share_bar(0) == ""
    assert share_bar(0.001) == "·"
    assert share_bar(0.5) == "▇▇▇▇"
    assert share_bar(1.7) == "▇" * 8
