"""The screen of the map as far as it writes objects into files and brings objects of files into a layer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from functools import partial
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import work
from textual.binding import Binding, BindingType

from console.dialogs.choose import Choice, ChooseDialog
from console.dialogs.export import ExportDialog, file_name
from console.dialogs.form import Field, FormDialog
from console.dialogs.progress import ProgressDialog, Run
from console.errors import BadInput, DbconsoleError
from console.models.layers import Layer
from console.models.map_files import (
    Extract,
    FileFormat,
    ImportChoices,
    Imported,
    ImportPlan,
    Refusals,
    number_of,
)
from console.screens.spatial_pyramid import SpatialPyramid

if TYPE_CHECKING:
    from console.data.spatial.imports import Imports

T = TypeVar("T")

_FORMATS = {one.suffix: one for one in FileFormat}


class SpatialFiles(SpatialPyramid):
    """Its keys are `FILE_BINDINGS`."""

    FILE_BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "export", "export", show=False, id="spatial.export", tooltip="Write the view, the selection or the layer to GeoJSON, CSV or DXF; or what is listed"),
        Binding("i", "import", "import", show=False, id="spatial.import", tooltip="Bring objects of a GeoJSON or CSV file into the active layer"),
    ]  # fmt: skip

    # Writing ------------------------------------------------------------------------------------------------------

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Ask what is to be written and where to, and write it. What cannot be written is said."""
        chosen = await self.app.push_screen_wait(
            ChooseDialog[Extract | None]("Write what?", self._extracts())
        )
        if chosen is None:
            return
        try:
            if chosen.value is not None:
                await self._export(chosen.value, chosen.name)
            elif written := await self.app.push_screen_wait(
                ExportDialog(self.MODE, self.table.export_rows(), self.clock.now())
            ):
                self._say(f"Written to {written}.", done=True)
        except DbconsoleError as problem:
            self._say(problem.sentence)

    def _extracts(self) -> list[Choice[Extract | None]]:
        """What can be written now: None is the list beside the map."""
        found: list[Choice[Extract | None]] = []
        at, active = self.map_and_srid, self.active
        if at is not None and active is not None:
            map_, srid = at
            name, only = active.name, active.only
            filtered = "" if only.is_empty else ", as filtered"
            selected = tuple(one.key for one in map_.selected if one.layer == name)
            if (frame := map_.frame) is not None:
                view = Extract(active.layer, envelope=frame.envelope, envelope_srid=srid, only=only)
                found.append(Choice(view, "the view", f"what of {name.table} is on the map now{filtered}"))
            if selected:
                alone = Extract(active.layer, keys=selected)
                found.append(
                    Choice(alone, "the selection", f"{number_of(len(selected), 'object')} of {name.table}")
                )
            whole = Extract(active.layer, only=only)
            found.append(Choice(whole, "the layer", f"all of {name.table}{filtered}"))
        if rows := len(self.table.export_rows()) - 1:
            found.append(Choice(None, "the list", f"{number_of(rows, 'row')} beside the map"))
        return found

    async def _export(self, extract: Extract, what: str) -> None:
        """Asks where to until it can be written there."""
        services = self.services
        if services is None:
            return
        exports, table = services.spatial.exports, extract.layer.name.table
        typed = {"file": file_name(_plain(table), self.clock.now(), FileFormat.GEOJSON.value), "srid": ""}
        problem = ""
        while True:
            asked = FormDialog(
                f"Write {what} of {table}",
                [
                    Field("file", "File (.geojson, .csv or .dxf)", typed["file"], check=_has_format),
                    Field("srid", "SRID of CSV and DXF", typed["srid"], "as the layer's", _is_srid),
                ],
                note="GeoJSON is always in longitudes and latitudes.",
                problem=problem,
            )
            values = await self.app.push_screen_wait(asked)
            if values is None:
                return
            typed, path = values, _path(values["file"])
            chosen = replace(extract, srid=int(values["srid"]) if values["srid"] else None)
            format_ = _FORMATS[path.suffix.lower()]
            try:
                written = await self._shown(
                    f"Writing {path.name}",
                    lambda tell: exports.write(chosen, format_, path, progress=tell),  # noqa: B023
                )
            except BadInput as refusal:
                problem = refusal.sentence
                continue
            if written is not None:
                said = f"{number_of(written.objects, 'object')} written to {path.absolute()}."
                self._say(" ".join([said, *written.notes]), done=True)
            return

    # Bringing in --------------------------------------------------------------------------------------------------

    def action_import(self) -> None:
        """Ask for a file, and bring its objects into the active layer."""
        self._change(self._import)

    async def _import(self) -> str | None:
        services, active = self.services, self.active
        if services is None or active is None:
            raise BadInput("No layer is shown: there is nothing to import into.")
        imports = await asyncio.to_thread(lambda: services.spatial.imports)
        plan = await self._planned(imports, active.layer)
        while plan is not None and await self._confirms(plan.operation):
            done = await self._made(imports, plan)
            if isinstance(done, Refusals):
                plan = await self._without(imports, plan, done)
                continue
            if done is None:
                return None
            self.show_changed(plan.layer)
            if done.refusals.count:
                await self._report(done.refusals)
            return done.sentence
        return None

    async def _planned(self, imports: Imports, layer: Layer) -> ImportPlan | None:
        """Asks for the file until it can be imported; None when the person went back."""
        typed, problem = {"file": "", "srid": ""}, ""
        while True:
            asked = FormDialog(
                f"Import into {layer.name.schema}.{layer.name.table}",
                [
                    Field("file", "File (GeoJSON or CSV)", typed["file"], "rooms.geojson", _is_named),
                    Field("srid", "SRID of its coordinates", typed["srid"], "as the file says", _is_srid),
                ],
                note="CSV has titles, and places as WKT or in columns x and y, or lon and lat.",
                problem=problem,
            )
            values = await self.app.push_screen_wait(asked)
            if values is None:
                return None
            typed = values
            choices = ImportChoices(int(values["srid"]) if values["srid"] else None)
            try:
                plan = await self._looked(imports, layer, _path(values["file"]), choices)
            except BadInput as refusal:
                problem = refusal.sentence
                continue
            if plan is not None and plan.refusals.count:
                return await self._without(imports, plan, plan.refusals)
            return plan

    async def _looked(
        self, imports: Imports, layer: Layer, path: Path, choices: ImportChoices
    ) -> ImportPlan | None:
        """Looks through a file; where x and y may be the wrong way round, asks whether they are."""
        from console.data.spatial.imports_looking import CoordinatesDoubted

        def look(chosen: ImportChoices) -> Awaitable[ImportPlan | None]:
            return self._shown(f"Looking through {path.name}", lambda _: imports.plan(layer, path, chosen))

        try:
            return await look(choices)
        except CoordinatesDoubted as doubt:
            ways = [
                Choice(True, "exchange x and y", "the file has latitude first"),
                Choice(False, "leave them", "the file is right"),
            ]
            way = await self.app.push_screen_wait(ChooseDialog(doubt.sentence, ways))
        return await look(replace(choices, flip=way.value)) if way is not None else None

    async def _made(self, imports: Imports, plan: ImportPlan) -> Imported | Refusals | None:
        """What came of it; the rows that were refused where nothing was written, None where it was cancelled."""
        from console.data.spatial.imports import ImportRefused

        try:
            return await self._shown(plan.operation.title, partial(imports.make, plan))
        except ImportRefused as refusal:
            return refusal.refusals

    async def _without(self, imports: Imports, plan: ImportPlan, refusals: Refusals) -> ImportPlan | None:
        """Asks what is to become of a file some rows of which are refused; None when nothing is to be imported."""
        ways = [
            Choice(True, "import the others", "and leave these out"),
            Choice(False, "import nothing", "and write down which they are"),
        ]
        said = " · ".join(refusals.sentences[:3])
        title = f"{number_of(refusals.count, 'row')} of {plan.path.name} refused: {said}"
        way = await self.app.push_screen_wait(ChooseDialog(title, ways))
        if way is None:
            return None
        if not way.value:
            await self._report(refusals)
            return None
        return await self._looked(imports, plan.layer, plan.path, replace(plan.choices, skip_refused=True))

    async def _report(self, refusals: Refusals) -> None:
        """Offers to write down which rows were refused, and why."""
        rows = [(refusals.unit, "reason"), *((str(one.number), one.reason) for one in refusals.first)]
        await self.app.push_screen_wait(ExportDialog("refused", rows, self.clock.now()))

    async def _shown(self, title: str, run: Run[T]) -> T | None:
        """What comes of long work, of which it is shown how far it is; None where it was cancelled."""
        outcome = await self.app.push_screen_wait(ProgressDialog(title, run, self.clock))
        if isinstance(outcome, DbconsoleError):
            raise outcome
        return outcome


def _plain(name: str) -> str:
    """As a part of a file's name."""
    return "".join(character if character.isalnum() else "-" for character in name)


def _path(typed: str) -> Path:
    return Path(expanduser(typed))  # which leaves a user alone whom there is not


def _has_format(name: str) -> str | None:
    is_known = Path(name).suffix.lower() in _FORMATS
    return None if is_known else "The name has to end in .geojson, .csv or .dxf, which is how it is written."


def _is_srid(text: str) -> str | None:
    is_number = text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000
    return None if not text or is_number else "An SRID is a number, such as 4326."


def _is_named(name: str) -> str | None:
    return None if name else "Name the file."
