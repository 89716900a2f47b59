"""Making changes of objects, and taking back the last ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from console.data.changes import Change
from console.data.spatial import edits_statements as sql
from console.data.spatial.context import SpatialContext
from console.data.spatial.edits_planning import EditsPlanning, by_table, planned
from console.data.spatial.edits_reading import ChangedMeanwhile, begin, key_of, refuse_changed, run
from console.data.spatial.edits_words import LISTED, value_of
from console.data.trail import trail_of
from console.errors import OperationRefused
from console.models.map_edits import Edit, Row, RowChange
from console.models.map_objects import ObjectKey
from console.models.operation import Danger

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

MOST_UNDONE = 20
"""Changes that can be taken back, the newest first."""

_RESOURCES = {("arxos_cad", "objects"): "cad_object", ("arxos_cad", "constraints"): "cad_constraint"}
_ELSEWHERE = "map_object"
"""What the trail calls a row of any other table."""
MOST_IN_TRAIL = 100_000
"""Characters of one value that the trail keeps: an outline may have millions."""


class Edits(EditsPlanning):
    """Changes of objects: each is planned, shown as its operation, and then made in one transaction with its trail.

    What was made can be taken back by its inverse, as long as nobody has changed the rows since. A row comes back as
    it was in every column that was written; what triggers keep, such as `updated_at`, they keep of that change too.
    """

    def __init__(self, context: SpatialContext) -> None:
        super().__init__(context)
        self._inverses: deque[Edit] = deque(maxlen=MOST_UNDONE)

    @property
    def last(self) -> Edit | None:
        """The newest change that was made and can be taken back."""
        return self._inverses[-1].undoes if self._inverses else None

    async def make(self, edit: Edit) -> tuple[ObjectKey, ...]:
        """Writes the rows if they are as they were shown, and returns the keys of the layer's objects that are left.

        Raises `OperationRefused` where they are not, and where not every row could be written; otherwise as
        `Changes.making`.
        """
        place = await self._place()
        written: list[_Written] = []
        try:
            async with self._context.changes.making(edit.operation, trail_of(place)) as change:
                await begin(change.connection)
                for changes in by_table(edit.changes):
                    await refuse_changed(change.connection, changes)
                await self._reading.refuse_other_ties(change.connection, edit.mentioned, edit.ties)
                for changes in by_table(edit.changes):
                    for statement in sql.statements(changes):
                        written += await _written(change.connection, statement)
                for one in written:
                    _note(change, edit, one)
        except ChangedMeanwhile:
            self._forget(edit)
            raise
        if edit.undoes is None:
            self._inverses.append(_inverse(edit, written))
        else:
            self._forget(edit)
            self._expect(edit.undoes, written)
        own = (edit.layer.name.schema, edit.layer.name.table)
        return tuple(
            one.key
            for one in written
            if one.now is not None and (one.change.table.schema, one.change.table.name) == own
        )

    async def undoing(self) -> Edit:
        """What taking back the newest change means.

        Raises `OperationRefused` where there is none, and where somebody has changed it since: it is forgotten then,
        and the next call is about the one before.
        """
        self._context.changes.check()
        if not self._inverses:
            raise OperationRefused("There is nothing to take back: nothing was changed in this session.")
        edit = self._inverses[-1]
        try:
            async with self._reading.reading() as connection:
                for changes in by_table(edit.changes):
                    await refuse_changed(connection, changes, locked=False)
                await self._reading.refuse_other_ties(connection, edit.mentioned, edit.ties)
        except ChangedMeanwhile:
            self._forget(edit)
            raise
        return edit

    def _expect(self, undone: Edit, written: Sequence[_Written]) -> None:
        """What triggers have written into rows that came back, such as `updated_at`, is no change by somebody else."""
        now = {_row_of(one.change): one.now for one in written}
        before = {_row_of(change): change.before for change in undone.changes if change.before is not None}

        def expecting(change: RowChange) -> RowChange:
            row = _row_of(change)
            return (
                replace(change, before=now[row])
                if change.before and change.before == before.get(row)
                else change
            )

        for place, inverse in enumerate(self._inverses):
            self._inverses[place] = replace(inverse, changes=tuple(map(expecting, inverse.changes)))

    def _forget(self, edit: Edit) -> None:
        """An inverse that was made, or that can never be made."""
        if edit in self._inverses:
            self._inverses.remove(edit)


@dataclass(frozen=True, slots=True)
class _Written:
    """A change that was made."""

    change: RowChange
    key: ObjectKey
    now: Row | None
    """The whole row, as triggers left it."""


async def _written(connection: AsyncConnection, statement: sql.Statement) -> list[_Written]:
    """Runs a statement. Raises `OperationRefused` where it does not write every row that it is about."""
    table = statement.changes[0].table
    rows = await run(connection, (*statement.parts, f" RETURNING {sql.columns_as_text(table)}"))
    now = {key_of(table, row): row for row in rows}
    written = []
    for change in statement.changes:
        key = change.key or next(iter(now), ())
        if key in now:
            written.append(_Written(change, key, None if change.after is None else now[key]))
    if len(written) < len(statement.changes):
        raise OperationRefused(
            f"Nothing was changed: the server wrote {len(written):,} of {len(statement.changes):,} rows, for a trigger, a "
            f"rule or row security of {sql.relation(table)} keeps the others."
        )
    return written


def _inverse(edit: Edit, written: Sequence[_Written]) -> Edit:
    """What takes a change back."""
    changes = []
    for one in written:
        table, before = one.change.table, one.change.before
        if before is None:
            changes.append(RowChange(table, one.key, one.now, None))
        elif one.change.after is None:
            changes.append(RowChange(table, one.key, None, before))
        else:
            changes.append(
                RowChange(table, one.key, one.now, {name: before[name] for name in one.change.after})
            )
    title = edit.operation.title
    is_creation = edit.verb == "create"
    return planned(
        "undo",
        f"Undo: {title[0].lower()}{title[1:]}",
        edit.layer,
        edit.operation.object_name,
        changes,
        _back(edit.verb, changes),
        Danger.DESTRUCTIVE if is_creation else Danger.NOTICEABLE,
        mentioned=_own_ids(written) if is_creation and edit.layer.is_cad else (),
        undoes=edit,
    )


def _back(verb: str, changes: Sequence[RowChange]) -> list[str]:
    """What taking back a change of that kind means, in sentences."""
    match verb:
        case "create":
            return ["What was created is deleted."]
        case "delete":
            return ["The rows come back with all that they had, and the constraints with them."]
        case "move":
            return ["What was moved comes back to where it was."]
        case _:
            values = [item for change in changes for item in (change.after or {}).items()]
            said = [(name, value if isinstance(value, str) else None) for name, value in values[:LISTED]]
            return [f"{name} is {value_of(value)} again." for name, value in said]


def _row_of(change: RowChange) -> tuple[str, str, ObjectKey]:
    return change.table.schema, change.table.name, change.key


def _own_ids(written: Sequence[_Written]) -> tuple[str, ...]:
    return tuple(one.now["object_id"] or "" for one in written if one.now is not None)


def _note(change: Change, edit: Edit, one: _Written) -> None:
    """A row for the trail: of a row that stays what was written, of one that comes or goes all of it."""
    table, before = one.change.table, one.change.before
    names = tuple(one.change.after or table.types) if before is not None else tuple(table.types)
    resource = _RESOURCES.get((table.schema, table.name), _ELSEWHERE)
    if resource == "cad_constraint" and edit.verb != "undo":
        verb = "delete" if one.change.after is None else "change"
    else:
        verb = edit.verb
    change.note(
        f"{resource}.{verb}",
        resource,
        _uuid(one.key),
        table=f"{table.schema}.{table.name}",
        key=list(one.key),
        object=edit.operation.object_name,
        before=_said(before, names),
        after=_said(one.now, names),
        **({"undoes": edit.undoes.operation.title} if edit.undoes else {}),
    )


def _said(row: Row | None, names: Sequence[str]) -> dict[str, str | None] | None:
    if row is None:
        return None
    return {
        name: None if (value := row[name]) is None else sql.shortened(value, MOST_IN_TRAIL) for name in names
    }


def _uuid(key: ObjectKey) -> UUID | None:
    """The trail names what it is about by an UUID, where that is what it has."""
    try:
        return UUID(key[0]) if len(key) == 1 else None
    except ValueError:
        return None
