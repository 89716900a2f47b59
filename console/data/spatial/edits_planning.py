"""What each change of objects means: the rows that it writes, and the operation that a person confirms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from console.data.identifiers import quoted
from console.data.place import Place, find_place
from console.data.spatial import edits_statements as sql
from console.data.spatial.context import SpatialContext
from console.data.spatial.dialects import dialect
from console.data.spatial.edits_places import Places
from console.data.spatial.edits_properties import escaped, json_object
from console.data.spatial.edits_reading import EditsReading, run, text_array
from console.data.spatial.edits_words import (
    LISTED,
    each,
    listed,
    named,
    object_name,
    others_of,
    place_of,
    tie_sentences,
    value_of,
)
from console.errors import BadInput, ObjectMissing, OperationRefused, QueryDenied, QueryFailed, QueryTimedOut
from console.models.layers import Layer
from console.models.map_edits import (
    Bound,
    Edit,
    EditedObject,
    EditedTable,
    Expression,
    ObjectDraft,
    RowChange,
    Tie,
    TieFate,
)
from console.models.map_objects import ObjectKey
from console.models.operation import Danger, Operation

_VERBS = {"name": "rename", "object_type": "retype"}
"""Of changes of a CAD object's columns, for the trail."""
_MOST_PROJECTS = 200


