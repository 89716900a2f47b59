"""A lock on a table: how much it keeps others from, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from console.data.migrations.ddl import Name

MODES = (
    "AccessShare",
    "RowShare",
    "RowExclusive",
    "ShareUpdateExclusive",
    "Share",
    "ShareRowExclusive",
    "Exclusive",
    "AccessExclusive",
)
"""Lock modes as `pg_locks.mode` has them without "Lock", the weakest first."""

ROW_EXCLUSIVE, SHARE_UPDATE_EXCLUSIVE, SHARE, SHARE_ROW_EXCLUSIVE, EXCLUSIVE, ACCESS_EXCLUSIVE = MODES[2:]


class Work(Enum):
    """What a statement does while it holds its lock, and so how long it may hold it."""

    BRIEF = "brief"
    SCAN = "scan"
    """It reads the whole table."""
    REWRITE = "rewrite"
    """It writes the whole table anew."""


@dataclass(frozen=True, slots=True)
class TableLock:
    """A lock that a statement takes."""

    table: Name
    mode: str
    """One of `MODES`."""
    work: Work = Work.BRIEF
    of_index: bool = False
    """`table` is the name of an index: the lock is on the table that it belongs to."""


def strength(mode: str) -> int:
    """A number that is the larger the more a mode keeps others from doing."""
    return MODES.index(mode)


def on(names: list[Name] | Name | None, mode: str, work: Work = Work.BRIEF) -> Iterator[TableLock]:
    """A lock on each of the tables, if there are any."""
    for name in names if isinstance(names, list) else [names]:
        if name is not None:
            yield TableLock(name, mode, work)
