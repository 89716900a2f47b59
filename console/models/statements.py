"""Statements as `pg_stat_statements` counts them: what each has cost, over which span, and what is left to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from console.models.health import Vitals


class StatementKey(NamedTuple):
    """What names an entry of `pg_stat_statements`.

    Before version 1.9 of the extension everything counts as top level. `query_id` 0 stands for all statements of
    others that this role may not see.
    """

    query_id: int
    user_id: int
    database_id: int
    is_toplevel: bool = True


class Figures(NamedTuple):
    """What a statement has cost. Times are in seconds, blocks are the server's (8 KiB as a rule), sizes in bytes.

    None is what this version of the extension does not count, or what cannot be told of a span.
    """

    calls: int
    total: float
    """Execution time of all calls."""
    least: float | None
    most: float | None
    mean: float
    deviation: float | None
    """Standard deviation of the execution time, of all calls rather than a sample of them."""
    rows: int
    plans: int | None
    planning: float | None
    """Planning time in all; 0 unless `pg_stat_statements.track_planning` is on."""
    shared_hit: int | None
    shared_read: int | None
    shared_dirtied: int | None
    shared_written: int | None
    local_hit: int | None
    local_read: int | None
    local_dirtied: int | None
    local_written: int | None
    temp_read: int | None
    temp_written: int | None
    read_time: float | None
    """Waiting for blocks to be read, shared and local; 0 unless `track_io_timing` is on. Likewise the next three."""
    write_time: float | None
    temp_read_time: float | None
    temp_write_time: float | None
    wal_records: int | None
    wal_full_pages: int | None
    wal_bytes: int | None
    jit_functions: int | None
    jit_time: float | None
    """Compiling in all: generation, inlining, optimization, emission."""
    workers_planned: int | None
    workers_launched: int | None

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to count: no call, no plan."""
        return not self.calls and not self.plans

    @property
    def io_time(self) -> float | None:
        """Reading and writing of all kinds, seconds."""
        times = (self.read_time, self.write_time, self.temp_read_time, self.temp_write_time)
        known = [time for time in times if time is not None]
        return sum(known) if known else None


class StatementKind(Enum):
    """What a statement begins with; the value is what is shown."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    UTILITY = "utility"
    UNKNOWN = "–"
    """Its text is not there, or is not for this role."""


class Scope(Enum):
    """Over which span figures are shown; the value is what is shown."""

    RESET = "since reset"
    OPENED = "since opened"
    INTERVAL = "last interval"


@dataclass(frozen=True, slots=True)
class StatementsView:
    """Which statements are wanted, and over which span."""

    scope: Scope = Scope.RESET
    min_mean: float = 0.1
    """Seconds that a call takes on average at least."""
    kind: StatementKind | None = None
    """None is every kind."""
    with_own: bool = False
    """Whether the console's own statements are among them."""


class Statement(NamedTuple):
    """One statement with its figures over the view's span. A tuple, as there are thousands of them at every sample."""

    key: StatementKey
    user: str
    database: str
    text: str | None
    """Its beginning; None until it was asked for, or where the server has lost it."""
    kind: StatementKind
    is_own: bool
    """Whether the console itself sends it."""
    is_hidden: bool
    """Whether the role may not see the text; all such statements of one user in one database are one row."""
    figures: Figures
    share: float
    """Part of the execution time of all statements over the same span, 0 to 1."""
    calls_per_second: float | None
    since: datetime | None
    """When its figures began to be counted; None where the server does not tell."""
    trend: tuple[float, ...]
    """How many of it were running on average, by `TREND_SECONDS`, oldest first; () until there are two samples."""


TREND_SECONDS = 10
"""Seconds of a column of a trend."""


class ExtensionState(Enum):
    """Whether there is anything to read."""

    READY = "ready"
    NOT_INSTALLED = "not installed"
    """`CREATE EXTENSION` was not run in this database; the library may be loaded or not."""
    NOT_PRELOADED = "not preloaded"
    """Installed, but not in `shared_preload_libraries`, so it counts nothing."""
    DENIED = "denied"
    """The role may not use the schema that the extension is in, or not read it."""


@dataclass(frozen=True, slots=True)
class Extension:
    """`pg_stat_statements` in this database."""

    state: ExtensionState
    version: str = ""
    """As the catalogue says it, "1.12"; empty where it is not installed."""
    schema: str = ""
    is_available: bool = True
    """Whether its files are on the server at all."""
    newest: str = ""
    """The version that the server's files would give."""
    problem: str = ""
    """What is wrong and why that matters, as a sentence; empty when it is ready and up to date."""
    remedy: tuple[str, ...] = ()
    """The statements that mend it, in order."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `pg_stat_statements` at one moment, and what has come to it."""

    user: str
    database: str
    figures: Figures
    opened: Figures | None
    """What has come to it since the screen was opened, over evictions and resets; None where that is nothing."""
    interval: Figures | None
    """What has come to it since the sample before; likewise."""
    since: datetime | None
    """When its figures began; None before version 1.11 of the extension."""
    is_gone: bool = False
    """Whether it was evicted or reset: only `opened` still speaks of it."""


@dataclass(frozen=True, slots=True)
class StatementsSnapshot:
    """All entries at one moment of the server's clock; `StatementsService.select` makes rows of them."""

    at: datetime
    server_ms: float
    extension: Extension
    entries: Mapping[StatementKey, Entry]
    """What others' statements cost that this role may not see is in one entry for each user and database."""
    reset_at: datetime | None
    """When all statistics were last reset; None before version 1.9 of the extension."""
    evictions: int | None
    """How often entries had to make room for new ones since then (`dealloc`)."""
    opened_at: datetime | None
    """When "since opened" begins; None until the first sample of entries."""
    before_at: datetime | None
    """When the sample before was taken."""
    track_io_timing: bool
    track_planning: bool
    vitals: Vitals | None


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that a view shows."""

    view: StatementsView
    statements: tuple[Statement, ...]
    """The most expensive first."""
    left_out: int
    """Statements with calls in the span that are below the view's minimum, or of another kind."""
    left_out_share: float
    """Their part of the execution time of all statements, 0 to 1."""
    own_left_out: int
    since: datetime | None
    """When the span began; None where that is not known."""
    without_text: int
    """How many of the rows have texts that are still to be asked for."""


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What a statement did in a stretch of `TREND_SECONDS`."""

    at: datetime
    """When the stretch began."""
    calls_per_second: float
    mean: float | None
    """Seconds a call; None without calls."""
    running: float
    """How many of it were running on average: seconds of execution a second."""


@dataclass(frozen=True, slots=True)
class StatementDetail:
    """One statement with its whole text."""

    statement: Statement
    text: str | None
    """All that the server has of it; None where the server has lost it, or the role may not see it."""
