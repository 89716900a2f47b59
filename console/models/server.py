"""What is known of a server and of the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this server and this role can do, asked once for each connection."""

    version_number: int
    """As `server_version_num` has it: 180006."""
    version: str
    """As a person says it: "18.6"."""
    role: str
    backend_pid: int
    """Of the console's own session; behind a pooler, of the one that was asked."""
    is_superuser: bool
    sees_all_sessions: bool
    """Has the privileges of `pg_read_all_stats` (a member of `pg_monitor` has), so no column is hidden."""
    may_signal: bool
    """Has the privileges of `pg_signal_backend`: may cancel and terminate other roles' sessions."""
    may_read_log: bool
    """May read the server's log through `pg_read_binary_file`, and a log collector writes one."""
    extensions: frozenset[str]
    in_recovery: bool
    max_connections: int
    superuser_reserved: int
    """Slots that only superusers get (`superuser_reserved_connections`)."""
    reserved: int
    """Slots for members of `pg_use_reserved_connections` (PostgreSQL 16 and later, else 0)."""
    started_at: datetime
    is_pooled: bool = False
    """Behind a pooler such as PgBouncer, which may give every transaction another backend."""

    @property
    def major(self) -> int:
        """The major version: 18."""
        return self.version_number // 10000


class LinkState(Enum):
    """How things stand between the console and the server."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    """Was live or might have been; tries again by itself at `retry_at`."""
    REFUSED = "refused"
    """Trying again by itself would not help: a wrong password, an unknown database."""


@dataclass(frozen=True, slots=True)
class Link:
    """The way to the server at one moment."""

    state: LinkState
    since: datetime
    """When this state began, in UTC; while trying again it stays the moment of the loss."""
    problem: str | None = None
    """The sentence that says what is wrong, in the server's own words where it had any."""
    retry_at: float | None = None
    """When the next try is due, on the monotonic clock, in seconds."""
    attempts: int = 0
    """Tries that failed since the link was last live."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the console itself costs the server."""

    connections: int
    server_ms_per_minute: float | None
    """Execution time that the server spent on the console's own queries, milliseconds a minute."""
