"""Which of several hosts is gone to: libpq's rules, with a time limit for each address.

Source: PostgreSQL documentation, "Specifying Multiple Hosts" and `target_session_attrs`; `PQconnectPoll` of libpq's
fe-connect.c. The driver's own list has one limit for all hosts, so that the first one can use it up.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import re
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from console.credentials.passwords import Passwords
from console.data.driver import (
    DRIVER_ERRORS,
    cannot_connect,
    connect,
    connect_timeout,
    connection_arguments,
    hang_up,
    set_on,
)
from console.data.pooled import as_pooled
from console.data.queries import OWN_MARK
from console.errors import CannotConnect, TlsFailed, UnfitServer
from console.models.target import SessionKind, Target
from console.settings import Settings

if TYPE_CHECKING:
    _Reached = tuple[asyncpg.Connection[Any], Target]

_T = TypeVar("_T")
_ABOUT_WRITING = (SessionKind.READ_WRITE, SessionKind.READ_ONLY)


async def reach(target: Target, settings: Settings, passwords: Passwords) -> _Reached:
    """A read-only connection to the first place that is what the target asks for, and the target as it is there.

    An address that does not answer, and a server that is starting or of another kind, is passed over. One that refuses
    the role, the database or the encryption ends the search, as in libpq.

    Raises `CannotConnect`, which says of each place why it was not taken.
    """
    problems: list[CannotConnect] = []
    spare: _Reached | None = None
    try:
        for endpoint in _in_order(target.endpoints, target):
            try:
                found = await _connected(target.at(endpoint), settings, passwords)
            except CannotConnect as problem:
                problems.append(problem)
                if _ends_the_search(problem):
                    break
                continue
            unfit = await _unfit(*found, settings)
            if unfit is None:
                return found
            problems.append(unfit)
            if (
                target.session is SessionKind.PREFER_STANDBY
                and spare is None
                and isinstance(unfit, UnfitServer)
            ):
                spare = found
            else:
                await hang_up(found[0])
        else:
            if spare is not None:
                found, spare = spare, None
                return found
        raise _all_of(problems) from problems[-1].__cause__
    finally:
        if spare is not None:
            await hang_up(spare[0])


async def _connected(target: Target, settings: Settings, passwords: Passwords) -> _Reached:
    """A connection to the first address of one place that takes it. Raises `CannotConnect`."""
    limit = connect_timeout(target, settings)
    problems: list[CannotConnect] = []
    try:
        addresses = await _addresses(target, limit)
    except OSError as error:
        raise cannot_connect(error, target, limit) from error
    for there in _in_order(addresses, target):
        arguments = connection_arguments(there, settings)
        if target.session in _ABOUT_WRITING:  # what the server itself says is asked first
            del arguments["server_settings"]["default_transaction_read_only"]
        try:
            connection = await connect(**arguments, passwords=passwords)
            return connection, replace(passwords.known(there), is_pooled=as_pooled(connection) is not None)
        except DRIVER_ERRORS as error:
            problem = cannot_connect(error, there, limit)
            problem.__cause__ = error
            problems.append(problem)
            if isinstance(problem, TlsFailed) or not isinstance(error, OSError):
                break  # the server answered, and would say the same at its other addresses
    raise _all_of(problems) from problems[-1].__cause__


async def _addresses(target: Target, limit: float) -> list[Target]:
    """The target at each address that its host has, in the order of the system. Raises `OSError`."""
    if target.is_socket or target.hostaddr or _is_address(target.host):
        return [target]
    async with asyncio.timeout(limit):
        found = await asyncio.get_running_loop().getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM
        )
    addresses = dict.fromkeys(str(place[0]) for *_, place in found)
    return [replace(target, hostaddr=address) for address in addresses]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _in_order(places: Sequence[_T], target: Target) -> Sequence[_T]:
    return random.sample(places, len(places)) if target.is_shuffled else places


async def _unfit(
    connection: asyncpg.Connection[Any], target: Target, settings: Settings
) -> CannotConnect | None:
    """Why the server is not of the kind that is asked for; None when it is. The connection is read-only from then on."""
    kind, limit = target.session, connect_timeout(target, settings)
    if kind is SessionKind.ANY:
        return None
    try:
        standby, reads_only = await connection.fetchrow(
            "SELECT pg_catalog.pg_is_in_recovery(), "
            f"pg_catalog.current_setting('transaction_read_only')::bool {OWN_MARK}",
            timeout=limit,
        )
        if kind in _ABOUT_WRITING:
            await set_on(connection, {"default_transaction_read_only": "on"}, limit)
    except BaseException as error:
        connection.terminate()
        if not isinstance(error, DRIVER_ERRORS):
            raise
        return cannot_connect(error, target, limit)
    match kind:
        case SessionKind.READ_WRITE:
            fits, what = not reads_only, "is a standby" if standby else "is read-only"
        case SessionKind.READ_ONLY:
            fits, what = reads_only, "takes writes"
        case SessionKind.PRIMARY:
            fits, what = not standby, "is a standby"
        case _:
            fits, what = standby, "is a primary"
    if fits:
        return None
    return UnfitServer(f"{target.address} {what}; target_session_attrs={kind.value} asks for another server.")


def _ends_the_search(problem: CannotConnect) -> bool:
    """Whether other places are not tried: a server answered, and it was no."""
    if isinstance(problem, TlsFailed):
        return True
    return not isinstance(problem.__cause__, OSError | asyncpg.CannotConnectNowError)


def _all_of(problems: Sequence[CannotConnect]) -> CannotConnect:
    """One error for all of them, with what to do about the last one."""
    last = problems[-1]
    sentences = list(dict.fromkeys(problem.sentence for problem in problems))
    if len(sentences) == 1:
        return last
    is_of_last = _ends_the_search(last) or len({type(problem) for problem in problems}) == 1
    reasons = [sentence.partition(";")[0].rstrip(".") for sentence in sentences[:-1]]
    kind = type(last) if is_of_last else CannotConnect
    said = ", ".join(
        re.sub("^(The|No) ", lambda word: word[0].lower(), part) for part in [*reasons, sentences[-1]]
    )
    return kind(f"No way to the server: {said}")
