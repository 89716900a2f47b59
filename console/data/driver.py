"""The driver's side of a connection: what asyncpg is told, and what it raises, in the console's own errors."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

from console.credentials.passwords import Passwords
from console.data.pooled import PooledConnection, as_pooled, setting, split
from console.data.tls import tls_contexts
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
    PasswordRefused,
    QueryDenied,
    QueryFailed,
    QueryTimedOut,
    ServerStarting,
    TlsFailed,
    TooManyConnections,
)
from console.models.target import Target, Tcp
from console.settings import Settings

APPLICATION_NAME = "dbconsole"

DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    EOFError,
)
"""All that a call of the driver can raise, a time-out among them (`TimeoutError` is an `OSError`).

The driver says that it is at fault itself where a question follows upon the server's last word before the connection
has ended.
"""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    OSError,
    EOFError,
)

_ENDED_BECAUSE = "connection was closed in the middle of operation: "
"""The driver's words before those that the other side had for it."""

_IN_WORDS: Mapping[str, Callable[[str], BaseException]] = {
    "authentication failed|no such user": asyncpg.InvalidPasswordError,
    "database .+ does not exist|no such database": asyncpg.InvalidCatalogNameError,
}

_REFUSED_SETTING = "unsupported startup parameter"
"""What PgBouncer says and no server does."""

_ENDED = re.compile("closed in the middle|connection_lost|reset by peer|broken pipe", re.IGNORECASE)
"""The driver's words and the system's for an end without a reason."""


def connection_arguments(target: Target, settings: Settings) -> dict[str, Any]:
    """What `connect` is told for a connection that only reads, under the console's limits."""
    timeouts = settings.timeouts
    own = {
        "application_name": application_name(target),
        "default_transaction_read_only": "on",
        "statement_timeout": f"{timeouts.statement * 1000:.0f}",
        "lock_timeout": f"{timeouts.lock * 1000:.0f}",
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",  # compiling a catalogue query costs more than running it
    }
    return {
        "target": target,
        "limit": connect_timeout(target, settings),
        # What is set by its name wins on the server over what is in these.
        "server_settings": {"options": target.options} | own if target.options else own,
    }


def application_name(target: Target, name: str = APPLICATION_NAME) -> str:
    """What a connection is called on the server: the console's name for it, and behind it the person's."""
    return f"{name} ({target.application_name})" if target.application_name else name


def connect_timeout(target: Target, settings: Settings) -> float:
    """Seconds that connecting to one address may take."""
    return target.connect_timeout or settings.timeouts.connect


class _PasswordMissing(asyncpg.InvalidPasswordError):  # type: ignore[misc]
    """The server wants a password, and none is known."""


class _NoPassword:
    """Stands for a password until the driver looks at it, which it does when the server wants one.

    With an empty one it would go on, and the server would write down that somebody had failed to log in.
    """

    def __bool__(self) -> bool:
        raise _PasswordMissing("no password is known")


async def connect(
    target: Target,
    *,
    limit: float,
    server_settings: Mapping[str, str],
    passwords: Passwords | None = None,
    **more: Any,
) -> asyncpg.Connection[Any]:
    """A connection to the first place of the target: a `PooledConnection` behind a pooler.

    `limit` is in seconds, for each password that is tried: that of the target, and then those that `passwords` has,
    which knows at the end which one was taken. The driver is told everything, so that it has nothing to look up in
    the environment; `more` are further arguments of `asyncpg.connect`.

    Raises what the driver raises, `TlsFailed`, or `PasswordRefused` where `passwords` has no other one.
    """
    if passwords is None:
        return await _let_in(target, limit, server_settings, **more)
    target = passwords.known(target)
    while True:
        try:
            connection = await _let_in(target, limit, server_settings, **more)
        except asyncpg.PostgresError as error:
            problem = cannot_connect(error, target, limit)
            if not isinstance(problem, PasswordRefused):
                raise
            target = await passwords.another(target, problem)
        else:
            passwords.proven(target)
            return connection


async def _let_in(
    target: Target, limit: float, server_settings: Mapping[str, str], **more: Any
) -> asyncpg.Connection[Any]:
    if not target.is_pooled:
        try:
            return await _connect(target, limit, server_settings, **more)
        except asyncpg.ProtocolViolationError as error:
            if _REFUSED_SETTING not in str(error):
                raise
    startup, limits = split(server_settings)
    pooled = {"connection_class": PooledConnection, "statement_cache_size": 0}
    connection = await _connect(target, limit, startup, **(more | pooled))
    connection.limits = limits
    return connection


async def _connect(
    target: Target, limit: float, server_settings: Mapping[str, str], **more: Any
) -> asyncpg.Connection[Any]:
    arguments = {
        "host": target.hostaddr or target.host,
        "port": target.port,
        "user": target.user,
        "database": target.database,
        # A connection remembers what it was given: this is what gives the password, not the password.
        "password": target.password.get_secret_value if target.password else _NoPassword,
        "direct_tls": target.tls.is_direct,
        "target_session_attrs": "any",
        "gsslib": "gssapi",
        "timeout": limit,
        "server_settings": server_settings,
        **more,
    }
    ways = tls_contexts(target)
    async with asyncio.timeout(limit):
        try:
            connection = await _opened(ssl=ways[0] or False, **arguments)
        except DRIVER_ERRORS as first:
            if len(ways) == 1 or not _may_be_for_tls(first):
                raise
            try:
                connection = await _opened(ssl=ways[1] or False, **arguments)
            except asyncpg.InvalidAuthorizationSpecificationError as second:
                # The second way is not allowed there; why the first one failed is what a person can mend.
                raise (second if isinstance(first, ConnectionError) else first) from None
    if not target.is_socket:
        _watch_over(connection._transport.get_extra_info("socket"), target.tcp)
    return connection