class EditsPlanning:
    """Plans changes of objects, a change being written by `Edits.make` alone.

    All raise `BadInput` for what cannot be, `OperationRefused` where nothing may be changed, `ObjectMissing` for a
    table or a column that is gone, and as `Engine.connection`.
    """

    def __init__(self, context: SpatialContext) -> None:
        self._context = context
        self._reading = EditsReading(context.server)

    # Looking ------------------------------------------------------------------------------------------------------

    async def look(
        self, layer: Layer, keys: Sequence[ObjectKey], view_srid: int | None
    ) -> tuple[EditedObject, ...]:
        """The objects as they are now, in the order of their keys: what a change of them begins with."""
        self._context.changes.check()
        return await self._reading.objects(layer, keys, view_srid)

    async def ties(self, objects: Sequence[EditedObject]) -> tuple[Tie, ...]:
        """The constraints that deleting these would break."""
        return await self._reading.ties(objects)

    async def properties(self, one: EditedObject) -> str:
        """The properties of a CAD object as JSON of many lines, in which what cannot be seen is escaped."""
        document = Bound(one.row["properties"], "pg_catalog.jsonb")
        pretty = await self._asked(("SELECT jsonb_pretty(", document, ") AS text"))
        return escaped(pretty["text"])

    async def projects(self) -> tuple[str, ...]:
        """Names of some projects that an object may belong to; none where there is no such table."""
        place = await self._place()
        if not place.has("projects", "name"):
            return ()
        async with self._reading.reading() as connection:
            names = f"SELECT DISTINCT name FROM {_projects(place)} ORDER BY name LIMIT {_MOST_PROJECTS}"  # noqa: S608
            return tuple(row["name"] for row in await run(connection, (names,)))

    # Creating and moving ------------------------------------------------------------------------------------------

    async def creation(self, layer: Layer, draft: ObjectDraft, view_srid: int | None) -> Edit:
        """What creating a CAD object means."""
        self._context.changes.check()
        if not layer.is_cad:
            raise OperationRefused(f"Only CAD objects are created here, and {layer.name} is another layer.")
        if not draft.object_id or not draft.object_type:
            raise BadInput("An object needs an id and a type.")
        table = await self._reading.table_of(layer)
        places = Places(layer, table, view_srid)
        values: dict[str, str | None] = {"object_id": draft.object_id, "object_type": draft.object_type}
        if draft.name:
            values["name"] = draft.name
        if draft.properties:
            values["properties"] = json_object(draft.properties)
        if draft.project:
            values["project_id"] = await self._project(draft.project)
        values = await self._as_kept(table, values)
        own_id = Bound(draft.object_id, table.types["object_id"])
        async with self._reading.reading() as connection:
            named_so = f"SELECT 1 FROM {sql.relation(table)} WHERE object_id = "  # noqa: S608
            if await run(connection, (named_so, own_id)):
                raise BadInput(f"There is an object {draft.object_id} already: give another id.")
        place = places.point(*_numbers(draft.x, draft.y), is_known=False)
        warnings = await self._landing(places, place, ())
        # Of what is not there yet, for the words about it.
        row = {**dict.fromkeys(table.types), **values}
        return planned(
            "create",
            f"Create {draft.object_type} {draft.object_id}",
            layer,
            object_name([EditedObject(layer, table, (), row, "", None, None, None, True)]),
            [RowChange(table, (), None, {**values, layer.name.column: place})],
            (f"It stands at {place_of(draft.x, draft.y)}.", *warnings),
        )

    async def moving_to(self, one: EditedObject, x: float, y: float, view_srid: int | None) -> Edit:
        """What moving an object to a place means; of an outline that is where the middle of its bounds comes to."""
        self._context.changes.check()
        _numbers(x, y)
        places = Places(one.layer, one.table, view_srid)
        if one.is_flat and (one.shape == "POINT" or (one.shape is None and one.layer.is_points)):
            place = places.point(x, y, is_known=one.shape is not None)
        elif one.x is not None and one.y is not None:
            place = places.moved(*_numbers(x - one.x, y - one.y))
        else:
            raise OperationRefused(f"{one.label} has no geometry that could be moved.")
        said = f"It is at {place_of(one.x, one.y)} now, and comes to {place_of(x, y)}."
        return await self._moving([one], places, place, said)

    async def moving_by(
        self, objects: Sequence[EditedObject], dx: float, dy: float, view_srid: int | None
    ) -> Edit:
        """What moving objects by so much, in the units of the view, means."""
        self._context.changes.check()
        if _numbers(dx, dy) == (0, 0):
            raise BadInput("Nothing would move: give a distance that is not 0.")
        for one in objects:
            if one.x is None:
                raise OperationRefused(f"{one.label} has no geometry that could be moved.")
        places = Places(objects[0].layer, objects[0].table, view_srid)
        said = f"By {dx:.10g} to the east and by {dy:.10g} to the north."
        return await self._moving(objects, places, places.moved(dx, dy), said)

    async def _moving(
        self, objects: Sequence[EditedObject], places: Places, place: Expression, sentence: str
    ) -> Edit:
        warnings = await self._landing(places, place, objects)
        return planned(
            "move",
            f"Move {named(objects)}",
            places.layer,
            object_name(objects),
            [RowChange(one.table, one.key, one.row, {places.layer.name.column: place}) for one in objects],
            (sentence, *each(objects), *warnings),
        )

    async def _landing(
        self, places: Places, place: Expression, objects: Sequence[EditedObject]
    ) -> tuple[str, ...]:
        """What there is to say about where objects come to, which the server computes here and may refuse."""
        dialect(places.layer, places.view_srid)  # which refuses what is nowhere on the map
        source: tuple[sql.Part, ...] = ()
        if objects:
            keys = sql.with_key(places.table, [one.key for one in objects])
            source = (f" FROM {sql.relation(places.table)} WHERE ", *keys)
        x, y, *_ = Places(places.layer, places.table, None).here("place")
        edges = f"SELECT min({x}) AS west, min({y}) AS south, max({x}) AS east, max({y}) AS north"
        found = await self._asked((f"{edges} FROM (SELECT ", *place.parts, " AS place", *source, ") AS p"))
        west, south, east, north = (found[name] or 0.0 for name in ("west", "south", "east", "north"))
        if not all(map(isfinite, (west, south, east, north))):
            raise BadInput(f"That place is nowhere in SRID {places.layer.srid or 0}.")
        if places.layer.is_geographic and (west < -180 or east > 180 or south < -90 or north > 90):
            return (f"That is outside the bounds of SRID {places.layer.srid}: -180 to 180 and -90 to 90.",)
        return ()

    # Attributes ---------------------------------------------------------------------------------------------------

    async def setting(self, objects: Sequence[EditedObject], column: str, value: str | None) -> Edit:
        """What giving a column of objects another value, written as PostgreSQL reads it, means; None is NULL."""
        self._context.changes.check()
        layer, table = objects[0].layer, objects[0].table
        if column not in table.types:
            raise ObjectMissing(f"{sql.relation(table)} has no column {column}.")
        if column in (*table.key, layer.name.column) or column in table.generated:
            raise OperationRefused(f"{column} of {sql.relation(table)} cannot be changed by itself.")
        if layer.is_cad and value is not None:
            if column == "properties":
                json_object(value)
            elif column == "project_id":
                value = await self._project(value)
        if layer.is_cad and column in ("object_type", "object_id") and not value:
            raise BadInput("An object needs an id and a type.")
        kept = (await self._as_kept(table, {column: value}))[column]
        others = [one for one in objects if one.row[column] != kept]
        if not others:
            raise BadInput(f"Nothing would be different: {column} is that already.")
        said = [
            f"{column} of {one.label} becomes {value_of(kept)}; it was {value_of(one.row[column])}."
            for one in others[:LISTED]
        ]
        if len(others) > LISTED:
            said.append(f"Likewise of {len(others) - LISTED:,} more.")
        if column == "object_id" and (ties := await self.ties(others)):
            names = listed([tie.constraint_id for tie in ties])
            said.append(f"Constraints go on naming it as it was called: {names}.")
        is_rename = layer.is_cad and column == "name"
        return planned(
            _VERBS.get(column, "change") if layer.is_cad else "change",
            f"{'Rename' if is_rename else f'Change {column} of'} {named(others)}",
            layer,
            object_name(others),
            [RowChange(table, one.key, one.row, {column: kept}) for one in others],
            said,
        )

    async def _as_kept(self, table: EditedTable, values: Mapping[str, str | None]) -> dict[str, str | None]:
        """The values as the server writes them. Raises `BadInput` for those that a column does not take."""
        parts: list[sql.Part] = ["SELECT "]
        for place, (name, value) in enumerate(values.items()):
            if name not in table.types:
                raise ObjectMissing(f"{sql.relation(table)} has no column {name}.")
            if value is None and name in table.required:
                raise BadInput(f"{name} cannot be NULL.")
            most = table.limits.get(name)
            if value is not None and most is not None and len(value) > most:
                raise BadInput(f"{name} takes {most:,} characters at most, and this has {len(value):,}.")
            if value is not None and not _is_text(value):
                raise BadInput(f"{name} has a character that PostgreSQL does not keep in text.")
            parts += [", (" if place else "(", Bound(value, table.types[name]), f")::text AS c{place}"]
        row = await self._asked(parts)
        return {name: row[f"c{place}"] for place, name in enumerate(values)}

    async def _asked(self, parts: Sequence[sql.Part]) -> Mapping[str, Any]:
        """The only row of what the server makes of values: what it finds wrong with one is a person's to mend."""
        try:
            async with self._reading.reading() as connection:
                [row] = await run(connection, parts)
        except (QueryDenied, QueryTimedOut):
            raise
        except QueryFailed as problem:
            raise BadInput(problem.sentence) from problem
        return row

    async def _place(self) -> Place:
        return await find_place(self._context.server, self._context.settings.accounts.schema_name)

    async def _project(self, wanted: str) -> str:
        """A project's id, of that or of its name."""
        place = await self._place()
        place.require("projects", "id", "name")
        text = Bound(wanted, "pg_catalog.text")
        ids = f"SELECT id::text AS id FROM {_projects(place)}"  # noqa: S608
        condition = (" WHERE id::text = lower(", text, ") OR name = ", text, " LIMIT 2")
        async with self._reading.reading() as connection:
            rows = await run(connection, (ids, *condition))
        if not rows:
            raise BadInput(f"There is no project {wanted}.")
        if len(rows) > 1:
            raise BadInput(f"Several projects are called {wanted}: give the id of one.")
        return str(rows[0]["id"])

    # Deleting -----------------------------------------------------------------------------------------------------

    async def deletion(self, objects: Sequence[EditedObject], fate: TieFate) -> Edit:
        """What deleting objects means, for the constraints that mention them too."""
        self._context.changes.check()
        layer, table = objects[0].layer, objects[0].table
        ties = await self.ties(objects)
        gone = {one.row["object_id"] or "" for one in objects} if layer.is_cad else set()
        changes = [RowChange(table, one.key, one.row, None) for one in objects]
        if fate is not TieFate.LEAVE:
            changes += [_untied(tie, gone, fate) for tie in ties]
        said = [*each(objects), *tie_sentences(ties, gone, fate)]
        if layer.is_cad and not ties:
            said.append("No constraint mentions what is deleted.")
        for row in await self._context.server.ask("referring_tables", table.schema, table.name):
            becomes = "deleted" if row["is_deleted"] else "changed"
            said.append(
                f"Rows of {row['relation']} that refer to it are {becomes} too, which no undo takes back."
            )
        return planned(
            "delete",
            f"Delete {named(objects)}",
            layer,
            object_name(objects),
            changes,
            said,
            Danger.DESTRUCTIVE,
            mentioned=tuple(sorted(gone)),
            ties=frozenset(tie.constraint_id for tie in ties),
        )


