"""What can go wrong, as a person reads it.

    DbconsoleError                  exit 1
    ├── BadInput                    exit 2   a word on the command line, a setting, a file
    │   ├── BadTarget
    │   ├── BadSetting
    │   ├── BadTheme
    │   ├── BadMigrations
    │   └── TerminalUnfit
    ├── CannotConnect               exit 3   every way not to reach a server
    │   ├── HostNotFound
    │   ├── ConnectionRefused
    │   ├── ConnectTimeout
    │   ├── AuthenticationFailed
    │   │   └── PasswordRefused
    │   ├── TlsFailed
    │   ├── DatabaseNotFound
    │   ├── TooManyConnections
    │   ├── ServerStarting
    │   ├── ServerTooOld
    │   ├── UnfitServer
    │   └── ConnectionLost
    ├── QueryFailed
    │   ├── QueryDenied
    │   ├── QueryTimedOut
    │   └── ObjectMissing
    ├── OperationRefused
    ├── OutcomeUnknown
    ├── MigrationFailed
    └── DemoFailed

The class docstring is the sentence shown when no more exact one is given; a message given to the
constructor replaces it. `transient` says whether trying again by itself can help.
"""

from __future__ import annotations

from collections.abc import Sequence


class DbconsoleError(Exception):
    """Something went wrong."""

    exit_code = 1

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or (type(self).__doc__ or "").strip())

    @property
    def sentence(self) -> str:
        """One sentence for a person: what is wrong and what to do."""
        return str(self.args[0])


def with_remedy(sentence: str, statements: Sequence[str]) -> str:
    """A sentence with the statements that mend what it says, each on a line of its own."""
    return "".join([sentence, *(f"\n    {statement};" for statement in statements)])


class BadInput(DbconsoleError):
    """What was given cannot be used."""

    exit_code = 2


class BadTarget(BadInput):
    """The address of the server cannot be read."""


class BadSetting(BadInput):
    """A setting is unknown or has a value that it cannot have."""


class BadTheme(BadInput):
    """The theme cannot be read."""


class BadMigrations(BadInput):
    """The migrations cannot be read."""


class TerminalUnfit(BadInput):
    """This terminal cannot show the console."""


class CannotConnect(DbconsoleError):
    """The server cannot be reached."""

    exit_code = 3
    transient = True


class HostNotFound(CannotConnect):
    """The host name is unknown."""


class ConnectionRefused(CannotConnect):
    """Nothing listens at that host and port."""


class ConnectTimeout(CannotConnect):
    """The server did not answer in time."""


class AuthenticationFailed(CannotConnect):
    """The server refused the user or the password."""

    transient = False


class PasswordRefused(AuthenticationFailed):
    """The server wants a password; give the right one in ~/.pgpass, or store it with dbconsole login."""

    @property
    def problem(self) -> str:
        """The sentence without what to do."""
        return f"{self.sentence.rpartition('; ')[0]}."

    def because(self, reasons: Sequence[str], remedy: str) -> PasswordRefused:
        """The same, with reasons behind what is wrong, and with what to do instead of its own."""
        why = f" ({', '.join(reasons)})" if reasons else ""
        return PasswordRefused(f"{self.problem.removesuffix('.')}{why}; {remedy}.")


class TlsFailed(CannotConnect):
    """An encrypted connection could not be agreed on."""

    transient = False


class DatabaseNotFound(CannotConnect):
    """The database does not exist."""

    transient = False


class TooManyConnections(CannotConnect):
    """The server has no free connection slot for this role."""


class ServerStarting(CannotConnect):
    """The server is starting up, shutting down or recovering, and takes no connections yet."""


class ServerTooOld(CannotConnect):
    """The server is older than PostgreSQL 13, the oldest that dbconsole understands."""

    transient = False


class UnfitServer(CannotConnect):
    """The server is not of the kind that target_session_attrs asks for."""


class ConnectionLost(CannotConnect):
    """The connection to the server was lost."""


class QueryFailed(DbconsoleError):
    """The server could not answer a question."""


class QueryDenied(QueryFailed):
    """The role may not ask this."""


class QueryTimedOut(QueryFailed):
    """The server did not answer within the console's own time limit."""


class ObjectMissing(QueryFailed):
    """A table, function or column is not there."""


class OperationRefused(DbconsoleError):
    """The change was not made."""


class OutcomeUnknown(DbconsoleError):
    """The connection was lost before the server said whether the change was made."""


class DemoFailed(DbconsoleError):
    """The demo server could not be started or stopped."""


class MigrationFailed(DbconsoleError):
    """The migration failed."""

    def __init__(
        self,
        sentence: str,
        *,
        statement: str | None = None,
        sqlstate: str | None = None,
        is_atomic: bool = True,
    ) -> None:
        super().__init__(sentence)
        self.statement = statement
        """What the server was asked when it failed."""
        self.sqlstate = sqlstate
        """The server's five letters; None where it was not the server."""
        self.is_atomic = is_atomic
        """False where a part of the revision was committed before it failed."""
