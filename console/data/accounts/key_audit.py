"""What is wrong with the API keys of an installation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, and_, func, literal, not_, select, tuple_

from console.data import keys
from console.data.accounts.key_filters import allows_everything, has_state, is_unused_since
from console.data.accounts.key_reading import KeyReading, described, moment
from console.data.accounts.rows import is_kept, is_on, key_of, select_keys
from console.data.place import Place
from console.models.api_keys import (
    EVERYTHING,
    ApiKey,
    CutFindings,
    KeyFinding,
    KeyFindingKind,
    KeyFindings,
    KeyState,
)

MOST_FINDINGS = 200
"""Of each kind: many of one hide none of another."""
MOST_COUNTED = 10_000
"""Of each kind; beyond, there are "at least" so many."""
_LONGEST = "60s"
"""Of a statement here: duplicates are looked for among all keys, which takes a second for a million."""


class KeyAudit(KeyReading):
    """Looking for what is wrong."""

    async def audit(self) -> KeyFindings:
        """What is wrong with keys that open something, the most severe first; at most `MOST_FINDINGS` of each kind.

        What an installation has no column for is not looked for. Raises `OperationRefused` without a table, and as
        `Engine.connection`.
        """
        place = await self._context.place()
        now = self._context.clock.now()
        unused_since = now - timedelta(days=self._context.settings.accounts.stale_days)
        active = has_state(place, KeyState.ACTIVE, _moment(now))
        found: list[KeyFinding] = []
        cut: list[CutFindings] = []
        async with self._context.reading() as connection:
            await connection.execute(select(func.set_config("statement_timeout", _LONGEST, True)))
            for kind, condition in _conditions(place, active, _moment(unused_since)):
                wanted = select_keys(place).where(active, condition)
                rows = (await connection.execute(wanted.limit(MOST_FINDINGS + 1))).all()
                shown = [key_of(row) for row in rows[:MOST_FINDINGS]]
                found += [KeyFinding(kind, key, _sentence(kind, key)) for key in shown]
                if len(rows) > len(shown):
                    counted = wanted.with_only_columns(place.table("api_keys").c.id).limit(MOST_COUNTED + 1)
                    number = (
                        await connection.scalar(select(func.count()).select_from(counted.subquery())) or 0
                    )
                    is_counted = number <= MOST_COUNTED
                    cut.append(CutFindings(kind, len(shown), min(number, MOST_COUNTED), is_counted))
        return KeyFindings(tuple(found), tuple(cut))


def _conditions(
    place: Place, active: ColumnElement[bool], unused_since: ColumnElement[datetime]
) -> Iterator[tuple[KeyFindingKind, ColumnElement[bool]]]:
    """What each finding is, the most severe first, as far as the columns for it are there."""
    table = place.table("api_keys")
    yield KeyFindingKind.PREDICTABLE, table.c.key_hash.in_(keys.predictable_hashes())
    if "permissions" in table.c:
        never_ends = [table.c.expires_at.is_(None)] if "expires_at" in table.c else []
        yield KeyFindingKind.ADMIN_WITHOUT_EXPIRY, and_(allows_everything(place), *never_ends)
    if "users" in place.tables:
        users = place.table("users")
        # A key whose owner is not there at all is nobody's either.
        kept = and_(users.c.id.is_not(None), is_on(users), is_kept(users))
        yield KeyFindingKind.OWNER_INACTIVE, not_(func.coalesce(kept, False))
    if "last_used_at" in table.c:
        yield KeyFindingKind.STALE, is_unused_since(place, unused_since)
    if "name" in table.c:
        # While a rotated key lives on, it is not its successor's duplicate.
        single = [
            active,
            table.c.name != "",
            *([table.c.replaced_by.is_(None)] if "replaced_by" in table.c else []),
        ]
        name = tuple_(table.c.user_id, table.c.name)
        several = (
            select(table.c.user_id, table.c.name)
            .where(*single)
            .group_by(table.c.user_id, table.c.name)
            .having(func.count() > 1)
            .limit(MOST_COUNTED)
        )
        yield KeyFindingKind.DUPLICATE, and_(name.in_(several), *single)


def _sentence(kind: KeyFindingKind, key: ApiKey) -> str:
    match kind:
        case KeyFindingKind.PREDICTABLE:
            return f"Anybody can guess {described(key)}: a script made it out of the name of an environment; revoke it."
        case KeyFindingKind.ADMIN_WITHOUT_EXPIRY:
            return (
                f"{described(key)} has the scope {EVERYTHING} and never ends; rotate it into one that does."
            )
        case KeyFindingKind.OWNER_INACTIVE:
            return f"{described(key)} is active, and its owner is deactivated or deleted; revoke it."
        case KeyFindingKind.STALE:
            since = "was last used" if key.last_used_at else "was never used, and made"
            return f"{described(key)} {since} {moment(key.last_used_at or key.created_at)}; revoke it if nobody needs it."
        case KeyFindingKind.DUPLICATE:
            return f"{described(key)} is not the owner's only one of that name; revoke what nobody uses."


def _moment(at: datetime) -> ColumnElement[datetime]:
    return literal(at, DateTime(timezone=True))
