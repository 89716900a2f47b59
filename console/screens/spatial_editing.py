"""Changing what is on a map: which change is meant, what has to be typed for it, and taking the last one back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from console.data.spatial.edits_properties import json_object
from console.data.spatial.edits_words import listed, named, place_of, value_of
from console.dialogs.choose import Choice, ChooseDialog
from console.dialogs.form import Field, FormDialog
from console.dialogs.values import NULL
from console.errors import BadInput, DbconsoleError, OperationRefused, QueryFailed
from console.models.layers import Layer, SpatialSnapshot
from console.models.map_edits import Edit, EditedObject, ObjectDraft, TieFate
from console.models.map_objects import ObjectKey
from console.models.operation import READ_ONLY, Operation
from console.screens import spatial_editing_forms as forms
from console.screens.busy import is_busy
from console.screens.frame import ConsoleScreen

if TYPE_CHECKING:
    from console.data.spatial.edits import Edits


@dataclass(frozen=True, slots=True)
class Aim:
    """What a change is about."""

    layer: Layer
    keys: tuple[ObjectKey, ...]
    """The selected objects, else the one under the cursor; empty where there is none."""
    x: float
    """The cursor's place, in the units of the view."""
    y: float
    srid: int | None
    """The view's."""


@dataclass(frozen=True, slots=True)
class _Session:
    """One change on its way."""

    edits: Edits
    aim: Aim
    objects: tuple[EditedObject, ...]
    """As they were when the change began."""


_Steps = Callable[[], Awaitable[str | None]]
"""Asks what has to be asked, makes a change and returns what was done; None when the person went back."""
_Way = Callable[[_Session], Awaitable[str | None]]
"""The steps of one kind of change."""


