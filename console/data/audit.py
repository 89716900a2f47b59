"""The local audit file: one JSON line for each change that a person made to a server through the console."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from console.clock import SYSTEM_CLOCK, Clock
from console.errors import DbconsoleError, OperationRefused
from console.models.operation import Operation, Outcome

if TYPE_CHECKING:
    from console.data.server import Server


def audit_path() -> Path:
    """`$XDG_STATE_HOME/dbconsole/audit.jsonl`, or where this system keeps a program's state."""
    return platformdirs.user_state_path("dbconsole") / "audit.jsonl"


class AuditFile:
    """Appends to the audit file; readable by its owner alone."""

    def __init__(self, path: Path | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path or audit_path()
        self._clock = clock

    @contextmanager
    def recording(self, operation: Operation, server: Server) -> Iterator[Callable[[str, Outcome], None]]:
        """Gives a function that writes a statement and what became of it down, safely on disk when it returns.

        Raises `OperationRefused` before anything is done when the file cannot be opened; that function raises
        `DbconsoleError` when it cannot write, on a full disk.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise OperationRefused(
                f"Nothing was done, because it could not be recorded: {error.strerror} ({self.path})."
            ) from error

        def record(statement: str, outcome: Outcome) -> None:
            line = json.dumps(self._entry(operation, server, statement, outcome), ensure_ascii=False)
            try:
                os.write(descriptor, f"{line}\n".encode("utf-8", "backslashreplace"))
                os.fsync(descriptor)
            except OSError as error:
                raise DbconsoleError(
                    f"{outcome.sentence} This could not be recorded: {error.strerror} ({self.path})."
                ) from error

        try:
            yield record
        finally:
            os.close(descriptor)

    def _entry(
        self, operation: Operation, server: Server, statement: str, outcome: Outcome
    ) -> dict[str, object]:
        return {
            "at": self._clock.now().isoformat(),
            "os_user": _os_user(),
            "os_host": socket.gethostname(),
            "server": str(server.target),
            "environment": server.environment,
            "operation": operation.title,
            "object": outcome.object_name,
            "statement": statement,
            "done": outcome.done,
            "outcome": outcome.sentence,
        }


def person() -> str:
    """`user@host` of the operating system."""
    return f"{_os_user()}@{socket.gethostname()}"


def _os_user() -> str:
    """The account's name; its number where the system has no name for it, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
