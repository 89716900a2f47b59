"""Revoking API keys: one, those that were marked, or all that a filter finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Update, Uuid, any_, literal, null, update
from sqlalchemy.ext.asyncio import AsyncConnection

from console.data.accounts.key_drafts import checked_reason
from console.data.accounts.key_filters import conditions_of, is_searched, select_ids
from console.data.accounts.key_reading import KeyReading, described, keys_by_id, label_of, moment
from console.data.accounts.key_writing import present, revoked
from console.data.accounts.readable import readable
from console.data.accounts.rows import column, is_on, select_keys
from console.data.changes import Change
from console.data.place import Place
from console.data.trail import trail_of
from console.errors import OperationRefused
from console.models.accounts import BulkProgress
from console.models.api_keys import ApiKey, BulkRevocation, KeyFilter
from console.models.operation import Danger, Operation, Outcome
from console.units import count

MOST_AT_ONCE = 50_000
"""Keys that are revoked in one transaction; what locks more than these stands in everybody's way."""
BATCH = 1000
_SHOWN_KEYS = 20
_SHOWN_OWNERS = 10
_SHOWN_IDS = 3

Progress = Callable[[BulkProgress], None]


class KeyRevoking(KeyReading):
    """Revoking: now, for good, and with a reason."""

    async def revoke_operation(self, keys: Sequence[ApiKey], reason: str) -> Operation:
        """What revoking these keys means, for a person to confirm.

        Raises `BadInput` for a reason that cannot be, `OperationRefused` where all of them are revoked already, and where
        the table or the columns are missing.
        """
        place = await self._context.place()
        reason = checked_reason(reason)
        wanted = revocable(keys)
        said = [_last_use(key) for key in wanted[:_SHOWN_KEYS]]
        if len(wanted) > _SHOWN_KEYS:
            said.append(f"And {count(len(wanted) - _SHOWN_KEYS)} more.")
        name = label_of(wanted[0]).removesuffix("…") if len(wanted) == 1 else f"{len(wanted)} keys"
        return _operation(place, [key.id for key in wanted], reason, name, said)

    async def revoke(self, operation: Operation, keys: Sequence[ApiKey], reason: str) -> Outcome:
        """Revokes what of these keys is not revoked by now, in one transaction. Raises as `revoke_operation` and `Changes.making`."""
        ids = [key.id for key in keys if _is_on(key)]
        return await self._revoke(operation, ids, checked_reason(reason), None)

    async def bulk_revoke_operation(self, wanted: KeyFilter | Sequence[UUID], reason: str) -> BulkRevocation:
        """What revoking all these keys means: how many they are, whose, and when they were last used.

        Raises `BadInput` for a reason that cannot be, `OperationRefused` where there are none, or more than
        `MOST_AT_ONCE`, or the table or a column is missing, and as `Engine.connection`.
        """
        place = await self._context.place()
        reason = checked_reason(reason)
        table = place.table("api_keys")
        last_used = table.c.last_used_at if "last_used_at" in table.c else null()
        async with self._context.reading() as connection:
            chosen = await self._chosen(connection, place, wanted)
            asked = select_ids(place).add_columns(table.c.user_id, last_used.label("last_used_at"))
            asked = asked.where(*chosen, *_revocable(place)).limit(MOST_AT_ONCE + 1)
            found = (await connection.execute(asked)).all()
            if not found:
                raise OperationRefused("There is nothing to revoke: no key of these is switched on.")
            if len(found) > MOST_AT_ONCE:
                raise OperationRefused(
                    f"These are more than {count(MOST_AT_ONCE)} keys, too many for one transaction; filter further."
                )
            used = sorted((row for row in found if row.last_used_at), key=lambda row: row.last_used_at)
            last = await keys_by_id(connection, place, [row.id for row in used[: -_SHOWN_KEYS - 1 : -1]])
            owners = Counter(row.user_id for row in found)
            whose = await _owners(connection, place, owners)
        said = [
            f"{count(len(found))} keys of {count(len(owners))} owner{'' if len(owners) == 1 else 's'} open nothing from then on: "
            f"{', '.join(f'{owner} {number}' for owner, number in whose)}{', …' if len(owners) > len(whose) else ''}.",
            f"{count(len(used))} of them were ever used, {count(len(found) - len(used))} never.",
            *(_last_use(key) for key in last[:5]),
        ]
        ids = sorted(row.id for row in found)
        return BulkRevocation(
            operation=_operation(place, ids, reason, f"{len(ids)} keys", said),
            keys=tuple(ids),
            reason=reason,
            owners=tuple(whose),
            owner_count=len(owners),
            last_used=tuple(last),
            used_count=len(used),
        )

    async def bulk_revoke(self, revocation: BulkRevocation, progress: Progress | None = None) -> Outcome:
        """Revokes what of them is not revoked by now, in one transaction; cancelling the task leaves all as it was.

        `progress` is called after every batch. Raises as `Changes.making`.
        """
        return await self._revoke(revocation.operation, revocation.keys, revocation.reason, progress)

    async def _chosen(
        self, connection: AsyncConnection, place: Place, wanted: KeyFilter | Sequence[UUID]
    ) -> list[ColumnElement[bool]]:
        if not isinstance(wanted, KeyFilter):
            return [_is_one_of(place, wanted)]
        if not is_searched(wanted):
            raise OperationRefused("There is nothing to revoke: a search takes three characters at least.")
        return await conditions_of(connection, place, wanted, self._context.clock.now())

    async def _revoke(
        self, operation: Operation, ids: Sequence[UUID], reason: str, progress: Progress | None
    ) -> Outcome:
        place = await self._context.place()
        place.require("api_keys", "is_active")
        done = 0
        async with self._context.making(operation, trail_of(place)) as change:
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                rows = (await change.connection.execute(_revoke_statement(place, batch, reason))).all()
                done += len(rows)
                for row in rows:
                    _note(change, row, reason)
                if progress is not None:
                    progress(BulkProgress(start + len(batch), len(ids)))
            if not done:
                raise OperationRefused("Nothing was done: they had been revoked meanwhile.")
            left = len(ids) - done
            how = "revoked" if place.has("api_keys", "revoked_at") else "switched off"
            change.sentence = f"{count(done)} API key{' was' if done == 1 else 's were'} {how}" + (
                f"; {count(left)} had been meanwhile." if left else "."
            )
            change.sentence += _where_the_reason_goes(place, reason)
        return Outcome(operation.object_name, True, change.sentence)


