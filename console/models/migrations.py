"""Migrations: the revisions of a source, where a database stands among them, and what a step would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path

from console.models.activity import Blocker
from console.models.health import Vitals


class SourceKind(Enum):
    """Who wrote the files, and what runs them."""

    ALEMBIC = "alembic"
    SQL_PAIRS = "sql pairs"
    """`001_name.sql` and `001_rollback.sql`, as Collex has them."""
    GOLANG_MIGRATE = "golang-migrate"
    """`001_name.up.sql` and `001_name.down.sql`, with its table `schema_migrations(version, dirty)`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A directory of migrations."""

    kind: SourceKind
    directory: Path
    """Alembic's script location (the folder of `env.py`), or the folder of the SQL files."""
    config_file: Path | None = None
    """The `alembic.ini` or `pyproject.toml` that named it."""
    version_directories: tuple[Path, ...] = ()
    """Where Alembic's revisions are; empty for SQL pairs, whose files are in `directory`."""
    version_schema: str | None = None
    """Schema of the table that holds the version; None is the first of the search path."""
    version_table: str = "alembic_version"


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration as its files describe it."""

    id: str
    """Alembic's revision id, or an SQL pair's version as its file name has it."""
    down: tuple[str, ...] = ()
    """The revisions that it follows: none for a base, two or more for a merge."""
    depends_on: tuple[str, ...] = ()
    """Revisions of other branches that must be there before it."""
    labels: tuple[str, ...] = ()
    """Its own branch labels."""
    message: str = ""
    created: datetime | None = None
    """As the file says; without a time zone, as Alembic writes it."""
    path: Path | None = None
    """None where the database knows a revision that no file describes."""
    rollback_path: Path | None = None
    """The file that undoes an SQL pair; None for Alembic, and where the pair lacks it."""
    checksum: str = ""
    """SHA-256 of the file (of both files of an SQL pair), hex."""


class RevisionState(Enum):
    """Where a revision stands in this database, in the words that the console shows."""

    APPLIED = "applied"
    PENDING = "pending"
    MISSING = "missing file"
    """The database has it, and no file describes it."""
    EDITED = "edited"
    """Applied, and its file has been changed since."""
    OUT_OF_ORDER = "out of order"
    """Not applied, though a later one is: it was slipped in below what the database has."""
    FAILED = "failed"
    """Its last run failed and it is still pending; or golang-migrate left it dirty."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One run of one revision, as the console's ledger in the database keeps it."""

    id: int
    revision: str
    direction: str
    """upgrade, downgrade or stamp."""
    done: bool
    previous: tuple[str, ...]
    """The revision's `down` when it ran."""
    checksum: str
    started_at: datetime
    seconds: float
    role: str
    """The role of the database."""
    person: str
    """`user@host` of the operating system that the console ran on."""
    problem: str | None = None
    """The server's words, where it failed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the screen: a revision and where it stands."""

    revision: Revision
    state: RevisionState
    branch: str
    """The label of the branch that it belongs to; "" where there is none."""
    is_current: bool
    """Whether the version table names it."""
    is_head: bool
    """Whether no file follows it."""
    entry: LedgerEntry | None
    """How it got to where it stands; None where nobody wrote that down."""

    @property
    def is_applied(self) -> bool:
        """Whether the database has it."""
        return self.state in (RevisionState.APPLIED, RevisionState.EDITED, RevisionState.MISSING)


@dataclass(frozen=True, slots=True)
class Lane:
    """One column of the graph beside a row, as it is drawn."""

    is_node: bool
    """Whether the row's own revision stands here; what is drawn for it depends on its state."""
    line: str
    """What passes here, one character: a line, a corner, a crossing, or a space. "│" goes on to a revision that is
    followed, "┆" to one that is only depended on."""
    link: str
    """What joins it to the next column, one character: "─", "┄" for a dependency, or a space."""


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Who migrates this database at this moment."""

    pid: int
    role: str | None
    client: str
    application: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class InvalidIndex:
    """An index that a failed `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` left: it costs writes and serves no read."""

    schema: str
    name: str
    table: str
    """`schema.table`, quoted where it needs to be."""
    size: int
    """Bytes."""
    is_transient: bool
    """Left by `REINDEX CONCURRENTLY` (`…_ccnew`, `…_ccold`): it is dropped, not built again."""
    in_progress: bool
    """Somebody is building it at this moment."""


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """All that the Migrations screen shows, at one moment of the server's clock."""

    at: datetime
    server_ms: float
    source: Source | None
    problem: str | None
    """Why there are no revisions to show: no directory, no permission, files that cannot be read."""
    steps: tuple[Step, ...]
    """Newest first: every revision comes before those it follows or depends on."""
    current: tuple[str, ...]
    """What the version table names."""
    heads: tuple[str, ...]
    lock: LockHolder | None
    invalid_indexes: tuple[InvalidIndex, ...]
    ledger_problem: str | None
    """Why the ledger cannot be read, where it is there; None where there is none yet."""
    vitals: Vitals | None = None
    """None where nobody looks at alerts."""

    @property
    def pending(self) -> int:
        """How many revisions are not applied."""
        return sum(not step.is_applied for step in self.steps)

    @property
    def revisions(self) -> Mapping[str, Revision]:
        """Every revision by its id."""
        return {step.revision.id: step.revision for step in self.steps}


