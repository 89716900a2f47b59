"""Which server is meant.

The first of these that is there: the argument, `DATABASE_URL`, the `DB_*` variables of the platform's services,
libpq's `PG*`, and last the local server as libpq finds it. What an argument or `DATABASE_URL` leaves out is
filled from `PG*` and libpq's defaults; `DB_*` are filled with the defaults of the platform's services.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from console import conninfo
from console.conninfo import SSL_MODES, Option, Options
from console.errors import BadTarget
from console.models.target import Target, Tls

_SOCKET_DIRECTORIES = ("/var/run/postgresql", "/tmp")
"""Where Debian's libpq and everybody else's looks for the local server."""

_LIBPQ = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGSSLMODE": "sslmode",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "PGSERVICE": "service",
    "PGOPTIONS": "options",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGCHANNELBINDING": "channel_binding",
    "PGGSSENCMODE": "gssencmode",
    "PGSSLNEGOTIATION": "sslnegotiation",
    "PGREQUIREAUTH": "require_auth",
    "PGREQUIREPEER": "requirepeer",
    "PGREQUIRESSL": "requiressl",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLCRL": "sslcrl",
    "PGSSLCRLDIR": "sslcrldir",
    "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
    "PGSSLMAXPROTOCOLVERSION": "ssl_max_protocol_version",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGMAXPROTOCOLVERSION": "max_protocol_version",
}
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
_TLS_FILES = {
    variable: name for variable, name in _LIBPQ.items() if name in ("sslrootcert", "sslcert", "sslkey")
}
"""The platform's services have no variables for these, so libpq's serve."""


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
        options = defaults | _variables(_TLS_FILES, environ) | _variables(_SERVICES, environ)
        return _target(conninfo.check(options), naming)
    options = _completed({}, environ)
    places = (
        options[name].origin for name in ("host", "hostaddr", "port", "dbname", "user") if name in options
    )
    return _target(options, next(places, "default"))


def _variables(names: Mapping[str, str], environ: Mapping[str, str]) -> Options:
    """The options that variables give. An empty variable does not count, as in libpq."""
    return {
        name: Option(environ[variable], variable) for variable, name in names.items() if environ.get(variable)
    }


def _completed(given: Options, environ: Mapping[str, str]) -> Options:
    """What was given, and libpq's variables for the rest."""
    variables = conninfo.check(_variables(_LIBPQ, environ))
    if "host" in given or "hostaddr" in given:
        variables.pop("host", None)
        variables.pop("hostaddr", None)
    return variables | given


def _target(options: Options, origin: str) -> Target:
    values = {name: option.value for name, option in options.items()}
    port = _port(options.get("port"))
    user = values.get("user") or _system_user()
    password = values.get("password")
    return Target(
        host=_host(options) or _local_host(port),
        port=port,
        user=user,
        database=values.get("dbname") or user,
        password=SecretStr(password) if password else None,
        tls=_tls(options),
        connect_timeout=_connect_timeout(options.get("connect_timeout")),
        origin=origin,
    )


def _port(option: Option | None) -> int:
    if option is None:
        return 5432
    digits = option.value.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 6 and 1 <= int(digits) <= 65535):
        raise BadTarget(f"{option.origin} is not a whole number between 1 and 65535.")
    return int(digits)


def _connect_timeout(option: Option | None) -> float | None:
    """Seconds; None where libpq would wait for ever, and the console as long as its settings say."""
    if option is None:
        return None
    digits = option.value.strip()
    if not re.fullmatch(r"-?[0-9]{1,6}", digits):
        raise BadTarget(f"{option.origin} is not a whole number of seconds.")
    return float(digits) if int(digits) > 0 else None


def _host(options: Options) -> str | None:
    """The host's name, address or socket directory; None when none is named."""
    host, address = options.get("host"), options.get("hostaddr")
    for option in (host, address):
        if option and "," in option.value:
            raise BadTarget(f"{option.origin} names several hosts, where only one is supported.")
    if host and host.value.startswith("@"):
        raise BadTarget(f"{host.origin} names an abstract socket, which is not supported.")
    if host and address:
        # The address is gone to, the name is what a certificate is verified against: a target has only one.
        raise BadTarget(f"{host.origin} and {address.origin} are not supported together: give one of them.")
    named = address or host
    return named.value if named else None


def _local_host(port: int) -> str:
    """The directory where a local server's socket is, else "localhost"."""
    for directory in _SOCKET_DIRECTORIES:
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
    root = options.get("sslrootcert")
    mode = options.get("sslmode")
    if mode and mode.value not in SSL_MODES:
        raise BadTarget(f"{mode.origin} is none of {', '.join(SSL_MODES)}.")
    system_roots = root is not None and root.value == "system"
    if system_roots and mode and mode.value != "verify-full":
        raise BadTarget(
            f"{mode.origin} can only be verify-full where the root certificates are the system's."
        )
    for name in ("sslrootcert", "sslcert", "sslkey"):
        if (
            (file := options.get(name))
            and not (system_roots and file is root)
            and not Path(file.value).is_file()
        ):
            raise BadTarget(f"{file.origin} names a file that is not there: {file.value}.")
    return Tls(
        mode=mode.value if mode else "verify-full" if system_roots else "prefer",
        root_certificate=root.value if root else None,
        certificate=options["sslcert"].value if "sslcert" in options else None,
        key=options["sslkey"].value if "sslkey" in options else None,
    )