def revocable(keys: Iterable[ApiKey]) -> list[ApiKey]:
    """Those of the keys that are switched on. Raises `OperationRefused` where none is."""
    found = [key for key in keys if _is_on(key)]
    if not found:
        raise OperationRefused("There is nothing to revoke: no key of these is switched on.")
    return found


def _is_on(key: ApiKey) -> bool:
    return key.revoked_at is None and key.is_active


def _revocable(place: Place) -> list[ColumnElement[bool]]:
    """What is switched on and not revoked, expired or not. Raises `OperationRefused` where nothing says so."""
    place.require("api_keys", "is_active")
    table = place.table("api_keys")
    return [is_on(table), *([table.c.revoked_at.is_(None)] if "revoked_at" in table.c else [])]


def _is_one_of(place: Place, ids: Sequence[UUID]) -> ColumnElement[bool]:
    return place.table("api_keys").c.id == any_(literal(list(ids), ARRAY(Uuid)))


def _revoke_statement(place: Place, ids: Sequence[UUID], reason: str) -> Update:
    table = place.table("api_keys")
    names = [column(table, name).label(name) for name in ("key_prefix", "name")]
    return (
        update(table)
        .where(_is_one_of(place, ids), *_revocable(place))
        .values(present(table, revoked(reason)))
        .returning(table.c.id, table.c.user_id, *names)
    )


def _note(change: Change, row: Row[Any], reason: str) -> None:
    change.note(
        "api_key.revoke",
        "api_key",
        row.id,
        before={"is_active": True},
        after={"is_active": False, "reason": reason or None},
        owner=str(row.user_id),
        key_prefix=row.key_prefix,
        name=row.name,
    )


def _operation(
    place: Place, ids: Sequence[UUID], reason: str, name: str, consequences: Sequence[str]
) -> Operation:
    table = place.table("api_keys")
    few = update(table).where(table.c.id.in_(list(ids[:_SHOWN_IDS])), *_revocable(place))
    statement = readable(few.values(present(table, revoked(reason))))
    if len(ids) > _SHOWN_IDS:
        last = f"'{ids[_SHOWN_IDS - 1]}'"
        statement = statement.replace(last, f"{last} /* and {len(ids) - _SHOWN_IDS} more */", 1)
    return Operation(
        title=f"Revoke {'the API key ' if len(ids) == 1 else ''}{name}",
        action="Revoke",
        object_name=name,
        statements=(statement,),
        consequences=(*consequences, _how_final(place) + _where_the_reason_goes(place, reason)),
        danger=Danger.DESTRUCTIVE,
    )


def _how_final(place: Place) -> str:
    """Whether there is a way back."""
    if place.has("api_keys", "revoked_at"):
        return "A revoked key cannot be brought back."
    return (
        "It is only switched off: this installation does not keep that a key was revoked, and whoever sets is_active in "
        "the database switches it on again."
    )


def _where_the_reason_goes(place: Place, reason: str) -> str:
    """A further sentence where the table has no column for it; without a trail, the local file has this sentence itself."""
    if place.has("api_keys", "revoke_reason"):
        return ""
    if trail_of(place) is not None:
        return " The reason is kept in the audit trail, and not with the key."
    return f" The reason is kept in the audit file of this machine alone: {reason}"


async def _owners(connection: AsyncConnection, place: Place, owners: Counter[UUID]) -> list[tuple[str, int]]:
    """The owners who have most, by what a person knows them by."""
    most = owners.most_common(_SHOWN_OWNERS)
    table = place.table("api_keys")
    ids = literal([id_ for id_, _ in most], ARRAY(Uuid))
    theirs = select_keys(place).where(table.c.user_id == any_(ids))
    said = theirs.selected_columns
    rows = await connection.execute(theirs.with_only_columns(said.user_id, said.owner).distinct())
    labels = {row.user_id: row.owner for row in rows}
    return [(labels.get(id_, str(id_)), number) for id_, number in most]


def _last_use(key: ApiKey) -> str:
    used = f"last used {moment(key.last_used_at)}" if key.last_used_at else "never used"
    return f"{described(key)} was {used}."
