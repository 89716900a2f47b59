"""Which directory of migrations is meant, and of what kind: read from config files as Alembic reads them, statically."""

from __future__ import annotations

import ast
import configparser
import importlib.util
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from console import resources
from console.data.migrations import sql_files
from console.errors import BadMigrations
from console.models.migrations import Source, SourceKind

PLATFORM = Path("platform")
"""In the place of a path: the migrations that come with the console."""

_INI, _TOML, _ENV, _FOLDER = "alembic.ini", "pyproject.toml", "env.py", "migrations"
_SEPARATORS = {"space": r" +", "newline": r"\n", "os": re.escape(os.pathsep), ":": ":", ";": ";"}
_ANY_SEPARATOR = r", *| +"
"""What Alembic splits at where nothing says how."""
_GOLANG_TABLE = "schema_migrations"


def find_source(path: Path | None, directory: Path) -> Source | None:
    """The migrations at a path, or those of the working directory where there is no path; None where there are none.

    A path may be an `alembic.ini`, a `pyproject.toml`, a folder that has one, Alembic's folder of `env.py`, a folder
    of SQL files, or the word `platform`.

    Raises `BadMigrations` where a path, or a config file that is found, leads to no migrations.
    """
    if path is None:
        return _in_project(directory) or _in_folder(directory / _FOLDER)
    if path == PLATFORM:
        path = resources.folder(_FOLDER)
    path = directory / path.expanduser()
    if not path.exists():
        raise BadMigrations(f"There are no migrations at {path}: it does not exist.")
    found = _in(path) if path.is_dir() else _in_config(path)
    if found is None:
        raise BadMigrations(
            f"{path} has no migrations: no {_INI}, no {_TOML} with [tool.alembic], no {_ENV}, no numbered SQL files."
        )
    return found


def _in(folder: Path) -> Source | None:
    """What a folder is or has. A package that ships its migrations may have a config file beside `env.py`, written
    for another place: then the folder itself is meant.
    """
    try:
        return _in_project(folder) or _in_folder(folder)
    except BadMigrations:
        if not (folder / _ENV).is_file():
            raise
        ini = folder / _INI
        return _alembic(
            folder, ini if ini.is_file() else None, {}
        )  # `env.py` may read its logging from there


def _in_project(folder: Path) -> Source | None:
    for name in (_INI, _TOML):
        if (folder / name).is_file() and (found := _in_config(folder / name)) is not None:
            return found
    return None


def _in_folder(folder: Path) -> Source | None:
    """Where the folder is one of migrations itself."""
    if (folder / _ENV).is_file():
        return _alembic(folder, None, {})
    match sql_files.recognise(folder):
        case None:
            return None
        case SourceKind.GOLANG_MIGRATE as kind:
            return Source(kind, folder.absolute(), version_table=_GOLANG_TABLE)
        case kind:
            return Source(kind, folder.absolute())


