"""Where settings are given: options, environment variables, `config.toml`. Each value keeps its origin for messages."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from console.errors import BadSetting

SettingPath = tuple[str, ...]


class Given(NamedTuple):
    """A value as it was given, and where, in words that a message can begin with."""

    value: Any
    origin: str


Source = dict[SettingPath, Given]

_PREFIX = "DBCONSOLE_"
_NOT_SETTINGS = frozenset({"DBCONSOLE_DEBUG"})
"""Variables of ours that say how to fail, not how to run."""

_OTHER_VARIABLES: dict[str, SettingPath] = {
    "DB_MAX_OPEN_CONNS": ("pool", "max_open"),
    "DB_MAX_IDLE_CONNS": ("pool", "max_idle"),
    "DB_CONN_MAX_LIFETIME": ("pool", "max_lifetime"),
    "DB_CONN_MAX_IDLE_TIME": ("pool", "max_idle_time"),
    "DB_AUTO_MIGRATE": ("migrations", "auto"),
    "DB_MIGRATE_PATH": ("migrations", "path"),
    "AUDIT_RETENTION_DAYS": ("accounts", "audit_retention_days"),
    "PGCONNECT_TIMEOUT": ("timeouts", "connect"),
}


def default_config_file() -> Path:
    """`$XDG_CONFIG_HOME/dbconsole/config.toml`, or where this system keeps a program's configuration."""
    return platformdirs.user_config_path("dbconsole") / "config.toml"


def from_options(overrides: Mapping[str, Any]) -> Source:
    """The options of the command line, by the name of the setting; None where one was not given.

    A setting of a section is `section__name`, and its option bears the name, that of a `path` the section's.
    """
    return {
        tuple(name.split("__")): Given(value, f"--{_option(name)}")
        for name, value in overrides.items()
        if value is not None
    }


def _option(name: str) -> str:
    return name.removesuffix("__path").rpartition("__")[2].replace("_", "-")


def from_environment(environ: Mapping[str, str], known: Collection[SettingPath]) -> Source:
    """`DBCONSOLE_*`. A variable that is empty counts as not set.

    Raises BadSetting: there is no such setting.
    """
    variables = {_PREFIX + "__".join(path).upper(): path for path in known}
    source: Source = {}
    for variable, value in environ.items():
        if not variable.startswith(_PREFIX) or variable in _NOT_SETTINGS or not value:
            continue
        if variable not in variables:
            raise BadSetting(f"{variable}: there is no such setting{_closest(variable, variables)}")
        source[variables[variable]] = Given(value, variable)
    return source


def from_other_variables(environ: Mapping[str, str], most_connections: int) -> Source:
    """The variables that others named: the platform's services, and libpq."""
    source: Source = {}
    for variable, path in _OTHER_VARIABLES.items():
        value: Any = environ.get(variable)
        if not value:
            continue
        if variable == "PGCONNECT_TIMEOUT" and value in ("0", "-1"):
            continue  # libpq waits for ever then; a console that hangs on a dead address helps nobody
        if variable in ("DB_MAX_OPEN_CONNS", "DB_MAX_IDLE_CONNS") and value.isdecimal():
            # These describe a service's pool, of a hundred perhaps. In Go, 0 open connections means any number.
            unlimited = variable == "DB_MAX_OPEN_CONNS" and not int(value)
            value = most_connections if unlimited else min(int(value), most_connections)
        source[path] = Given(value, variable)
    return source


def from_file(file: Path, known: Collection[SettingPath], tables: Collection[str]) -> Source:
    """`config.toml`; nothing when it is not there. `tables` are the settings that hold names of the person's own.

    Raises BadSetting: it cannot be read, is not TOML, or has a setting that is not known.
    """
    try:
        text = file.read_text("utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise BadSetting(f"{file} is not TOML: it is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
        raise BadSetting(f"{file} is not TOML: {problem[:1].lower()}{problem[1:]}.") from None
    except OSError as error:
        raise BadSetting(f"{file} cannot be read: {error.strerror}.") from None
    sections = {path[0] for path in known if len(path) > 1}
    names = [".".join(path) for path in known] + sorted(sections)
    source: Source = {}
    for path, value in _leaves(document, {*sections, *tables}):
        name = ".".join(path)
        line = _line(text, path)
        origin = f"{name} in {file}" + (f", line {line}" if line else "")
        if path[0] in tables and len(path) > 1:
            path = (path[0], ".".join(path[1:]))
        elif name not in names:
            raise BadSetting(f"{origin}: there is no such setting{_closest(name, names)}")
        source[path] = Given(value, origin)
    return source


def unchecked(name: str, overrides: Mapping[str, Any], environ: Mapping[str, str], file: Path) -> Any:
    """What a top-level setting was given as, for a first frame that cannot wait until it is checked; else None."""
    if (option := overrides.get(name)) is not None:
        return option
    if variable := environ.get(f"{_PREFIX}{name.upper()}"):
        return variable
    try:
        return tomllib.loads(file.read_text("utf-8")).get(name)
    except (OSError, ValueError):
        return None


def _leaves(table: Mapping[str, Any], sections: Collection[str]) -> Iterator[tuple[SettingPath, Any]]:
    """Every value with its path. Only a section is entered: elsewhere a table is a value like another."""
    for name, value in table.items():
        if name in sections and isinstance(value, dict):
            yield from (((name, *rest), leaf) for rest, leaf in _leaves(value, value))
        else:
            yield (name,), value


def _line(text: str, path: SettingPath) -> int | None:
    """The line where a key is set, None where it cannot be told by looking at the beginnings of lines."""
    table: SettingPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[{1,2}([^\[\]]+)\]", line):
            table = _dotted(header[1])
            if table == path:
                return number
        elif (key := re.match(r"\s*([^=#]+?)\s*=", line)) and (*table, *_dotted(key[1])) == path:
            return number
    return None


def _dotted(text: str) -> SettingPath:
    """The parts of a dotted key, without their quotes."""
    return tuple(bare or quoted for quoted, bare in re.findall(r"""["']([^"']*)["']|([\w-]+)""", text))


def _closest(name: str, names: Collection[str]) -> str:
    """How the sentence ends: with the known name that looks most like it, where one does."""
    matches = difflib.get_close_matches(name, names, 1, 0.7)
    return f"; did you mean {matches[0]}?" if matches else "."