def planned(
    verb: str,
    title: str,
    layer: Layer,
    typed: str,
    changes: Sequence[RowChange],
    consequences: Sequence[str],
    danger: Danger = Danger.NOTICEABLE,
    *,
    mentioned: tuple[str, ...] = (),
    ties: frozenset[str] = frozenset(),
    undoes: Edit | None = None,
) -> Edit:
    """Changes of rows with what a person is shown of them; `typed` is the object's name. See `Edit` for the others."""
    statements = tuple(statement.text for part in by_table(changes) for statement in sql.statements(part))
    action = title.split()[0].strip(":")
    shown = Operation(title, action, typed, statements, tuple(consequences), danger)
    return Edit(verb, layer, shown, tuple(changes), mentioned, ties, undoes)


def by_table(changes: Sequence[RowChange]) -> list[list[RowChange]]:
    """The changes of each table, in the order in which the tables come."""
    tables: dict[tuple[str, str], list[RowChange]] = {}
    for change in changes:
        tables.setdefault((change.table.schema, change.table.name), []).append(change)
    return list(tables.values())


def _is_text(value: str) -> bool:
    """Whether it has neither a character of the code 0 nor half of one."""
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _untied(tie: Tie, gone: set[str], fate: TieFate) -> RowChange:
    """What becomes of a constraint whose objects go: one that would have none left is deleted in any case."""
    left = others_of(tie, gone)
    after = {"object_ids": text_array(left)} if left and fate is TieFate.TAKE_OUT else None
    return RowChange(tie.table, (tie.row["id"] or "",), tie.row, after)


def _projects(place: Place) -> str:
    table = place.table("projects")
    return f"{quoted(table.schema or 'public')}.{quoted(table.name)}"


def _numbers(x: float, y: float) -> tuple[float, float]:
    """Raises `BadInput` for what is no place."""
    if not (isfinite(x) and isfinite(y)):
        raise BadInput("A place is two numbers, x and y.")
    return x, y
