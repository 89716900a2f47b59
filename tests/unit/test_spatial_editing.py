"""Changes on the map on fakes: which change is meant, what is typed for it, and that it is confirmed first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from textual.binding import BindingType
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Input, TextArea

from console.dialogs.choose import ChooseDialog
from console.dialogs.confirm import ConfirmDialog
from console.dialogs.document import DocumentDialog
from console.dialogs.form import FormDialog
from console.errors import BadInput
from console.models.layers import Layer
from console.models.map_edits import ObjectDraft, TieFate
from console.screens.frame import ConsoleScreen
from console.screens.spatial_editing import Aim, SpatialEditing
from console.screens.spatial_editing_forms import read_place, value_fields
from console.settings import Settings
from console.widgets.live_table import LiveTable
from tests.fake_map_edits import CAD_LAYER, HOSTILE, PLAIN_LAYER, FakeEdits
from tests.fakes import FakeConsole

if TYPE_CHECKING:
    from console.data.feed import Feed
    from console.data.services import Services
    from console.models.layers import SpatialSnapshot

SIZE = (120, 40)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


class _Map(SpatialEditing):
    """A map without a picture, on which something is selected."""

    MODE = "spatial"
    BINDINGS: ClassVar[list[BindingType]] = [*SpatialEditing.EDITING_BINDINGS, *ConsoleScreen.COMMON_BINDINGS]

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.aimed = Aim(CAD_LAYER, (("1",),), 30.5, 59.5, 4326)
        self.changed: list[Layer] = []

    def compose_body(self) -> Iterable[Widget]:
        yield LiveTable[Any]((), lambda row: row)

    def feed_of(self, services: Services) -> Feed[SpatialSnapshot]:
        return services.spatial_feed

    def aim(self) -> Aim | None:
        return self.aimed

    def show_changed(self, layer: Layer) -> None:
        self.changed.append(layer)


def console(**settings: Any) -> tuple[FakeConsole, FakeEdits]:
    app = FakeConsole(settings=Settings(**{"theme": "dark", "environment": "development", **settings}))
    return app, app.spatial.edits


async def opened(app: FakeConsole, pilot: Pilot[None]) -> _Map:
    await settled(pilot)
    assert app.services is not None
    shown = _Map(app.services)
    await app.push_screen(shown)
    await settled(pilot)
    return shown


async def settled(pilot: Pilot[None]) -> None:
    for _ in range(4):
        await pilot.pause()


async def choose(pilot: Pilot[None], *words: str) -> None:
    """Chooses what these words find."""
    for word in words:
        dialog = await until_on_top(pilot, ChooseDialog)
        dialog.query_one(Input).value = word
        await pilot.pause()
        await pilot.press("enter")
        await until(pilot, partial(_is_left, pilot, dialog))


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await pilot.pause()


def _is_left(pilot: Pilot[None], dialog: object) -> bool:
    return pilot.app.screen is not dialog


async def until_on_top(pilot: Pilot[None], kind: type[Any]) -> Any:
    await until(pilot, lambda: isinstance(pilot.app.screen, kind))
    return pilot.app.screen


async def fill(pilot: Pilot[None], *values: str) -> None:
    """Types over what is in the boxes of a form, in their order; goes on behind the last."""
    form = await until_on_top(pilot, FormDialog)
    boxes = list(form.query(Input))
    for box, value in zip(boxes, values, strict=True):
        box.value = value
    form.set_focus(boxes[-1])
    await pilot.press("enter")


async def confirm(pilot: Pilot[None]) -> None:
    await until_on_top(pilot, ConfirmDialog)
    await pilot.press("tab", "enter")
    await until_on_top(pilot, _Map)


async def test_each_change_is_asked_for_confirmed_and_shown() -> None:
    app, edits = console()
    async with app.run_test(size=SIZE) as pilot:
        shown = await opened(app, pilot)
        await pilot.press("c")
        await choose(pilot, "rename")
        form = await until_on_top(pilot, FormDialog)
        assert form.query_one(Input).value == "", "what is there now cannot be typed"
        edits.refusal = BadInput("It is taken.")
        await fill(pilot, "Front door")
        form = await until_on_top(pilot, FormDialog)
        assert form.query_one(Input).value == "Front door", "what was typed stays"
        await pilot.press("enter")
        await confirm(pilot)
        assert edits.planned == [("setting", "name", "Front door")] * 2

        await pilot.press("c")
        await choose(pilot, "coordinates")
        form = await until_on_top(pilot, FormDialog)
        assert form.query_one(Input).value == "30.5, 59.5"
        await fill(pilot, "30.25; -1e1")
        await confirm(pilot)
        await pilot.press("c")
        await choose(pilot, "cursor map")
        await confirm(pilot)
        await pilot.press("c")
        await choose(pilot, "properties")
        document = await until_on_top(pilot, DocumentDialog)
        document.query_one(TextArea).load_text("[1]")
        await pilot.press("ctrl+s")
        assert app.screen is document, "an array is no properties"
        document.query_one(TextArea).load_text('{"a": 1}')
        await pilot.press("ctrl+s")
        await confirm(pilot)
        await pilot.press("c")
        await choose(pilot, "create")
        await fill(pilot, "S-1", "sensor", "", "30, 60", "", "Tower B")
        await confirm(pilot)
        assert edits.planned[2:] == [
            ("moving_to", 30.25, -10.0),
            ("moving_to", 30.5, 59.5),
            ("setting", "properties", '{"a": 1}'),
            ("creation", ObjectDraft("S-1", "sensor", 30.0, 60.0, project="Tower B")),
        ]
        await pilot.press("u")
        await confirm(pilot)
        assert edits.made[-1].undoes is edits.made[-2]
        assert len(edits.made) == len(shown.changed) == 6
        assert shown.changed[0] == CAD_LAYER


async def test_what_becomes_of_constraints_is_asked_and_production_has_to_be_typed() -> None:
    app, edits = console(environment="production")
    async with app.run_test(size=SIZE) as pilot:
        shown = await opened(app, pilot)
        shown.aimed = replace(shown.aimed, keys=(("1",), ("2",)))
        await pilot.press("c")
        await choose(pilot, "delete", "take")
        await until_on_top(pilot, ConfirmDialog)
        await pilot.press("tab", "enter")
        assert isinstance(app.screen, ConfirmDialog), "the object's name is not there yet"
        await pilot.press(*"D-1", "enter", "enter")
        await until_on_top(pilot, _Map)
        assert edits.planned == [("deletion", TieFate.TAKE_OUT)]
        assert len(edits.made) == 1

        # Of any other layer columns are changed; nothing is done where the person goes back.
        shown.aimed = replace(shown.aimed, layer=PLAIN_LAYER)
        await pilot.press("c")
        await choose(pilot, "column", "note")
        await fill(pilot, "NULL")
        await until_on_top(pilot, ConfirmDialog)
        await pilot.press("escape")
        await until_on_top(pilot, _Map)
        assert edits.planned[1:] == [("setting", "note", None)]
        assert len(edits.made) == 1


@pytest.mark.parametrize("why", ["read-only", "no object", "no layer"])
async def test_why_nothing_can_be_changed_is_said(why: str) -> None:
    app, edits = console(read_only=why == "read-only")
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        shown = await opened(app, pilot)
        if why == "no layer":
            shown.aim = lambda: None  # type: ignore[method-assign]
        elif why == "no object":
            shown.aimed = Aim(PLAIN_LAYER, (), 0, 0, None)
        await pilot.press("c")
        await settled(pilot)
        words = {"read-only": "--read-only", "no object": "no object here", "no layer": "No layer is shown"}[
            why
        ]
        assert any(words in notification.message for notification in app._notifications)
        assert app.screen is shown
    assert not edits.planned


def test_places_are_read_as_people_write_them() -> None:
    assert read_place(" 30.5,-.25 ") == (30.5, -0.25)
    assert read_place("1e3 ; +2.") == (1000.0, 2.0)
    for wrong in ("", "1", "1,2,3", "nan, 1", "1e999, 0", "30°, 59°"):
        with pytest.raises(BadInput):
            read_place(wrong)
    [field] = value_fields({}, column="name", before=HOSTILE)
    assert field.value == ""
