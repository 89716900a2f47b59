"""The servers of the environments: as they are listed, and what they answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from pydantic import SecretStr

from console.commands.as_json import as_json as json_of
from console.commands.launch import echo_warning, find_target, passwords_for
from console.commands.plain_table import plain_table
from console.data.server import Server
from console.destinations import (
    environments_called,
    holds_password,
    names_a_server,
    servers_of,
    target_of,
    with_address,
)
from console.errors import BadInput, DbconsoleError
from console.models.environments import Destination, Environment, Kind
from console.settings import load_environments, load_settings
from console.terminal.safe_text import visible
from console.units import UNKNOWN, duration

_WRITE_ONE = "dbconsole env add NAME TARGET writes one into the config file."
NO_ENVIRONMENT = f"There is no environment yet; {_WRITE_ONE}"
NO_SERVER = f"There is no server to test; {_WRITE_ONE}"


@dataclass(frozen=True, slots=True)
class ListedServer:
    """A server of an environment, without a password, or an environment that only has settings."""

    environment: str
    server: str | None
    """"primary", "replica 1", "pooler"; None where the environment has no server of its own."""
    address: str | None
    problem: str | None
    """Why the server has no address."""
    provider: str | None
    read_only: bool
    confirm: str | None
    """"typed" where the names of what is changed have to be typed out."""
    origin: str


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a server of an environment answered."""

    environment: str
    server: str
    address: str | None
    version: str | None
    role: str | None
    state: str | None
    """"primary" or "standby"."""
    connected_in: float | None
    """Seconds until the connection was there."""
    round_trip: float | None
    """Seconds that one question took on it."""
    problem: str | None
    """Why it did not answer."""


def check_address(address: str) -> None:
    """Raises BadTarget for what is no address, BadInput for one with a password in it."""
    target_of(Destination("TARGET", Kind.ARGUMENT, "TARGET", SecretStr(address)), os.environ)
    if holds_password(SecretStr(address)):
        raise BadInput(
            "A password is not written into the config file: leave it out; ~/.pgpass or --password-command keeps it, "
            "and a service file that of a key."
        )


def listed(*, as_json: bool) -> str:
    """The servers of all environments, without connecting to one."""
    found = [row for environment in load_environments() for row in _listed(environment)]
    if as_json:
        return json_of(found)
    if not found:
        return NO_ENVIRONMENT
    headings = ["environment", "server", "address", "provider", "marks"]
    rows = [
        [
            *(row.environment, row.server or UNKNOWN),
            *(f"! {row.problem}" if row.problem else row.address or UNKNOWN, row.provider or UNKNOWN),
            " ".join([*(["read-only"] if row.read_only else []), *([row.confirm] if row.confirm else [])]),
        ]
        for row in found
    ]
    return plain_table(headings, rows)


def _listed(environment: Environment) -> list[ListedServer]:
    alone = ListedServer(
        environment=environment.name,
        server=None,
        address=None,
        problem=None,
        provider=environment.provider,
        read_only=environment.read_only,
        confirm="typed" if environment.types_names else None,
        origin=environment.origin,
    )
    servers = [with_address(server, os.environ) for server in servers_of(environment)]
    return [
        replace(alone, server=_part(server), address=server.address or None, problem=server.problem)
        for server in servers
    ] or [alone]


def _part(server: Destination) -> str:
    return server.name.partition(" · ")[2] or "primary"


def tested(names: Sequence[str], *, as_json: bool) -> tuple[str, bool]:
    """What the servers of these environments answer, or of all; and whether every one did.

    As with `-e`, libpq's variables fill what the addresses of one environment leave out; of several environments they
    would give the password of one to another.
    """
    environments = environments_called(names)
    uses_variables = len(environments) == 1 and names_a_server(os.environ) is None
    servers = [
        replace(server, uses_variables=uses_variables)
        for environment in environments
        for server in servers_of(environment)
    ]
    answers = asyncio.run(_all_answers(servers))
    all_answered = all(answer.problem is None for answer in answers)
    if as_json:
        return json_of(answers), all_answered
    if not answers:
        return NO_SERVER, True
    headings = [
        "environment",
        "server",
        "address",
        "version",
        "role",
        "state",
        ">connected in",
        ">round trip",
    ]
    rows = [
        [
            *(answer.environment, answer.server, answer.address or UNKNOWN, answer.version or UNKNOWN),
            *(answer.role or UNKNOWN, answer.state or "no answer"),
            *(duration(answer.connected_in), duration(answer.round_trip)),
        ]
        for answer in answers
    ]
    problems = [
        f"! {answer.environment}, {answer.server}: {answer.problem}" for answer in answers if answer.problem
    ]
    return "\n".join([plain_table(headings, rows), *(visible(problem) for problem in problems)]), all_answered


async def _all_answers(servers: Sequence[Destination]) -> list[ServerAnswer]:
    return await asyncio.gather(*map(_answer, servers))


async def _answer(destination: Destination) -> ServerAnswer:
    assert destination.environment is not None, "it is one of an environment"
    nothing = ServerAnswer(destination.environment, _part(destination), *[None] * 7)
    server = None
    try:
        settings = load_settings({"environment": destination.environment})
        target = await asyncio.to_thread(find_target, destination, echo_warning)
        nothing = replace(nothing, address=target.label)
        server = Server(target, settings, passwords=passwords_for(destination, target, settings))
        began = perf_counter()
        await server.connect()
        connected = perf_counter()
        await server.ask("capabilities")
        answered = perf_counter()
        capabilities = server.capabilities
        assert capabilities is not None, "it is connected"
        return replace(
            nothing,
            address=server.target.label,
            version=capabilities.version,
            role=capabilities.role,
            state="standby" if capabilities.in_recovery else "primary",
            connected_in=connected - began,
            round_trip=answered - connected,
        )
    except DbconsoleError as problem:
        return replace(nothing, problem=problem.sentence)
    finally:
        if server is not None:
            await server.close()