class SpatialEditing(ConsoleScreen[SpatialSnapshot]):
    """The part of the screen Spatial that changes objects: its keys are `EDITING_BINDINGS`.

    The rest of the screen says what a change is about (`aim`), and shows how things are after one (`show_changed`).
    """

    EDITING_BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "change_objects", "change", id="spatial.change", tooltip="Create an object here; rename, move, change or delete what is selected"),
        Binding("u", "undo_change", "undo", id="spatial.undo", tooltip="Take the last change back"),
    ]  # fmt: skip

    def aim(self) -> Aim | None:
        """What a change would be about now; None where no layer is looked at."""
        return None

    def show_changed(self, layer: Layer) -> None:
        """A layer is not as its pictures show it any more."""

    def action_change_objects(self) -> None:
        """Ask what is to be changed, and change it."""
        self._change(self._choose)

    def action_undo_change(self) -> None:
        """Take the last change back."""
        self._change(self._undo)

    # Making -------------------------------------------------------------------------------------------------------

    def _change(self, steps: _Steps) -> None:
        """Takes the steps of a change unless nothing may be changed, or another change is under way; both are said."""
        services = self.services
        if services is None:
            return
        if services.settings.read_only:
            self._say(READ_ONLY)
        elif (now := services.server.capabilities) is not None and now.in_recovery:
            self._say("The server is a standby: what changes it has to run on its primary.")
        elif is_busy(self, "change"):
            self._say("The change before is still being made.")
        else:
            self._take_steps(steps)

    @work(group="change", exclusive=False, exit_on_error=False)
    async def _take_steps(self, steps: _Steps) -> None:
        """Says what was done, or why not."""
        try:
            done = await steps()
        except DbconsoleError as problem:
            self._say(problem.sentence)
        else:
            if done is not None:
                self._say(done, done=True)

    def _say(self, sentence: str, *, done: bool = False) -> None:
        self.notify(sentence, severity="information" if done else "warning", timeout=6, markup=False)

    async def _edits(self) -> Edits:
        """In a thread: it imports SQLAlchemy."""
        services = self.services
        assert services is not None, "`_change` has looked"
        return await asyncio.to_thread(lambda: services.spatial.edits)

    async def _make(self, edits: Edits, edit: Edit) -> str | None:
        """Has the person confirm a change, makes it, and says what was done."""
        if not await self._confirms(edit.operation):
            return None
        await edits.make(edit)
        self.show_changed(edit.layer)
        undo = "" if edit.undoes else " u takes it back."
        return f"{edit.operation.title}: done.{undo}"

    async def _confirms(self, operation: Operation) -> bool:
        from console.dialogs.confirm import ConfirmDialog

        production = self.services is not None and self.services.settings.environment == "production"
        return await self.app.push_screen_wait(
            ConfirmDialog(operation, typed=production, in_production=production)
        )

    async def _typed(
        self,
        edits: Edits,
        title: str,
        fields: Callable[[Mapping[str, str]], list[Field]],
        plan: Callable[[dict[str, str]], Awaitable[Edit]],
        note: str = "",
    ) -> str | None:
        """Asks until what is typed can be made; what was typed stays until then."""
        typed: dict[str, str] = {}
        problem = ""
        while True:
            asked = FormDialog(title, fields(typed), problem=problem, note=note)
            values = await self.app.push_screen_wait(asked)
            if values is None:
                return None
            typed = values
            try:
                return await self._make(edits, await plan(values))
            except (BadInput, QueryFailed) as refusal:
                problem = refusal.sentence

    # Which change -------------------------------------------------------------------------------------------------

    async def _choose(self) -> str | None:
        aim = self.aim()
        if aim is None:
            raise OperationRefused("No layer is shown: there is nothing to change.")
        edits = await self._edits()
        objects = await edits.look(aim.layer, aim.keys, aim.srid) if aim.keys else ()
        ways = self._ways(aim.layer, objects)
        if not ways:
            raise OperationRefused("Select what is to be changed: there is no object here.")
        here = place_of(aim.x, aim.y)
        title = f"Change {named(objects)}" if objects else f"Change {aim.layer.name} at {here}"
        chosen = await self.app.push_screen_wait(ChooseDialog(title, ways))
        return None if chosen is None else await chosen.value(_Session(edits, aim, objects))

    def _ways(self, layer: Layer, objects: Sequence[EditedObject]) -> list[Choice[_Way]]:
        ways: list[Choice[_Way]] = []
        if len(objects) == 1 and layer.is_cad:
            ways.append(Choice(partial(self._set, column="name"), "rename", "give it another name"))
        if len(objects) == 1:
            ways += [
                Choice(self._move_to, "move to coordinates", "typed, with the cursor's to begin with"),
                Choice(self._move_here, "move to the cursor", "where the cursor is on the map"),
            ]
        if objects:
            ways.append(Choice(self._move_by, "move by a distance", "all that is selected"))
        if objects and layer.is_cad:
            ways.append(Choice(partial(self._set, column="object_type"), "change the type", "wall, door …"))
        if len(objects) == 1 and layer.is_cad:
            ways.append(Choice(self._set_properties, "change the properties", "the JSON as text"))
        if objects:
            ways += [
                Choice(self._set_column, "change a column", "any other one"),
                Choice(
                    self._delete, "delete", "and say what becomes of its constraints" if layer.is_cad else ""
                ),
            ]
        if layer.is_cad:
            ways.append(Choice(self._create, "create an object", "where the cursor is"))
        return ways

    async def _create(self, session: _Session) -> str | None:
        edits, aim = session.edits, session.aim
        projects = await edits.projects()

        async def plan(values: dict[str, str]) -> Edit:
            x, y = forms.read_place(values["place"])
            draft = ObjectDraft(
                values["object_id"], values["object_type"], x, y, values["name"], values["properties"], values["project"]
            )  # fmt: skip
            return await edits.creation(aim.layer, draft, aim.srid)

        return await self._typed(
            edits, "A new object", partial(forms.draft_fields, x=aim.x, y=aim.y, projects=projects), plan
        )

    async def _move_to(self, session: _Session) -> str | None:
        edits, aim, [one] = session.edits, session.aim, session.objects

        async def plan(values: dict[str, str]) -> Edit:
            return await edits.moving_to(one, *forms.read_place(values["place"]), aim.srid)

        fields = partial(forms.place_fields, start=place_of(aim.x, aim.y))
        return await self._typed(
            edits, f"Move {one.label}", fields, plan, f"It is at {place_of(one.x, one.y)}."
        )

    async def _move_here(self, session: _Session) -> str | None:
        edits, aim, [one] = session.edits, session.aim, session.objects
        return await self._make(edits, await edits.moving_to(one, aim.x, aim.y, aim.srid))

    async def _move_by(self, session: _Session) -> str | None:
        edits, aim, objects = session.edits, session.aim, session.objects

        async def plan(values: dict[str, str]) -> Edit:
            return await edits.moving_by(objects, *forms.read_place(values["distance"]), aim.srid)

        return await self._typed(edits, f"Move {named(objects)}", forms.distance_fields, plan)

    async def _set(self, session: _Session, column: str) -> str | None:
        edits, objects = session.edits, session.objects
        before = objects[0].row[column] if len({one.row[column] for one in objects}) == 1 else ""

        async def plan(values: dict[str, str]) -> Edit:
            value = values["value"]
            return await edits.setting(objects, column, None if value == NULL else value)

        fields = partial(forms.value_fields, column=column, before=before)
        return await self._typed(
            edits, f"Change {column} of {named(objects)}", fields, plan, f"{NULL} is no value."
        )

    async def _set_column(self, session: _Session) -> str | None:
        one, layer = session.objects[0], session.aim.layer
        fixed = {*one.table.key, *one.table.generated, layer.name.column}
        columns = [
            Choice(name, name, value_of(one.row[name]) if len(session.objects) == 1 else "")
            for name in one.table.types
            if name not in fixed
        ]
        chosen = await self.app.push_screen_wait(ChooseDialog("Which column?", columns))
        return None if chosen is None else await self._set(session, chosen.value)

    async def _set_properties(self, session: _Session) -> str | None:
        from console.dialogs.document import DocumentDialog

        edits, [one] = session.edits, session.objects
        text, problem = await edits.properties(one), ""
        while True:
            asked = DocumentDialog(f"Properties of {one.label}", text, json_object, problem=problem)
            typed = await self.app.push_screen_wait(asked)
            if typed is None:
                return None
            text = typed
            try:
                return await self._make(edits, await edits.setting([one], "properties", text))
            except (BadInput, QueryFailed) as refusal:
                problem = refusal.sentence

    async def _delete(self, session: _Session) -> str | None:
        edits, objects = session.edits, session.objects
        fate = TieFate.LEAVE
        if ties := await edits.ties(objects):
            names = listed([f"{tie.constraint_id} (of {len(tie.object_ids)})" for tie in ties])
            fates = [Choice(one, one.value, forms.FATES[one]) for one in TieFate]
            title = f"What is to become of the constraints that mention it: {names}?"
            chosen = await self.app.push_screen_wait(ChooseDialog(title, fates))
            if chosen is None:
                return None
            fate = chosen.value
        return await self._make(edits, await edits.deletion(objects, fate))

    # Taking back --------------------------------------------------------------------------------------------------

    async def _undo(self) -> str | None:
        edits = await self._edits()
        return await self._make(edits, await edits.undoing())
