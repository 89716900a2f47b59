"""Writing what is on the map into files, and bringing files in: what is asked, and what is said of it."""

from __future__ import annotations

import asyncio
import csv
from functools import partial
from pathlib import Path

from textual.widgets import Input, Static

from console.dialogs.choose import ChooseDialog
from console.dialogs.confirm import ConfirmDialog
from console.dialogs.export import ExportDialog
from console.dialogs.form import FormDialog
from console.dialogs.progress import ProgressDialog
from console.models.map_files import FileFormat
from tests.fake_spatial import CAD
from tests.fakes import FakeConsole
from tests.live import until
from tests.unit.test_spatial_screen import SIZE, _no_settings_of_this_machine, map_of, opened, press, said

__all__ = ["_no_settings_of_this_machine"]


async def on(app: FakeConsole, dialog: type) -> None:
    """Until that dialog is on top and has been drawn."""
    await until(lambda: isinstance(app.screen, dialog) and bool(app.screen.query("#title")))


def titled(app: FakeConsole) -> str:
    return str(app.screen.query_one("#title", Static).content)


def problem(app: FakeConsole) -> str:
    return str(app.screen.query_one("#problem", Static).content)


def put(app: FakeConsole, *values: str) -> None:
    for box, value in zip(app.screen.query(Input), values, strict=False):
        box.value = value


def has_said(app: FakeConsole, times: int) -> bool:
    return len(said(app)) >= times


async def test_the_view_the_selection_and_the_layer_are_written(tmp_path: Path) -> None:
    app = FakeConsole()
    exports = app.spatial.exports
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await press(pilot, "enter")
        [selected] = map_of(screen).selected
        for choice, suffix in enumerate(("geojson", "csv", "dxf")):
            await pilot.press("e")
            await on(app, ChooseDialog)
            await pilot.press(*["down"] * choice, "enter")
            await on(app, FormDialog)
            assert app.screen.query(Input).first().value.startswith("dbconsole-objects-2026")
            put(app, str(tmp_path / f"out.{suffix}"), "25832" if suffix == "dxf" else "")
            app.screen.query(Input).last().focus()
            await pilot.press("enter")
            await until(partial(has_said, app, choice + 1))
        view, selection, layer = [extract for extract, _, _ in exports.asked]
        assert view.envelope is not None
        assert (view.envelope_srid, selection.keys, layer.keys, layer.envelope) == (
            4326,
            (selected.key,),
            (),
            None,
        )
        assert [format_ for _, format_, _ in exports.asked] == list(FileFormat)
        assert layer.srid == 25832
        assert said(app)[-1].endswith("out.dxf. The drawing is in degrees.")

        # A name that is taken is asked for again; writing can be cancelled.
        exports.held = asyncio.Event()
        await pilot.press("e")
        await on(app, ChooseDialog)
        await pilot.press("enter")
        await on(app, FormDialog)
        for name in ("out.png", "out.csv", "other.csv"):
            put(app, str(tmp_path / name), "")
            app.screen.query(Input).last().focus()
            await pilot.press("enter")
            if name == "out.png":
                await until(lambda: "has to end in" in problem(app))
            elif name == "out.csv":
                await until(lambda: "already" in problem(app))
        await on(app, ProgressDialog)
        await until(lambda: "100 of 213" in str(app.screen.query_one("#progress", Static).content))
        await pilot.press("escape")
        await until(lambda: app.screen is screen)
        assert len(said(app)) == 3


async def test_a_file_is_brought_in_after_every_doubt_is_asked(tmp_path: Path) -> None:
    app = FakeConsole()
    imports = app.spatial.imports
    async with app.run_test(size=SIZE) as pilot:
        screen = await opened(pilot)
        await pilot.press("i")
        await on(app, FormDialog)
        for name in ("pins.png", "pins.csv"):
            put(app, str(tmp_path / name), "")
            app.screen.query(Input).last().focus()
            await pilot.press("enter")
            if name == "pins.png":
                await until(lambda: isinstance(app.screen, FormDialog) and "a PNG picture" in problem(app))
        await on(app, ChooseDialog)
        assert "the wrong way round" in titled(app)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ChooseDialog) and "line 3: [/b] is no WKT" in titled(app))
        await pilot.press("enter")
        await on(app, ConfirmDialog)
        await pilot.press("tab", "enter")
        await on(app, ExportDialog)
        report = tmp_path / "refused.csv"
        put(app, str(report))
        await pilot.press("enter")
        await until(lambda: app.screen is screen and bool(said(app)))
        assert said(app) == ["1 object imported, 2 rows refused."]
        assert [(one.flip, one.skip_refused) for one in imports.chosen] == [
            (None, False),
            (True, False),
            (True, True),
        ]
        assert [plan.layer for plan in imports.made] == [CAD]
        assert list(csv.reader(report.read_text().splitlines()))[1:] == [
            ["3", "[/b] is no WKT"], ["4", "Key (object_id)=(D-1) already exists"]
        ]  # fmt: skip
