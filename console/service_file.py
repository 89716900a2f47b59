"""libpq's service files: options by the name of a service.

Source: PostgreSQL documentation, "The Connection Service File", and `parseServiceInfo`, `parseServiceFile` of libpq's
fe-connect.c. A file is no INI file: there is no quoting, no `%`, and a space is part of what it stands in.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from console.conninfo import Options, named
from console.errors import BadTarget

_SYSTEM_DIRECTORIES = ("/etc/postgresql-common", "/etc/sysconfig/pgsql", "/usr/local/pgsql/etc")
"""Where libpq looks, as Debian, the RPM packages and PostgreSQL itself build it."""
_SPACE = " \t\n\v\f\r"
_LONGEST_LINE = 1021
"""Bytes; libpq refuses a longer one."""


def service_options(service: str, file: str | None, environ: Mapping[str, str]) -> Options:
    """What a service file says of a service; `file` is where to look first instead of the person's own file.

    Raises BadTarget: no file knows the service, a file cannot be read, or has a line that libpq does not understand.
    """
    files = service_files(file, environ)
    for path in files:
        if (found := _options(service, path)) is not None:
            return found
    if not files:
        home, *system = _places(environ)
        raise BadTarget(
            f"There is no service {service!r}: {home} is not there, nor is {' or '.join(map(str, system))}."
        )
    near = difflib.get_close_matches(service, [name for path in files for name in services_in(path)], 1, 0.6)
    hint = f"did you mean {near[0]!r}?" if near else "write it there, or name another one."
    raise BadTarget(f"There is no service {service!r} in {' or '.join(map(str, files))}; {hint}")


def service_files(file: str | None, environ: Mapping[str, str]) -> list[Path]:
    """The service files that are there, the first to be looked into first; `file` is the one that was named, if any.

    Raises BadTarget: the one that was named is not there.
    """
    home, *system = _places(environ)
    own = file or environ.get("PGSERVICEFILE")
    if own and not Path(own).exists():
        raise BadTarget(f"The service file {own} is not there: name another one, or none.")
    first = Path(own) if own else home
    return [*([first] if first.exists() else []), *[path for path in system if path.exists()][:1]]


def _places(environ: Mapping[str, str]) -> list[Path]:
    """The person's own service file, and where the system's may be."""
    home = environ.get("HOME") or os.path.expanduser("~")
    directory = environ.get("PGSYSCONFDIR")
    system = [directory] if directory else _SYSTEM_DIRECTORIES
    return [Path(home, ".pg_service.conf"), *(Path(place, "pg_service.conf") for place in system)]


def services_in(file: Path) -> list[str]:
    """The names of the services in a file, in its order. Raises BadTarget: it cannot be read."""
    return [line[1 : line.index("]")] for _, line in _lines(file) if line.startswith("[") and "]" in line]


def _options(service: str, file: Path) -> Options | None:
    """The options in the first group of that name; None when there is none."""
    options: Options | None = None
    for number, line in _lines(file):
        if line.startswith("["):
            if options is not None:
                break
            if line.startswith(f"[{service}]"):
                options = {}
        elif options is not None:
            place = f"Line {number} of {file}"
            name, equals, value = line.partition("=")
            if line.startswith("ldap"):
                raise BadTarget(
                    f"{place} asks an LDAP server, which is not supported: write the options there."
                )
            if re.search("[\ud800-\udfff]", line):
                raise BadTarget(f"{place} is not text in UTF-8.")
            if not equals or name != name.strip(_SPACE):
                raise BadTarget(f"{place} is not name=value, without spaces around the '='.")
            if name in ("service", "servicefile"):
                raise BadTarget(f"{place} names another service, which a service cannot do: take it out.")
            options.setdefault(name, named(name, value, f"line {number} of {file}"))
    return options


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers from 1."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadTarget(f"The service file {file} cannot be read: {error.strerror}.") from None
    for number, line in enumerate(text.split(b"\n"), 1):
        if len(line) > _LONGEST_LINE:
            raise BadTarget(f"Line {number} of the service file {file} is longer than {_LONGEST_LINE} bytes.")
        words = line.decode(errors="surrogateescape").strip(_SPACE)
        if words and not words.startswith("#"):
            yield number, words
