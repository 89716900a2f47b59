"""Environments as the platform's services write them into `config/database.yaml`.

    production:
      provider: fly
      host: gaia-db-prod.internal
      port: 5432
      database: postgres
      pool_size: 20
      read_replicas:
        - host: gaia-db-prod-replica1.internal

A placeholder such as `${DB_HOST}` is kept as it is and told of: what it would be now need not be what it is later.
A password is never taken over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from console import conninfo
from console.errors import BadInput, BadSetting, BadTarget
from console.settings import MOST_CONNECTIONS, environment_name

MOST_BYTES = 1_000_000

_PLACES = {
    **{"host": "host", "port": "port", "database": "dbname", "dbname": "dbname", "name": "dbname"},
    **{"user": "user", "username": "user", "sslmode": "sslmode", "ssl_mode": "sslmode"},
}
"""libpq's names of what says where a server is, by the names that it may have in the file."""
_PROVIDERS = ("local", "fly", "aws", "gcp")
_PLACEHOLDER = re.compile(r"\$\{(\w+)[^}]*\}")


class Imported:
    """What a file says: `tables` as the config file has them, by name, and `notes`, a sentence for all that is left to do."""

    def __init__(self, file: Path) -> None:
        """Raises BadInput: the file cannot be read, or has no environments."""
        self.tables: dict[str, dict[str, Any]] = {}
        self.notes: list[str] = []
        self._file = file
        for key, values in _document(file).items():
            try:
                name = environment_name(str(key))
            except BadSetting as problem:
                raise BadInput(f"{file}: {problem.sentence}") from None
            if name in self.tables:
                raise BadInput(f"{file}: there are two environments {name}; rename one.")
            if not isinstance(values, dict):
                raise BadInput(f"{file}: {name} is not a table of names and values.")
            self.tables[name] = self._table(name, values)
        if not self.tables:
            raise BadInput(f"{file} has no environments.")
        if not any("primary" in table or "replicas" in table for table in self.tables.values()):
            raise BadInput(f"{file} names no server: an environment has its host or its url there.")

    def _table(self, name: str, values: Mapping[Any, Any]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        given = {key: value for key, value in values.items() if value is not None}
        options = self._options(name, given)
        replicas = given.pop("read_replicas", None) or []
        provider = given.pop("provider", None)
        connections = [given.pop(key, 0) for key in ("pool_size", "max_overflow")]
        if options:
            table["primary"] = conninfo.keywords(options)
        else:
            self.notes.append(f"{name}: neither host nor url says where it is; write its primary there.")
        if not isinstance(replicas, list):
            raise BadInput(f"{self._file}: {name}.read_replicas is not a list.")
        for replica in replicas:
            own = dict(replica) if isinstance(replica, dict) else {"host": replica}
            whole = options | self._options(f"{name}.read_replicas", own)
            table.setdefault("replicas", []).append(conninfo.keywords(whole))
            self._leave_out(f"{name}.read_replicas", own)
        if provider in _PROVIDERS:
            table["provider"] = provider
        elif provider is not None:
            self._leave_out(name, {"provider": provider})
        if not all(type(number) is int and number >= 0 for number in connections):
            raise BadInput(
                f"{self._file}: {name}.pool_size and {name}.max_overflow have to be whole numbers."
            )
        if 0 < sum(connections) < MOST_CONNECTIONS:
            table["pool"] = {"max_open": sum(connections)}
        self._leave_out(name, given)
        return table

    def _options(self, name: str, given: dict[Any, Any]) -> dict[str, str]:
        """Where a server is, taken out of what is given."""
        options: dict[str, str] = {}
        for key in ("url", "database_url"):
            if (url := given.pop(key, None)) is not None:
                try:
                    parsed = conninfo.parse(_word(url, self._file, f"{name}.{key}"), f"{name}.{key}")
                except BadTarget as problem:
                    raise BadInput(f"{self._file}: {problem.sentence}") from None
                options |= {option: one.value for option, one in parsed.items()}
        for key, option in _PLACES.items():
            if (value := given.pop(key, None)) is not None:
                options[option] = _word(value, self._file, f"{name}.{key}")
                if found := _PLACEHOLDER.search(options[option]):
                    self.notes.append(
                        f"{name}: {key} is the placeholder {found[0]}; write there what it stands for."
                    )
        if given.pop("password", None) is not None or options.pop("password", None) is not None:
            self.notes.append(
                f"{name}: the password was left out; ~/.pgpass or a password_command keeps it, PGPASSWORD gives it."
            )
        if options.pop("sslpassword", None) is not None:
            self.notes.append(f"{name}: sslpassword was left out; a service file keeps it.")
        return options

    def _leave_out(self, name: str, given: Mapping[Any, Any]) -> None:
        if given:
            words = ", ".join(sorted(str(key)[:40] for key in given))
            self.notes.append(f"{name}: {words} was left out, which the console has no use for.")


def _word(value: object, file: Path, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise BadInput(f"{file}: {where} is neither a word nor a number.")
    return str(value)


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which PyYAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value} is there twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _document(file: Path) -> dict[Any, Any]:
    """The file's tables. Raises BadInput."""
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.") from None
    if len(text) > MOST_BYTES:
        raise BadInput(f"{file} is not imported: it has more than {MOST_BYTES:,} bytes.")
    try:
        document = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadInput(f"{file} is not YAML that can be imported: {line}{error.problem}.") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise BadInput(f"{file} is not YAML that can be imported.") from None
    if not isinstance(document, dict):
        raise BadInput(f"{file} has no environments: it is not a table of their names.")
    return document
