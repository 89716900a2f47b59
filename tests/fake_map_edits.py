"""Changes of objects in memory: planned as they are on a server, and only written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from console.errors import BadInput
from console.models.layers import GeometryKind, Layer, LayerName, RelationKind
from console.models.map_edits import Edit, EditedObject, EditedTable, ObjectDraft, Tie, TieFate
from console.models.map_objects import ObjectKey
from console.models.operation import Danger, Operation

HOSTILE = '[@click=app.quit]x[/] \x1b]0;t\x07"; DROP TABLE'

CAD_LAYER = Layer(
    name=LayerName("arxos_cad", "objects", "geometry"),
    kind=GeometryKind.GEOMETRY,
    shape="POINT",
    srid=4326,
    is_geographic=True,
    relation=RelationKind.TABLE,
    rows=4,
    size=8192,
    has_index=True,
    is_analysed=True,
    may_read=True,
    may_write=True,
    key=("id",),
    attributes=(),
)
PLAIN_LAYER = replace(CAD_LAYER, name=LayerName("public", "spots", "spot"))

_COLUMNS = ("id", "object_id", "object_type", "name", "geometry", "properties", "project_id")


def _table(schema: str, name: str, columns: Sequence[str]) -> EditedTable:
    types = dict.fromkeys(columns, "pg_catalog.text")
    return EditedTable(schema, name, ("id",), types, {}, frozenset({"id"}), frozenset(), False)


class FakeEdits:
    """Does what it is told, in memory; `refusal` is said instead, once."""

    def __init__(self) -> None:
        self.planned: list[tuple[Any, ...]] = []
        """The name of what was planned, and what was given for it."""
        self.made: list[Edit] = []
        self.refusal: BadInput | None = None
        self.tied = True

    async def look(
        self, layer: Layer, keys: Sequence[ObjectKey], srid: int | None
    ) -> tuple[EditedObject, ...]:
        table = _table(
            layer.name.schema, layer.name.table, _COLUMNS if layer.is_cad else ("id", "spot", "note")
        )
        return tuple(
            EditedObject(
                layer,
                table,
                key,
                {**dict.fromkeys(table.types), "name": HOSTILE, "object_type": "door", "note": "old"},
                f"door D-{key[0]}",
                30.0,
                60.0,
                "POINT",
                True,
            )
            for key in keys
        )

    async def projects(self) -> tuple[str, ...]:
        return ("Tower B", HOSTILE)

    async def properties(self, one: EditedObject) -> str:
        return '{\n    "floor": 12\n}'

    async def ties(self, objects: Sequence[EditedObject]) -> tuple[Tie, ...]:
        table = _table("arxos_cad", "constraints", ("id",))
        return (Tie(table, {"id": "1"}, "C-1", "distance", ("D-1", "D-2")),) if self.tied else ()

    async def creation(self, layer: Layer, draft: ObjectDraft, srid: int | None) -> Edit:
        return self._planned(layer, f"Create {draft.object_type} {draft.object_id}", "creation", draft)

    async def moving_to(self, one: EditedObject, x: float, y: float, srid: int | None) -> Edit:
        return self._planned(one.layer, f"Move {one.label}", "moving_to", x, y)

    async def moving_by(
        self, objects: Sequence[EditedObject], dx: float, dy: float, srid: int | None
    ) -> Edit:
        return self._planned(objects[0].layer, f"Move {len(objects)} objects", "moving_by", dx, dy)

    async def setting(self, objects: Sequence[EditedObject], column: str, value: str | None) -> Edit:
        return self._planned(objects[0].layer, f"Change {column}", "setting", column, value)

    async def deletion(self, objects: Sequence[EditedObject], fate: TieFate) -> Edit:
        return self._planned(objects[0].layer, f"Delete {objects[0].label}", "deletion", fate)

    async def undoing(self) -> Edit:
        last = self.made[-1]
        return replace(self._planned(last.layer, "Undo: it", "undoing"), undoes=last)

    async def make(self, edit: Edit) -> tuple[ObjectKey, ...]:
        self.made.append(edit)
        return (("1",),)

    def _planned(self, layer: Layer, title: str, *said: Any) -> Edit:
        self.planned.append(said)
        refusal, self.refusal = self.refusal, None
        if refusal is not None:
            raise refusal
        operation = Operation(
            title, title.split()[0], "D-1", (f"UPDATE … '{HOSTILE}'",), (HOSTILE,), Danger.NOTICEABLE
        )
        return Edit("change", layer, operation, ())
