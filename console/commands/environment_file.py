"""Environments written into the config file, and taken out of it: its comments and its order stay."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from console.destinations import environments_called
from console.errors import BadSetting, DbconsoleError
from console.setting_sources import ENVIRONMENTS, default_config_file
from console.settings import environment_name, load_environments

Tables = Mapping[str, Mapping[str, Any]]
"""What environments say, by their names."""


def add_environments(tables: Tables) -> Path:
    """Writes environments into the config file, all or none, and returns that file.

    Raises BadSetting: the file cannot be used, or has one of that name, or what would be added is wrong; DbconsoleError:
    it cannot be written.
    """
    taken = {environment.name: environment.origin for environment in load_environments()}
    for name in tables:
        if origin := taken.get(environment_name(name)):
            raise BadSetting(f"There is an environment {environment_name(name)}: {origin}; remove it first.")

    def add(document: tomlkit.TOMLDocument) -> None:
        if ENVIRONMENTS not in document:
            document[ENVIRONMENTS] = tomlkit.table(is_super_table=True)
        environments = document[ENVIRONMENTS]
        for name, values in tables.items():
            table = tomlkit.inline_table() if isinstance(environments, InlineTable) else tomlkit.table()
            table.update(values)
            environments[name] = table

    return _change(add, {*taken, *map(environment_name, tables)})


def remove_environment(name: str) -> Path:
    """Takes an environment out of the config file, and returns that file.

    Raises BadSetting: there is none of that name; BadSetting and DbconsoleError as `add_environments` does.
    """
    (found,) = environments_called([name])

    def remove(document: tomlkit.TOMLDocument) -> None:
        environments = document[ENVIRONMENTS]
        for key in [key for key in environments if environment_name(key) == found.name]:
            del environments[key]
        if not environments:
            del document[ENVIRONMENTS]

    return _change(remove, {one.name for one in load_environments()} - {found.name})


def _change(change: Callable[[tomlkit.TOMLDocument], None], names: Set[str]) -> Path:
    """Writes a changed config file in the place of the old one, once it is known to be right and to have these `names`."""
    file = default_config_file()
    kept = file.resolve()  # a link stays one
    try:
        text = kept.read_text("utf-8-sig") if kept.exists() else ""
        document = tomlkit.parse(text)
        change(document)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=kept.parent, prefix=f".{kept.name}.")
        try:
            with open(descriptor, "w", encoding="utf-8") as written:
                written.write(tomlkit.dumps(document))
                written.flush()
                os.fsync(written.fileno())
            _check(Path(name), file, names)
            os.replace(name, kept)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name)
    except (TOMLKitError, ValueError):  # of a way of writing that it does not understand
        raise BadSetting(
            f"Nothing was changed: {file} is written in a way that has to be changed by hand."
        ) from None
    except OSError as error:
        raise DbconsoleError(f"{file} was not changed: {error.strerror}.") from None
    return file


def _check(changed: Path, file: Path, names: Set[str]) -> None:
    """Reads the changed file before it takes the place of `file`. Raises BadSetting."""
    try:
        found = {environment.name for environment in load_environments(changed)}
    except BadSetting as problem:
        raise BadSetting(
            f"Nothing was changed: {problem.sentence.replace(str(changed), str(file))}"
        ) from None
    if found != names:
        raise BadSetting(f"Nothing was changed: {file} is written in a way that has to be changed by hand.")
