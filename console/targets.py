"""Which server is meant.

The first of these that is there: the argument, `DATABASE_URL`, the `DB_*` variables of the platform's services,
libpq's `PG*`, and last the local server as libpq finds it. What an argument or `DATABASE_URL` leaves out is
filled from the service that is named, from `PG*` and from libpq's defaults; `DB_*` are filled with the defaults of
the platform's services.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from console import conninfo
from console.conninfo import Option, Options
from console.errors import BadTarget
from console.models.target import Endpoint, SessionKind, Target, Tcp, Tls
from console.service_file import service_options

SOCKET_DIRECTORIES = ("/var/run/postgresql", "/tmp")
"""Where Debian's libpq and everybody else's looks for the local server."""

_LIBPQ = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGPASSFILE": "passfile",
    "PGSERVICE": "service",
    "PGOPTIONS": "options",
    "PGAPPNAME": "application_name",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGCHANNELBINDING": "channel_binding",
    "PGREQUIREAUTH": "require_auth",
    "PGREQUIREPEER": "requirepeer",
    "PGGSSENCMODE": "gssencmode",
    "PGSSLMODE": "sslmode",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLSNI": "sslsni",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGMAXPROTOCOLVERSION": "max_protocol_version",
}
"""`PGSERVICEFILE` and `PGSYSCONFDIR` say where a service is, and `PGCONNECT_TIMEOUT` is a setting of the console."""
_SERVICES = {
    "DB_HOST": "host",
    "DB_NAME": "dbname",
    "DB_USER": "user",
    "DB_PORT": "port",
    "DB_PASSWORD": "password",
    "DB_SSL_MODE": "sslmode",
}
_SERVICES_NAMING = ("DB_HOST", "DB_NAME", "DB_USER")
_SERVICES_DEFAULTS = {"host": "localhost", "user": "postgres", "sslmode": "disable"}
_FILES = {
    variable: name
    for variable, name in _LIBPQ.items()
    if name in ("passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslcrldir")
}
"""The platform's services have no variables for these, so libpq's serve."""

_MOST = {"keepalives_idle": 32767, "keepalives_interval": 32767, "keepalives_count": 127}
"""What Linux takes."""
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def resolve(argument: str | None = None, environ: Mapping[str, str] = os.environ) -> Target:
    """The one server that is meant.

    `argument` is a `postgresql://` or `postgres://` URL, libpq's keywords (`host=db1 dbname=shop`), or the
    name of a database, as psql takes it.

    Raises BadTarget: it cannot be read, or asks for what the console cannot do.
    """
    if argument is not None:
        return _target(_completed(conninfo.parse(argument, "TARGET"), environ), "argument")
    if url := environ.get("DATABASE_URL"):
        return _target(_completed(conninfo.parse(url, "DATABASE_URL"), environ), "DATABASE_URL")
    if naming := next((variable for variable in _SERVICES_NAMING if environ.get(variable)), None):
        defaults = {name: Option(value, name) for name, value in _SERVICES_DEFAULTS.items()}
        options = defaults | _variables(_FILES, environ) | _variables(_SERVICES, environ)
        return _target(conninfo.check(options), naming)
    options = _completed({}, environ)
    places = (
        options[name].origin
        for name in ("service", "host", "hostaddr", "port", "dbname", "user")
        if name in options
    )
    return _target(options, next(places, "default"))


def _variables(names: Mapping[str, str], environ: Mapping[str, str]) -> Options:
    """The options that variables give. An empty variable does not count, as in libpq."""
    return {
        name: Option(environ[variable], variable) for variable, name in names.items() if environ.get(variable)
    }


def _completed(given: Options, environ: Mapping[str, str]) -> Options:
    """What was given; for the rest what the service says, if one is named, and then libpq's variables."""
    variables = _variables(_LIBPQ, environ)
    if (mode := environ.get("PGREQUIRESSL")) and mode.startswith("1"):
        variables.setdefault("sslmode", Option("require", "PGREQUIRESSL"))
    service = given.get("service") or variables.get("service")
    if service is not None and service.value:
        file = given.get("servicefile")
        said = service_options(service.value, file.value if file else None, environ)
        given = conninfo.check(said) | given
    # What is not used need not be right either.
    unused = {name: option for name, option in variables.items() if name not in given}
    return conninfo.check(unused) | given


def _target(options: Options, origin: str) -> Target:
    values = {name: option.value for name, option in options.items() if option.value}
    user = values.get("user") or _system_user()
    first, *others = _endpoints(options)
    return Target(
        host=first.host,
        port=first.port,
        hostaddr=first.hostaddr,
        password=first.password,
        password_from=first.password_from,
        others=tuple(others),
        user=user,
        database=values.get("dbname") or user,
        tls=_tls(options),
        tcp=_tcp(options),
        connect_timeout=_connect_timeout(options.get("connect_timeout")),
        session=SessionKind(values.get("target_session_attrs", "any")),
        is_shuffled=values.get("load_balance_hosts") == "random",
        application_name=values.get("application_name"),
        options=values.get("options"),
        passfile=values.get("passfile"),
        origin=origin,
    )


