"""Pictures of screen 3: the statements, one in full, other columns, what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.themes import SHIPPED
from tests.fake_statements import MISSING
from tests.fakes import FakeConsole
from tests.snapshots.test_screens import DESIGN, SIZE_NAMES, SIZES, SMALL, SnapCompare, keys, production


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("size", SIZES, ids=SIZE_NAMES)
@pytest.mark.parametrize("pressed", [(), ("enter",)], ids=["statements", "detail"])
def test_slow(snap_compare: SnapCompare, size: tuple[int, int], pressed: tuple[str, ...]) -> None:
    assert snap_compare(FakeConsole(), terminal_size=size, run_before=keys("3", *pressed))


@pytest.mark.parametrize("count", [1, 2, 3], ids=["buffers", "io", "planning"])
def test_the_other_columns(snap_compare: SnapCompare, count: int) -> None:
    assert snap_compare(FakeConsole(), terminal_size=DESIGN, run_before=keys("3", *"c" * count))


@pytest.mark.parametrize("theme", SHIPPED)
def test_slow_in_every_theme(snap_compare: SnapCompare, theme: str) -> None:
    settings = production().model_copy(update={"theme": theme})
    assert snap_compare(FakeConsole(settings=settings), terminal_size=SMALL, run_before=keys("3", "enter"))


@pytest.mark.parametrize("size", [SMALL, DESIGN], ids=SIZE_NAMES[:2])
def test_without_the_extension(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(extension=MISSING), terminal_size=size, run_before=keys("3"))


def test_resetting_all(snap_compare: SnapCompare) -> None:
    assert snap_compare(FakeConsole(settings=production()), terminal_size=SMALL, run_before=keys("3", "Z"))