class Direction(Enum):
    """Which way a plan goes."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement of a script."""

    text: str
    """Without the semicolon at its end."""
    line: int
    """Where it begins in the script; the first line is 1."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What one revision would run, found by a dry run that touches no database."""

    revision: Revision
    statements: tuple[Statement, ...]
    """The exact SQL in order, the version table's own statement included."""
    is_atomic: bool
    """False where it commits in between or runs outside a transaction: a failure then leaves a part of it behind."""
    problem: str | None = None
    """Why its SQL cannot be known beforehand (it reads the database), or why it cannot be undone at all."""
    is_possible: bool = True
    """False where there is no way in this direction: an irreversible downgrade, a pair without its rollback."""
    no_way_back: str | None = None
    """For an upgrade: why it could not be undone afterwards."""


@dataclass(frozen=True, slots=True)
class Plan:
    """From where the database is to where it would go."""

    source: Source
    direction: Direction
    goal: str
    """What was asked for, in the words of the command line: `heads`, `-1`, `cad@head`, a revision."""
    current: tuple[str, ...]
    """What the version table named when the plan was made; it runs from nowhere else."""
    steps: tuple[PlannedStep, ...]
    """In the order in which they run."""
    remark: str | None = None
    """What a person should know about how it was made, such as an `env.py` that could not be run."""

    @property
    def is_atomic(self) -> bool:
        """Whether every step can be rolled back while it runs."""
        return all(step.is_atomic for step in self.steps)

    @property
    def script(self) -> str:
        """All of its SQL, with a comment before each revision."""
        parts = []
        for step in self.steps:
            title = f"-- {self.direction.value} {step.revision.id}"
            parts.append(f"{title}: {step.revision.message}" if step.revision.message else title)
            if step.problem:
                parts.append("\n".join(f"-- {line}" for line in step.problem.splitlines()))
            parts += [f"{statement.text};" for statement in step.statements]
            parts.append("")
        return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class TableWeight:
    """How much stands behind a table's name at this moment."""

    table: str
    """`schema.table`, quoted where it needs to be."""
    rows: int | None
    """Estimated by the server's statistics; None where it was never analysed."""
    bytes: int
    """With its indexes and its TOAST table."""
    sessions: int
    """Other sessions that hold a lock on it now."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """What a statement of a plan would do to those who use the database meanwhile."""

    revision: str
    statement: int
    """Its place in the step's statements, from 0."""
    rule: str
    """squawk's name of the rule."""
    message: str
    advice: str | None
    lock: str | None
    """The lock mode that the statement takes, as `pg_locks.mode` without "Lock": `AccessExclusive`."""
    weight: TableWeight | None
    """The table that it is taken on; None where the table is new, or cannot be told."""

    @property
    def is_heavy(self) -> bool:
        """Whether people would notice: the table has rows to wait for or sessions that would wait."""
        return self.weight is not None and (
            self.weight.sessions > 0 or (self.weight.rows or 0) >= 10_000 or self.weight.bytes >= 64 << 20
        )


class LossKind(Enum):
    """What a rollback takes away."""

    SCHEMA = "schema"
    TABLE = "table"
    COLUMN = "column"
    INDEX = "index"
    VIEW = "view"
    TYPE = "type"
    FUNCTION = "function"
    ROWS = "rows"
    """What a DELETE or a TRUNCATE takes."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Loss:
    """One object that a plan drops, and what is in it now."""

    revision: str
    kind: LossKind
    name: str
    """As SQL has it: `arxos_core.audit_logs`, `shop.orders.note`."""
    rows: int | None
    """Rows of a table, values that are not NULL of a column; None where it has none or was not counted."""
    is_exact: bool
    """Counted, not estimated."""
    bytes: int | None


@dataclass(frozen=True, slots=True)
class RunningStatement:
    """What the server is doing for a migration at this moment."""

    text: str
    began: float
    """On the console's monotonic clock, seconds."""


@dataclass(frozen=True, slots=True)
class TimedStatement:
    """A statement that has run."""

    revision: str
    text: str
    seconds: float


class RunState(Enum):
    """How a run stands."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "waiting to try again"
    """A lock was not to be had within the time limit; everything of the revision was rolled back."""
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A migration while it runs, and what became of it."""

    state: RunState
    total: int
    """Revisions in the plan."""
    finished: int
    """Revisions that are done and committed."""
    began: float
    """On the console's monotonic clock, seconds."""
    revision: str | None = None
    statement: RunningStatement | None = None
    timings: tuple[TimedStatement, ...] = ()
    attempt: int = 1
    retry_at: float | None = None
    """When it tries again, on the console's monotonic clock."""
    pid: int | None = None
    """Of the backend that runs it."""
    work: str | None = None
    """What `pg_stat_progress_*` says of it, as a sentence."""
    blocked_by: tuple[Blocker, ...] = ()
    """Who is in its way, as a tree from the root blocker down; empty when it waits for nobody."""
    sentence: str | None = None
    """What became of it, or what it waits for."""
    failed_statement: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between the database and the metadata that the migrations are made from."""

    object_name: str
    difference: str
    """`missing in the database`, `not in the metadata`, or what of it differs."""