def _endpoints(options: Options) -> list[Endpoint]:
    """The places that the lists of hosts, addresses and ports name; libpq's rules say how they go together."""
    hosts, addresses, ports = (_list(options.get(name)) for name in ("host", "hostaddr", "port"))
    count = len(addresses) or len(hosts) or 1
    if hosts and len(hosts) != count:
        raise BadTarget(
            f"{options['host'].origin} and {options['hostaddr'].origin} are not as many: "
            "every host has one address, in the same order."
        )
    if len(ports) > 1 and len(ports) != count:
        raise BadTarget(
            f"{options['port'].origin} does not fit the hosts: there is one for all of them, or one for each."
        )
    ports = ports if len(ports) == count else (ports or [""]) * count
    named = zip(hosts or [""] * count, addresses or [""] * count, ports, strict=True)
    places = [_endpoint(*place, options) for place in named]
    if (own := options.get("password")) is None or not own.value:
        return places
    secret, where = SecretStr(own.value), own.origin.removeprefix("password in ")
    return [replace(place, password=secret, password_from=where) for place in places]


def _endpoint(host: str, address: str, port: str, options: Options) -> Endpoint:
    if host.startswith("@") and not address:
        raise BadTarget(f"{options['host'].origin} names an abstract socket, which is not supported.")
    if address:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise BadTarget(
                f"{options['hostaddr'].origin} is not an address such as 10.0.0.7: a name goes into host."
            ) from None
    number = _port(port, options["port"].origin) if port else 5432
    if not host or (address and (host == address or host.startswith("/"))):
        return Endpoint(address or _local_host(number), number)
    if not host.startswith("/"):
        try:
            host.encode("idna")
        except UnicodeError:
            raise BadTarget(
                f"{options['host'].origin} is not the name of a host: a part is empty or too long."
            ) from None
    return Endpoint(host, number, address or None)


def _list(option: Option | None) -> list[str]:
    return option.value.split(",") if option and option.value else []


def _port(value: str, origin: str) -> int:
    digits = value.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 6 and 1 <= int(digits) <= 65535):
        raise BadTarget(f"{origin} is not a whole number between 1 and 65535.")
    return int(digits)


def _whole_number(option: Option | None, unit: str = "") -> int | None:
    if option is None:
        return None
    digits = option.value.strip()
    if not re.fullmatch(r"[-+]?[0-9]{1,9}", digits):
        raise BadTarget(f"{option.origin} is not a whole number{unit}.")
    return int(digits)


def _connect_timeout(option: Option | None) -> float | None:
    """Seconds; None where libpq would wait for ever, and the console as long as its settings say."""
    seconds = _whole_number(option, " of seconds")
    return float(seconds) if seconds and seconds > 0 else None


def _tcp(options: Options) -> Tcp:
    """How silence is found out. What is not above zero is as if nothing had been said, as in libpq."""
    named = ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    numbers: list[int | None] = []
    for name in named:
        number = _whole_number(options.get(name)) or 0
        if (most := _MOST.get(name)) and number > most:
            raise BadTarget(f"{options[name].origin} is more than {most}.")
        numbers.append(number if number > 0 else None)
    return Tcp(_whole_number(options.get("keepalives")) != 0, *numbers)


def _local_host(port: int) -> str:
    """The directory where a local server's socket is, else "localhost"."""
    for directory in SOCKET_DIRECTORIES:
        if Path(directory, f".s.PGSQL.{port}").exists():
            return directory
    return "localhost"


def _system_user() -> str:
    """The name of who runs the console, which libpq takes for the role."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise BadTarget("No user is named, and the system has no name for this one: set PGUSER.") from None


def _tls(options: Options) -> Tls:
    values = {name: option.value for name, option in options.items() if option.value}
    system_roots = values.get("sslrootcert") == "system"
    mode = values.get("sslmode") or ("verify-full" if system_roots else "prefer")
    if system_roots and mode != "verify-full":
        raise BadTarget(
            f"{options['sslmode'].origin} can only be verify-full where the root certificates are the system's."
        )
    is_direct = values.get("sslnegotiation") == "direct"
    if is_direct and mode in ("disable", "allow", "prefer"):
        raise BadTarget(
            f"{options['sslnegotiation'].origin} can only be direct where sslmode is require or stricter."
        )
    names_server = values.get("sslsni") != "0"
    if mode == "verify-full" and not names_server:
        raise BadTarget(f"{options['sslsni'].origin} can only be 1 where sslmode is verify-full.")
    for name in ("sslrootcert", "sslcert", "sslkey", "sslcrl"):
        if name in values and values[name] != "system" and not Path(values[name]).is_file():
            raise BadTarget(f"{options[name].origin} names a file that is not there: {values[name]}.")
    if "sslcrldir" in values and not Path(values["sslcrldir"]).is_dir():
        raise BadTarget(
            f"{options['sslcrldir'].origin} names a directory that is not there: {values['sslcrldir']}."
        )
    key_password = values.get("sslpassword")
    minimum, maximum = (
        _tls_version(options.get(f"ssl_{bound}_protocol_version")) for bound in ("min", "max")
    )
    if minimum and maximum and minimum > maximum:
        raise BadTarget(
            f"{options['ssl_min_protocol_version'].origin} is newer than "
            f"{options['ssl_max_protocol_version'].origin}."
        )
    return Tls(
        mode=mode,
        root_certificate=values.get("sslrootcert"),
        certificate=values.get("sslcert"),
        key=values.get("sslkey"),
        key_password=SecretStr(key_password) if key_password else None,
        revocations=values.get("sslcrl"),
        revocations_directory=values.get("sslcrldir"),
        minimum=minimum,
        maximum=maximum,
        names_server=names_server,
        is_direct=is_direct,
        presents_certificate=values.get("sslcertmode") != "disable",
    )


def _tls_version(option: Option | None) -> str | None:
    if option is None or not option.value:
        return None
    for version in _TLS_VERSIONS:
        if option.value.lower() == version.lower():
            return version
    raise BadTarget(f"{option.origin} is none of {', '.join(_TLS_VERSIONS)}.")
