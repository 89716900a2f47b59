"""Connections: where they pile up, what the databases do, and the console's own pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from console.models.activity import StateCounts
from console.models.health import Vitals


class Grouping(Enum):
    """By what the connections are broken down; the value is the heading."""

    APPLICATION = "application"
    USER = "user"
    DATABASE = "database"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait event, and how many connections are in it."""

    event: str
    connections: int


@dataclass(frozen=True, slots=True)
class ConnectionGroup:
    """The connections that share one application, user, database or client address."""

    name: str
    counts: StateCounts
    oldest: float | None
    """Age of its oldest connection, seconds."""
    oldest_transaction: float | None
    """Age of its oldest open transaction, seconds."""
    waits: tuple[Wait, ...]
    """Wait events with the number of its connections in each, most first; those that wait for their client last."""


@dataclass(frozen=True, slots=True)
class DatabaseCounters:
    """One row of `pg_stat_database`: what has happened since its statistics were reset. Sizes in bytes."""

    name: str
    commits: int
    rollbacks: int
    blocks_hit: int
    blocks_read: int
    tuples_returned: int
    tuples_fetched: int
    tuples_written: int
    """Inserted, updated and deleted."""
    temp_files: int
    temp_bytes: int
    deadlocks: int
    conflicts: int
    size: int | None
    """None where the role may not connect to the database, or it was not asked yet."""


@dataclass(frozen=True, slots=True)
class DatabaseActivity:
    """What a database did between two samples, each figure a second; None until there are two."""

    name: str
    commits: float | None
    rollbacks: float | None
    hit_ratio: float | None
    """Blocks found in shared buffers, of all that were wanted, 0 to 1; since the reset until there are two samples."""
    tuples_read: float | None
    tuples_written: float | None
    temp_bytes: float | None
    temp_files: int
    """Since the reset."""
    deadlocks: int
    """Since the reset."""
    conflicts: int
    """Since the reset; only a standby has them."""
    size: int | None


@dataclass(frozen=True, slots=True)
class ConsolePool:
    """The console's own connections, in the nine figures of Go's `database/sql` that Collex published."""

    max_open_connections: int
    open_connections: int
    in_use: int
    idle: int
    wait_count: int
    wait_duration: float
    """Seconds that callers have waited in all for a connection to come free."""
    max_idle_closed: int
    max_idle_time_closed: int
    max_lifetime_closed: int


@dataclass(frozen=True, slots=True)
class PoolsSnapshot:
    """All that the Pools screen shows, at one moment of the server's clock."""

    at: datetime
    server_ms: float
    counts: StateCounts
    superuser_reserved: int
    reserved: int
    groups: Mapping[Grouping, tuple[ConnectionGroup, ...]]
    databases: tuple[DatabaseActivity, ...]
    console_pool: ConsolePool
    vitals: Vitals
