"""What the console and its worker say to each other: one request in, lines of events out.

Both are JSON, made and checked by pydantic from plain dataclasses, so that neither side can misread the other. The
passwords are in the request alone, which goes over standard input: no argument list and no environment shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, TypeAdapter

from console import errors
from console.data.migrations.worker.engine import Order
from console.errors import DbconsoleError, MigrationFailed
from console.models.migrations import Drift, PlannedStep
from console.models.target import Target
from console.settings import Migrations, Settings, Timeouts

CANCEL = b"cancel\n"
"""The word that may follow the request."""


class Work(Enum):
    """What the worker is to do."""

    PLAN = "plan"
    """Find what each revision would run, without a database."""
    RUN = "run"
    REHEARSE = "rehearse"
    """Run everything and roll it back."""
    STAMP = "stamp"
    """Make the version table name the order's revisions, and nothing else."""
    CREATE = "create"
    """Write a new revision's file."""
    VERIFY = "verify"
    """Compare the database with the metadata of `env.py`."""
    STATEMENTS = "statements"
    """Run statements one by one, outside transactions."""


@dataclass(frozen=True, slots=True)
class NewRevision:
    """A revision to be created."""

    message: str
    autogenerate: bool = False
    """With what the metadata has and the database lacks, and the other way round."""
    branch: str | None = None
    """The label of the branch to which it is added; None where there is only one head."""


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work."""

    work: Work
    order: Order
    target: Target | None = None
    """Where the database is; None for work that needs none."""
    password: str = field(default="", repr=False)
    key_password: str = field(default="", repr=False)
    """Of the client certificate's private key."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Migrations = field(default_factory=Migrations)
    read_only: bool = False
    """Whether the console may change nothing, not even by what an `env.py` does."""
    new: NewRevision | None = None
    statements: tuple[str, ...] = ()

    def on(self, target: Target, settings: Settings) -> Request:
        """The same for a database, under the limits of the settings."""
        return replace(
            self,
            target=replace(target, password=None, others=(), tls=replace(target.tls, key_password=None)),
            password=_plain(target.password),
            key_password=_plain(target.tls.key_password),
            timeouts=settings.timeouts,
            limits=settings.migrations,
            read_only=settings.read_only,
        )

    @property
    def settings(self) -> Settings:
        """What the worker has to know of the settings."""
        return Settings(timeouts=self.timeouts, migrations=self.limits)

    @property
    def database(self) -> Target:
        """The target with its password. Raises `ValueError` where there is none."""
        if self.target is None:
            raise ValueError(f"{self.work.value} needs a database")
        tls = replace(self.target.tls, key_password=_secret(self.key_password))
        return replace(self.target, password=_secret(self.password), tls=tls)


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _secret(text: str) -> SecretStr | None:
    return SecretStr(text) if text else None


@dataclass(frozen=True, slots=True)
class Connected:
    """The revisions run in this backend."""

    pid: int
    kind: Literal["connected"] = "connected"


@dataclass(frozen=True, slots=True)
class RevisionBegan:
    """A revision, or a statement of its own, begins; again where the attempt is not the first."""

    revision: str | None
    attempt: int
    kind: Literal["revision began"] = "revision began"


@dataclass(frozen=True, slots=True)
class RevisionDone:
    """What began last is done and committed."""

    kind: Literal["revision done"] = "revision done"


@dataclass(frozen=True, slots=True)
class StatementBegan:
    """The server works on a statement."""

    text: str
    kind: Literal["statement began"] = "statement began"


@dataclass(frozen=True, slots=True)
class StatementDone:
    """The statement that began last is done."""

    seconds: float
    kind: Literal["statement done"] = "statement done"


@dataclass(frozen=True, slots=True)
class Paused:
    """A lock was not to be had; the revision was rolled back and will be tried again."""

    seconds: float
    """Until then."""
    sentence: str
    kind: Literal["paused"] = "paused"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step of the plan, in order."""

    step: PlannedStep
    kind: Literal["planned"] = "planned"


@dataclass(frozen=True, slots=True)
class Created:
    """The files of the new revision."""

    paths: tuple[Path, ...]
    kind: Literal["created"] = "created"


@dataclass(frozen=True, slots=True)
class Verified:
    """How the database differs from the metadata."""

    drifts: tuple[Drift, ...]
    kind: Literal["verified"] = "verified"


@dataclass(frozen=True, slots=True)
class Finished:
    """All is done; nothing follows."""

    sentence: str | None = None
    kind: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended without being done; nothing follows."""

    error: str
    """The class of the error, one of `console.errors`."""
    sentence: str
    statement: str | None = None
    sqlstate: str | None = None
    is_cancelled: bool = False
    """Because it was asked to."""
    kind: Literal["failed"] = "failed"

    @classmethod
    def of(cls, problem: DbconsoleError, *, is_cancelled: bool = False) -> Failed:
        """The event that tells of an error."""
        if isinstance(problem, MigrationFailed):
            said = (problem.sentence, problem.statement, problem.sqlstate)
            return cls(type(problem).__name__, *said, is_cancelled)
        return cls(type(problem).__name__, problem.sentence, is_cancelled=is_cancelled)

    @property
    def problem(self) -> DbconsoleError:
        """The error that it tells of."""
        if self.error == MigrationFailed.__name__:
            return MigrationFailed(self.sentence, statement=self.statement, sqlstate=self.sqlstate)
        kind: type[DbconsoleError] = getattr(errors, self.error, DbconsoleError)
        return kind(self.sentence)


Event = (
    Connected
    | RevisionBegan
    | RevisionDone
    | StatementBegan
    | StatementDone
    | Paused
    | Planned
    | Created
    | Verified
    | Finished
    | Failed
)


@cache
def _requests() -> TypeAdapter[Request]:
    return TypeAdapter(Request)


@cache
def _events() -> TypeAdapter[Event]:
    return TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def request_line(request: Request) -> bytes:
    """The request as one line."""
    return _requests().dump_json(request) + b"\n"


def read_request(line: bytes) -> Request:
    """The request that a line has."""
    return _requests().validate_json(line)


def event_line(event: Event) -> bytes:
    """The event as one line."""
    return _events().dump_json(event) + b"\n"


def read_event(line: bytes) -> Event:
    """The event that a line has. Raises `ValueError` where it has none."""
    return _events().validate_json(line)
