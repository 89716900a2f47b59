"""What the worker needs of an engine: Alembic's, or the one for SQL pairs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from console.models.migrations import Direction, PlannedStep, Revision, Source


@dataclass(frozen=True, slots=True)
class Order:
    """What an engine is to work on."""

    source: Source
    direction: Direction
    revisions: tuple[Revision, ...]
    """In the order in which they run."""
    current: tuple[str, ...]
    """What the version table names before."""
    extensions: frozenset[str]
    """Extensions that the server has available."""


class Report(Protocol):
    """Tells the console what goes on."""

    def statement(self, text: str) -> AbstractContextManager[None]:
        """Around a statement that runs on the server: tells when it begins, and how long it took when it is done."""


class MigrationEngine(Protocol):
    """Runs revisions of one source. Made with an `Order` and a `Report`."""

    async def plan(self) -> tuple[Sequence[PlannedStep], str | None]:
        """What each revision would run, and a remark. Touches no database.

        Raises `DbconsoleError` where the files cannot be used at all.
        """

    def connected(self, arguments: dict[str, Any]) -> AbstractAsyncContextManager[int]:
        """The one connection that the revisions run on, for as long as the block lasts; gives its backend's pid.

        `arguments` are those of `data.driver.connect`, the session's settings in `server_settings`. Raises `CannotConnect`.
        """

    async def current(self) -> tuple[str, ...]:
        """What the version table names now."""

    async def prepare(self) -> None:
        """Creates the ledger, and the version table, where they are missing."""

    def rehearsal(self) -> AbstractAsyncContextManager[None]:
        """A transaction around everything in the block, rolled back at its end."""

    async def apply(self, revision: Revision) -> None:
        """Runs one revision in a transaction of its own; version and ledger change with it or not at all.

        Raises `MigrationFailed`, by which time everything of an atomic revision is rolled back.
        """

    async def write_failure(self, revision: Revision, problem: str, seconds: float) -> None:
        """Writes into the ledger that a run failed, outside the transaction that was rolled back."""

    async def stamp(self, revisions: Sequence[Revision]) -> None:
        """Makes the version table say that the database stands at these revisions, and nothing else."""
