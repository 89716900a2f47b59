"""Where settings are given: options, environment variables, `config.toml`. Each value keeps its origin for messages."""

from __future__ import annotations

import difflib
import os
import re
import stat
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


class ConfigFile(NamedTuple):
    """What `config.toml` says."""

    values: Source
    """The settings, whatever the server."""
    environments: dict[str, Given]
    """What each environment says of itself, a `Source`, by the name that it is given there."""


ENVIRONMENTS = "environments"
"""The table of the tables that are environments."""

NAMING_VARIABLES = (
    "DATABASE_URL",
    *("DB_HOST", "DB_NAME", "DB_USER"),
    *("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"),
)
"""Variables that name a server: where one of them is set, nobody has to be asked which one is meant."""

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
            raise BadSetting(f"{variable}: there is no such setting{closest(variable, variables)}")
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


def read_config(
    file: Path,
    known: Collection[SettingPath],
    of_environments: Collection[SettingPath],
    tables: Collection[str],
) -> ConfigFile:
    """`config.toml`; nothing when it is not there.

    `of_environments` is what an environment may say, `tables` are the settings that hold names of the person's own.

    Raises BadSetting: it cannot be read or trusted, is not TOML, or has a setting that is not known.
    """
    text = _trusted_text(file)
    if text is None:
        return ConfigFile({}, {})
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = str(error)
        raise BadSetting(f"{file} is not TOML: {problem[:1].lower()}{problem[1:]}.") from None
    except RecursionError:
        raise BadSetting(f"{file} is not TOML: it is nested too deeply.") from None
    place = _Place(file, text)
    environments: dict[str, Given] = {}
    named = document.pop(ENVIRONMENTS, {})
    if not isinstance(named, dict):
        raise BadSetting(f"{place.of((ENVIRONMENTS,))} is not a table of environments.")
    for name, table in named.items():
        path = (ENVIRONMENTS, name)
        if not isinstance(table, dict):
            raise BadSetting(f"{place.of(path)} is not a table of names and values.")
        own = _settings(place, path, table, of_environments, tables=())
        environments[name] = Given(own, place.of(path))
    return ConfigFile(_settings(place, (), document, known, tables), environments)


class _Place(NamedTuple):
    """The config file, as messages name what is in it."""

    file: Path
    text: str

    def of(self, path: SettingPath) -> str:
        """`alerts.query_seconds in config.toml, line 3`."""
        line = _line(self.text, path)
        return f"{'.'.join(path)} in {self.file}" + (f", line {line}" if line else "")


def _trusted_text(file: Path) -> str | None:
    """The file's text, None when it is not there.

    It says where to go and which program gives a password, so that nobody else may have written it.
    Raises BadSetting.
    """
    try:
        with open(file, "rb", opener=_at_once) as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise BadSetting(f"{file} cannot be read: it is no file.")
            if found.st_uid not in (os.geteuid(), 0):
                raise BadSetting(f"{file} is not used: it belongs to another user; chown makes it yours.")
            if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise BadSetting(
                    f"{file} is not used: others may write to it; chmod go-w makes it yours alone."
                )
            return opened.read().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise BadSetting(f"{file} is not TOML: it is not UTF-8 text.") from None
    except OSError as error:
        raise BadSetting(f"{file} cannot be read: {error.strerror}.") from None


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for somebody to write, as a named pipe would have it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _settings(
    place: _Place,
    above: SettingPath,
    table: Mapping[str, Any],
    known: Collection[SettingPath],
    tables: Collection[str],
) -> Source:
    """The settings of a table by their paths below it. Raises BadSetting: one of them is not known."""
    sections = {path[0] for path in known if len(path) > 1}
    names = [".".join(path) for path in known] + sorted(sections)
    source: Source = {}
    for path, value in _leaves(table, {*sections, *tables}):
        name = ".".join(path)
        origin = place.of((*above, *path))
        if path[0] in tables and len(path) > 1:
            path = (path[0], ".".join(path[1:]))
        elif name not in names:
            raise BadSetting(f"{origin}: there is no such setting{closest(name, names)}")
        source[path] = Given(value, origin)
    return source


def unchecked(name: str, overrides: Mapping[str, Any], environ: Mapping[str, str], file: Path) -> Any:
    """What a top-level setting was given as, for a first frame that cannot wait until it is checked; else None."""
    if (option := overrides.get(name)) is not None:
        return option
    if variable := environ.get(f"{_PREFIX}{name.upper()}"):
        return variable
    try:
        return tomllib.loads(_trusted_text(file) or "").get(name)
    except (BadSetting, ValueError, RecursionError):
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


def closest(name: str, names: Collection[str]) -> str:
    """How the sentence ends: with the known name that looks most like it, where one does."""
    matches = difflib.get_close_matches(name, names, 1, 0.7)
    return f"; did you mean {matches[0]}?" if matches else "."
