"""Files of objects on a map, without a server: what is asked is kept, and what comes of it is what a test wants."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from console.data.spatial.imports import ImportRefused
from console.data.spatial.imports_looking import CoordinatesDoubted
from console.errors import BadInput
from console.models.accounts import BulkProgress
from console.models.layers import Layer
from console.models.map_files import (
    Extract,
    FileFormat,
    ImportChoices,
    Imported,
    ImportPlan,
    Refusal,
    Refusals,
    Written,
)
from console.models.operation import Danger, Operation

Tell = Callable[[BulkProgress], None]


class FakeExports:
    """Writes nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[Extract, FileFormat, Path]] = []
        self.held: asyncio.Event | None = None
        """Writing is over when this is set."""

    async def write(self, extract: Extract, format_: FileFormat, path: Path, *, progress: Tell) -> Written:
        """What was written before is taken."""
        if path.name in [taken.name for _, _, taken in self.asked]:
            raise BadInput(f"There is a file {path} already; choose another name.")
        self.asked.append((extract, format_, path))
        progress(BulkProgress(100, 213))
        if self.held is not None:
            await self.held.wait()
        return Written(213, ("The drawing is in degrees.",) if format_ is FileFormat.DXF else ())


class FakeImports:
    """A file with latitude first whose third line is refused, and the fourth one by the server."""

    def __init__(self) -> None:
        self.chosen: list[ImportChoices] = []
        self.made: list[ImportPlan] = []

    async def plan(self, layer: Layer, path: Path, choices: ImportChoices) -> ImportPlan:
        if path.suffix == ".png":
            raise BadInput(f"{path.name} is a PNG picture; what can be imported is GeoJSON and CSV.")
        self.chosen.append(choices)
        if choices.flip is None:
            raise CoordinatesDoubted("x and y seem to be the wrong way round: 2 objects are off the globe.")
        refused = Refusals("line", 1, (Refusal(3, "[/b] is no WKT"),))
        return ImportPlan(
            layer, path, FileFormat.CSV, 0, 0, 2, refused, "", "", choices,
            Operation(
                f"Import 2 objects of {path.name}", "Import", "arxos_cad.objects", ("INSERT …",),
                ("2 objects are added.",), Danger.NOTICEABLE,
            ),
        )  # fmt: skip

    async def make(self, plan: ImportPlan, tell: Tell) -> Imported:
        self.made.append(plan)
        refused = Refusals(
            "line", 2, (*plan.refusals.first, Refusal(4, "Key (object_id)=(D-1) already exists"))
        )
        if not plan.choices.skip_refused:
            raise ImportRefused("Nothing was imported.", refused)
        return Imported(1, refused)