def _in_config(file: Path) -> Source | None:
    """What a config file says; None where it is a `pyproject.toml` that says nothing of Alembic."""
    try:
        options = _toml_options(file) if file.suffix == ".toml" else _ini_options(file)
    except OSError as error:
        raise BadMigrations(f"{file} cannot be read: {error.strerror}.") from error
    except (configparser.Error, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadMigrations(f"{file} cannot be read: {' '.join(str(error).split())}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadMigrations(
            f"{file} has a % that stands for nothing: write %% for a per cent sign."
        ) from error
    if options is None:
        return None
    location = options.get("script_location")
    if not isinstance(location, str) or not location:
        raise BadMigrations(f"{file} does not say where the migrations are: it has no script_location.")
    folder = _located(location, file)
    if not (folder / _ENV).is_file():
        raise BadMigrations(f"{file} says that the migrations are in {folder}, where there is no {_ENV}.")
    return _alembic(folder, file, options)


def _ini_options(file: Path) -> dict[str, Any]:
    parser = configparser.ConfigParser({"here": file.absolute().parent.as_posix()})
    with file.open(encoding="utf-8") as lines:
        parser.read_file(lines)
    if not parser.has_section("alembic"):
        raise BadMigrations(f"{file} has no section [alembic].")
    wanted = ("script_location", "version_locations", "path_separator", "version_path_separator")
    options: dict[str, Any] = {
        name: parser.get("alembic", name) for name in wanted if parser.has_option("alembic", name)
    }
    # Alembic takes no other word for it.
    options["recursive_version_locations"] = (
        parser.get("alembic", "recursive_version_locations", fallback="") == "true"
    )
    if locations := options.get("version_locations"):
        separator = options.get("path_separator") or options.get("version_path_separator")
        pattern = _SEPARATORS.get(separator or "", _ANY_SEPARATOR)
        options["version_locations"] = [word.strip() for word in re.split(pattern, locations) if word.strip()]
    return options


def _toml_options(file: Path) -> dict[str, Any] | None:
    tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    options = tool.get("alembic") if isinstance(tool, dict) else None
    if not isinstance(options, dict):
        return None
    here = {"here": file.absolute().parent.as_posix()}
    wanted = {name: options[name] for name in ("script_location", "version_locations") if name in options}
    return {
        "recursive_version_locations": options.get("recursive_version_locations") is True,
        **{
            name: [word % here for word in value] if isinstance(value, list) else value % here
            for name, value in wanted.items()
        },
    }


def _alembic(folder: Path, file: Path | None, options: Mapping[str, Any]) -> Source:
    named = options.get("version_locations") or []
    locations = [_located(name, file) for name in named] or [folder / "versions"]
    if options.get("recursive_version_locations"):
        locations = [below for location in locations for below in _with_folders_below(location)]
    table, schema = _version_table(folder / _ENV)
    return Source(
        SourceKind.ALEMBIC,
        folder.absolute(),
        file.absolute() if file is not None else None,
        tuple(location.absolute() for location in locations),
        schema,
        table or "alembic_version",
    )


def _with_folders_below(location: Path) -> Iterator[Path]:
    for folder, below, _ in os.walk(location):
        below[:] = sorted(name for name in below if not name.endswith("__pycache__"))
        yield Path(folder)


def _located(name: str, file: Path | None) -> Path:
    """A folder as Alembic names it: a path, which it takes from the working directory, or `package:folder`.

    Where nothing is there, from the folder of the config file, as a person who names the file from elsewhere means it.
    """
    home = file.absolute().parent if file is not None else Path.cwd()
    if ":" in name and not os.path.isabs(name):
        package, *parts = name.split(":")
        return _package_folder(package, home).joinpath(*parts)
    path = Path(name)
    return path if path.exists() and not (home / path).exists() else home / path


def _package_folder(package: str, home: Path) -> Path:
    """Where a package is, beside the config file or installed. None of its code is run."""
    top, *below = package.split(".")
    if (home / top).is_dir():
        return home.joinpath(top, *below)
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise BadMigrations(
            f"The migrations should be in the Python package {package}, which is not installed here."
        )
    return Path(spec.submodule_search_locations[0]).joinpath(*below)


# What env.py passes on ----------------------------------------------------------------------------------------------


def _version_table(env: Path) -> tuple[str | None, str | None]:
    """The version table and its schema where `env.py` names them plainly, without running it."""
    try:
        content = env.read_bytes()
        if b"version_table" not in content:
            return None, None
        module = ast.parse(content)
    except (OSError, SyntaxError, ValueError):
        return None, None
    constants = dict(_constants(module))
    found: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                value = keyword.value
                text = constants.get(value.id) if isinstance(value, ast.Name) else _text(value)
                if keyword.arg is not None and text:
                    found.setdefault(keyword.arg, text)
    return found.get("version_table"), found.get("version_table_schema")


def _constants(module: ast.Module) -> Iterable[tuple[str, str]]:
    for statement in module.body:
        if isinstance(statement, ast.Assign) and (text := _text(statement.value)):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, text


def _text(value: ast.expr) -> str | None:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
