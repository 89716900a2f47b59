"""Alembic's environment as the worker sets it up: somebody's `env.py` on our connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import context, util
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from console.data.migrations import ledger
from console.models.migrations import Source


@dataclass(frozen=True, slots=True)
class Configured:
    """What an `env.py` told Alembic."""

    version_table: str
    version_schema: str | None
    metadata: Any
    """Its `target_metadata`, None where it has none."""


class ConsoleEnvironment(EnvironmentContext):
    """Takes what `env.py` says about tables and comparisons, but not where and how revisions run.

    They run on a connection of `engine`, each in a transaction of its own; in offline mode as SQL for PostgreSQL,
    into `output_buffer`.
    """

    def __init__(
        self,
        config: Config,
        script: ScriptDirectory,
        *,
        engine: Engine,
        connection: Connection | None = None,
        on_version_apply: Callable[..., None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(config, script, **options)
        self.configured: Configured | None = None
        self.run_arguments: dict[str, Any] = {}
        """What `env.py` hands to every `upgrade()` and `downgrade()`."""
        self._engine = engine
        self._connection = connection
        self._on_version_apply = on_version_apply

    def __enter__(self) -> ConsoleEnvironment:
        super().__enter__()
        return self

    def configure(self, *positional: Any, **given: Any) -> None:
        """As `env.py` wants it, on our connection."""
        connection = positional[0] if positional else given.pop("connection", None)
        given["transaction_per_migration"] = True
        given["include_name"] = _without_ledger(given.get("include_name"))
        for name in (
            "url",
            "dialect_name",
            "dialect_opts",
            "output_buffer",
            "transactional_ddl",
            "starting_rev",
        ):
            given.pop(name, None)
        if self.is_offline_mode():
            connection = None
            # With the style "named", a percent sign is not doubled.
            given |= {"dialect_name": "postgresql", "dialect_opts": {"paramstyle": "named"}}
            given |= {"literal_binds": True, "output_buffer": self.context_opts["output_buffer"]}
        else:
            given["literal_binds"] = False
            if connection is None or connection.engine is not self._engine:
                connection = self._connection
        if self._on_version_apply is not None:
            theirs = util.to_tuple(given.get("on_version_apply"), default=())
            given["on_version_apply"] = (*theirs, self._on_version_apply)
        super().configure(connection=connection, **given)
        made = self.get_context()
        self.configured = Configured(
            made.version_table, made.version_table_schema, made.opts.get("target_metadata")
        )

    def run_migrations(self, **arguments: Any) -> None:
        """Remembers the arguments, which the steps of a dry run get too."""
        self.run_arguments = arguments
        super().run_migrations(**arguments)


# The functions of `alembic.context` lead to this kind of environment, not to the plain one.
ConsoleEnvironment.create_module_class_proxy(vars(context), vars(context))


def _without_ledger(theirs: Callable[..., bool] | None) -> Callable[..., bool]:
    """The project's own filter, for which the ledger does not exist: it is no part of anybody's schema."""

    def include(name: str | None, kind: str, parents: Any) -> bool:
        return not (kind == "table" and name == ledger.TABLE) and (
            theirs is None or theirs(name, kind, parents)
        )

    return include


def open_directory(source: Source) -> tuple[Config, ScriptDirectory]:
    """The project's configuration and its revisions, from the folder in which `alembic` would be called.

    Raises whatever Alembic does, and the files themselves.
    """
    folder = source.config_file.parent if source.config_file else source.directory.parent
    os.chdir(folder)
    # Alembic's own command line reads the two together.
    ini, toml = folder / "alembic.ini", folder / "pyproject.toml"
    if source.config_file is not None:
        if source.config_file.suffix == ".toml":
            toml = source.config_file
        else:
            ini = source.config_file
        config = Config(_if_there(ini), toml_file=_if_there(toml))
    else:
        config = Config()
        if source.version_directories:
            locations = "\n".join(map(str, source.version_directories))
            config.set_main_option("path_separator", "newline")
            config.set_main_option("version_locations", _escaped(locations))
    config.set_main_option("script_location", _escaped(str(source.directory)))
    return config, ScriptDirectory.from_config(config)


def _if_there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _escaped(value: str) -> str:
    return value.replace("%", "%%")