async def _opened(**arguments: Any) -> asyncpg.Connection[Any]:
    try:
        return await asyncpg.connect(**arguments)
    except asyncpg.InternalClientError as error:
        # How the driver passes on what was raised while it looked at the password.
        if isinstance(error.__cause__, _PasswordMissing):
            raise error.__cause__ from None
        raise


async def set_on(connection: asyncpg.Connection[Any], settings: Mapping[str, str], limit: float) -> None:
    """Has settings of the server hold on a connection from now on, which `limit` seconds may take.

    Raises what the driver raises.
    """
    if pooled := as_pooled(connection):
        pooled.limits = {**pooled.limits, **settings}
    else:
        await connection.execute(setting("SET", settings), timeout=limit)


async def hang_up(connection: asyncpg.Connection[Any]) -> None:
    """Ends a connection; one that does not end in a second is let go of."""
    try:
        await connection.close(timeout=1.0)
    except BaseException as error:
        connection.terminate()
        if not isinstance(error, DRIVER_ERRORS):
            raise


def _may_be_for_tls(error: BaseException) -> bool:
    """Whether it might go better with encryption, or without: sslmode `allow` and `prefer` then try the other one.

    A password that was wrong is wrong both ways. libpq tries it twice, and the server counts two failed logins.
    """
    if isinstance(error, ConnectionRefusedError | TimeoutError | asyncpg.InvalidPasswordError):
        return False
    return isinstance(error, ssl.SSLError | ConnectionError | asyncpg.InvalidAuthorizationSpecificationError)


def _watch_over(peer: socket.socket, tcp: Tcp) -> None:
    """Has the system find out when the server is silently gone, which the driver would never.

    Half a minute is enough for that unless a person has said another time: the system's own is two hours.
    """
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, tcp.keepalives)
    limits = {"TCP_USER_TIMEOUT": tcp.user_timeout or 30_000}
    if tcp.keepalives:
        limits |= {
            "TCP_KEEPIDLE": tcp.idle or 15,
            "TCP_KEEPINTVL": tcp.interval or 5,
            "TCP_KEEPCNT": tcp.count or 3,
        }
    for name, value in limits.items():
        if hasattr(socket, name):  # not every system has them all
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def cannot_connect(error: BaseException, target: Target, timeout: float) -> CannotConnect:
    """Why connecting to the first place of the target failed. `timeout` is in seconds."""
    said, error = _words(error), _meant(error)
    match error:
        case asyncpg.InvalidPasswordError() if target.password is None:
            return PasswordRefused(
                f"{target.address} wants a password of role {target.user!r}; give the right one in ~/.pgpass, or store "
                "it with dbconsole login."
            )
        case asyncpg.InvalidPasswordError():
            where = f" from {target.password_from}" if target.password_from else ""
            return PasswordRefused(
                f"{target.address} refused the password of role {target.user!r}{where}; give the right one there."
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
            if target.tls.certificate:
                # All that an encrypted connection tells of a client's certificate that the server did not like.
                return CannotConnect(
                    f"{target.address} closed the connection at once; does it trust the certificate in sslcert?"
                )
            return CannotConnect(
                f"{target.address} closed the connection at once; is PostgreSQL running there, on that port?"
            )
        case asyncpg.ProtocolViolationError() if _REFUSED_SETTING in said and target.options:
            return CannotConnect(
                f"The pooler at {target.address} takes no options ({said}); leave out PGOPTIONS and options, or go to "
                "the server directly."
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
        case asyncpg.InterfaceError() if "gssauth" in said:
            return AuthenticationFailed(
                f"{target.address} asks role {target.user!r} for GSSAPI or SSPI, which dbconsole cannot do; "
                "let pg_hba.conf ask for a password or a certificate there."
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
        case asyncpg.InternalClientError():
            return ConnectionLost("The server closed the connection.")
        case _ if isinstance(error, _LOST):
            return ConnectionLost(f"The connection was lost: {said}.")
        case _:
            return QueryFailed(f"The server says: {said}.")


def _words(error: BaseException) -> str:
    """The error's own words on one line, without the number before and the full stop at the end."""
    text = re.sub(r"\[Errno -?\d+\] ", "", " ".join(str(error).split())) or type(error).__name__
    return text.removeprefix(_ENDED_BECAUSE).rstrip(".")


def _meant(error: BaseException) -> BaseException:
    """What a server would have said where PgBouncer says only that the protocol was violated."""
    if isinstance(error, asyncpg.ProtocolViolationError):
        for words, kind in _IN_WORDS.items():
            if re.search(words, str(error)):
                return kind(str(error))
    return error
