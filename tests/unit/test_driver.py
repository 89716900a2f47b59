"""What the driver is told, and which of our errors its own become."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest
from pydantic import SecretStr

from console.data.driver import DRIVER_ERRORS, cannot_connect, connection_arguments, query_error
from console.errors import (
    AuthenticationFailed,
    CannotConnect,
    ConnectionLost,
    DbconsoleError,
    ObjectMissing,
    QueryDenied,
    QueryFailed,
    QueryTimedOut,
    ServerStarting,
    TooManyConnections,
)
from console.models.target import Target
from console.settings import Settings, Timeouts

TARGET = Target("db1", 5432, "app", "shop", SecretStr("s3cr3t"))


def test_limits_are_told_in_the_units_of_the_server() -> None:
    settings = Settings(timeouts=Timeouts(connect=3, statement=2.5, lock=0.25))
    arguments = connection_arguments(TARGET, settings)
    assert arguments["limit"] == 3
    assert arguments["server_settings"]["statement_timeout"] == "2500"
    assert arguments["server_settings"]["lock_timeout"] == "250"


def test_a_name_that_a_person_gives_stands_behind_the_consoles() -> None:
    target = replace(TARGET, application_name="nightly", options="-c work_mem=1MB")
    given = connection_arguments(target, Settings())["server_settings"]
    assert (given["application_name"], given["options"]) == ("dbconsole (nightly)", "-c work_mem=1MB")


@pytest.mark.parametrize(
    ("error", "kind", "transient"),
    [
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), TooManyConnections, True),
        (asyncpg.CannotConnectNowError("the database system is starting up"), ServerStarting, True),
        (asyncpg.ProtocolViolationError('unsupported startup parameter: "jit"'), CannotConnect, True),
        (
            asyncpg.InterfaceError("gssapi module not found; please install asyncpg[gssauth]"),
            AuthenticationFailed,
            False,
        ),
        (OSError(113, "No route to host"), CannotConnect, True),
    ],
)
def test_refusals_that_no_test_server_makes(
    error: Exception, kind: type[CannotConnect], transient: bool
) -> None:
    problem = cannot_connect(error, TARGET, 5)
    assert type(problem) is kind
    assert problem.transient is transient
    assert "db1:5432" in problem.sentence
    assert "s3cr3t" not in problem.sentence


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), QueryTimedOut),
        (asyncpg.LockNotAvailableError("canceling statement due to lock timeout"), QueryTimedOut),
        (asyncpg.InsufficientPrivilegeError("permission denied for view x"), QueryDenied),
        (asyncpg.UndefinedTableError('relation "x" does not exist'), ObjectMissing),
        (asyncpg.UndefinedFunctionError("function x() does not exist"), ObjectMissing),
        (asyncpg.InvalidSchemaNameError('schema "x" does not exist'), ObjectMissing),
        (asyncpg.ReadOnlySQLTransactionError("cannot execute DELETE"), QueryFailed),
        (asyncpg.AdminShutdownError("terminating connection"), ConnectionLost),
        (asyncpg.CrashShutdownError("terminating connection"), ConnectionLost),
        (asyncpg.ConnectionDoesNotExistError("connection was closed"), ConnectionLost),
        (asyncpg.InterfaceError("connection is closed"), ConnectionLost),
        # What a question gets that follows upon the server's last word.
        (asyncpg.InternalClientError("cannot switch to state 11; another operation (2)"), ConnectionLost),
        (ConnectionResetError(104, "Connection reset by peer"), ConnectionLost),
        (TimeoutError(), ConnectionLost),
    ],
)
def test_answers_that_are_errors(error: Exception, kind: type[DbconsoleError]) -> None:
    assert isinstance(error, DRIVER_ERRORS)
    assert type(query_error(error, 10)) is kind


def test_the_servers_own_words_are_kept_on_one_line() -> None:
    error = asyncpg.InsufficientPrivilegeError("permission denied\n for\tview x.")
    assert query_error(error, 10).sentence == "The server says: permission denied for view x."
    assert query_error(TimeoutError(), 10).sentence == "The server did not answer within 10 s."
