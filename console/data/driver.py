"""The driver's side of a connection: what asyncpg is told, and what it raises, in the console's own errors."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Any
from urllib.parse import urlencode

import asyncpg

from console.errors import (
    AuthenticationFailed,
    CannotConnect,
    ConnectionLost,
    ConnectionRefused,
    ConnectTimeout,
    DatabaseNotFound,
    DbconsoleError,
    HostNotFound,
    ObjectMissing,
    QueryDenied,
    QueryFailed,
    QueryTimedOut,
    ServerStarting,
    TlsFailed,
    TooManyConnections,
)
from console.models.target import Target, Tls
from console.settings import Settings

APPLICATION_NAME = "dbconsole"

DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, EOFError)
"""All that a call of the driver can raise, a time-out among them (`TimeoutError` is an `OSError`)."""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    OSError,
    EOFError,
)

_ENDED = re.compile("closed in the middle|connection_lost|reset by peer|broken pipe", re.IGNORECASE)
"""The driver's words and the system's for an end without a reason."""


def connection_arguments(target: Target, settings: Settings) -> dict[str, Any]:
    """Explicit arguments for `asyncpg.connect`, so that it has nothing to look up in the environment."""
    tls = {
        "sslmode": target.tls.mode,
        "sslrootcert": target.tls.root_certificate,
        "sslcert": target.tls.certificate,
        "sslkey": target.tls.key,
    }
    timeouts = settings.timeouts
    return {
        "dsn": "postgresql:///?" + urlencode({name: value for name, value in tls.items() if value}),
        "ssl": _trusting_the_system(target.tls) if target.tls.root_certificate == "system" else None,
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "database": target.database,
        "password": target.password.get_secret_value() if target.password else "",
        "timeout": connect_timeout(target, settings),
        "server_settings": {
            "application_name": APPLICATION_NAME,
            "default_transaction_read_only": "on",
            "statement_timeout": f"{timeouts.statement * 1000:.0f}",
            "lock_timeout": f"{timeouts.lock * 1000:.0f}",
            "idle_in_transaction_session_timeout": "60000",
            "jit": "off",  # compiling a catalogue query costs more than running it
        },
    }


def connect_timeout(target: Target, settings: Settings) -> float:
    """Seconds that connecting may take."""
    return target.connect_timeout or settings.timeouts.connect


def _trusting_the_system(tls: Tls) -> ssl.SSLContext:
    """What libpq does for sslrootcert=system, which asyncpg takes for the name of a file: verify-full."""
    context = ssl.create_default_context()
    if tls.certificate:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def cannot_connect(error: BaseException, target: Target, timeout: float) -> CannotConnect:
    """Why connecting failed. `timeout` is in seconds."""
    said = _words(error)
    match error:
        case asyncpg.InvalidPasswordError() if target.password is None:
            return AuthenticationFailed(
                f"{target.address} wants a password of role {target.user!r}; give it in PGPASSWORD, ~/.pgpass or the URL."
            )
        case asyncpg.InvalidPasswordError():
            return AuthenticationFailed(
                f"{target.address} refused the password of role {target.user!r}; give another one in PGPASSWORD, "
                "~/.pgpass or the URL."
            )
        case asyncpg.InvalidAuthorizationSpecificationError() if (
            target.tls.mode == "disable" and "no encryption" in said
        ):
            return TlsFailed(
                f"{target.address} refused an unencrypted connection ({said}); use sslmode=require or stricter."
            )
        case asyncpg.InvalidAuthorizationSpecificationError() | asyncpg.InsufficientPrivilegeError():
            return AuthenticationFailed(f"{target.address} refused role {target.user!r}: {said}.")
        case asyncpg.InvalidCatalogNameError():
            return DatabaseNotFound(
                f"{target.address} has no database {target.database!r}; name another one at the end of the URL."
            )
        case asyncpg.TooManyConnectionsError():
            return TooManyConnections(f"{target.address} has no free connection slot: {said}.")
        case asyncpg.CannotConnectNowError():
            return ServerStarting(f"{target.address} takes no connections yet: {said}.")
        case asyncpg.ConnectionDoesNotExistError() | ConnectionError() if _ENDED.search(said):
            return CannotConnect(
                f"{target.address} closed the connection at once; is PostgreSQL running there, on that port?"
            )
        case asyncpg.PostgresError():
            return CannotConnect(f"{target.address} refused the connection: {said}.")
        case socket.gaierror():
            return HostNotFound(f"The host {target.host!r} is unknown ({said}); check its name.")
        case ssl.SSLCertVerificationError():
            return TlsFailed(
                f"The certificate of {target.address} cannot be trusted: {error.verify_message.rstrip('.')}; "
                "check sslrootcert and the host's name."
            )
        case ssl.SSLError():
            return TlsFailed(f"{target.address} and the console could not agree on TLS: {said}.")
        case ConnectionError() if "SSL upgrade" in said and target.tls.mode in ("allow", "prefer"):
            return CannotConnect(
                f"{target.address} does not answer as PostgreSQL does; is PostgreSQL running there, on that port?"
            )
        case ConnectionError() if "SSL upgrade" in said:
            return TlsFailed(
                f"{target.address} does not offer TLS, which sslmode={target.tls.mode} demands; "
                "turn on ssl there or use a weaker sslmode."
            )
        case TimeoutError():
            return ConnectTimeout(f"{target.address} did not answer within {timeout:g} s.")
        case ConnectionRefusedError() | FileNotFoundError() if target.is_socket:
            return ConnectionRefused(
                f"No server listens on the socket {target.host}/.s.PGSQL.{target.port}; is PostgreSQL running there?"
            )
        case ConnectionRefusedError():
            return ConnectionRefused(
                f"{target.address} refused the connection; is PostgreSQL running there, on that port?"
            )
        case OSError() if "Multiple exceptions" in said:  # one for each address of the host
            return ConnectionRefused(
                f"No address of {target.address} took the connection; is PostgreSQL running there, on that port?"
            )
        case asyncpg.ClientConfigurationError() if "root certificate" in said:
            return TlsFailed(
                f"sslmode={target.tls.mode} needs a root certificate to check the server's with; give its file in "
                "sslrootcert, or sslrootcert=system."
            )
        case _:
            return CannotConnect(f"{target.address} cannot be reached: {said}.")


def query_error(error: BaseException, timeout: float) -> DbconsoleError:
    """Why a question was not answered; `ConnectionLost` when the connection is gone. `timeout` is in seconds."""
    said = _words(error)
    match error:
        case asyncpg.QueryCanceledError() if "user request" in said:
            return QueryFailed(f"Somebody cancelled the console's query: {said}.")
        case asyncpg.QueryCanceledError() | asyncpg.LockNotAvailableError():
            return QueryTimedOut(f"The server did not answer in time: {said}.")
        case asyncpg.InsufficientPrivilegeError():
            return QueryDenied(f"The server says: {said}.")
        case (
            asyncpg.UndefinedTableError()
            | asyncpg.UndefinedFunctionError()
            | asyncpg.UndefinedColumnError()
            | asyncpg.UndefinedObjectError()
            | asyncpg.InvalidSchemaNameError()
        ):
            return ObjectMissing(f"The server says: {said}.")
        case TimeoutError():
            return ConnectionLost(f"The server did not answer within {timeout:g} s.")
        case _ if isinstance(error, _LOST):
            return ConnectionLost(f"The connection was lost: {said}.")
        case _:
            return QueryFailed(f"The server says: {said}.")


def _words(error: BaseException) -> str:
    """The error's own words on one line, without the full stop at the end."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.rstrip(".")
