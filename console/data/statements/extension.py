"""Whether pg_stat_statements is there to be read, and what would bring it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from console.data.identifiers import quoted
from console.data.server import Server
from console.models.statements import Extension, ExtensionState

READ_AS = {
    (1, 7): "statements_1_7",
    (1, 8): "statements_1_8",
    (1, 9): "statements_1_9",
    (1, 10): "statements_1_10",
    (1, 11): "statements_1_11",
    (1, 12): "statements_1_12",
}
"""The query for each version of the extension from which on it is to be used."""

_CREATE = "CREATE EXTENSION pg_stat_statements"
_UPDATE = "ALTER EXTENSION pg_stat_statements UPDATE"


async def find_extension(server: Server) -> Extension:
    """What there is of it. Raises `ConnectionLost` or `QueryFailed`."""
    found = _extension((await server.fetch("statements_extension"))[0], server)
    is_missing = found.state in (ExtensionState.NOT_INSTALLED, ExtensionState.NOT_PRELOADED)
    if is_missing and server.capabilities is not None and not server.capabilities.is_superuser:
        return replace(found, problem=f"{found.problem.rstrip('.:')}; it takes a superuser:")
    return found


def query_of(extension: Extension) -> str:
    """The name of the query that this version understands."""
    wanted = _number(extension.version)
    return READ_AS[max(version for version in READ_AS if version <= wanted)]


def not_preloaded(extension: Extension, preloaded: str | None = None) -> Extension:
    """The same, found out to count nothing. `preloaded` is what the server loads at its start, None if unknown."""
    return _missing(extension, ExtensionState.NOT_PRELOADED, preloaded)


def denied(extension: Extension, role: str, words: str) -> Extension:
    """The same, found out not to be for this role."""
    return Extension(
        ExtensionState.DENIED,
        extension.version,
        extension.schema,
        newest=extension.newest,
        problem=f"The role {role} may not read pg_stat_statements. {words}",
        remedy=(f"GRANT USAGE ON SCHEMA {quoted(extension.schema)} TO {quoted(role)}",),
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _extension(row: Any, server: Server) -> Extension:
    capabilities = server.capabilities
    assert capabilities is not None, "a server that answered is known"
    version, schema = row["version"] or "", row["schema"] or ""
    found = Extension(ExtensionState.READY, version, schema, row["newest"] is not None, row["newest"] or "")
    if not version:
        return _missing(found, ExtensionState.NOT_INSTALLED, row["preloaded"], is_loaded=row["is_loaded"])
    if not row["is_loaded"]:
        return not_preloaded(found, row["preloaded"])
    if not row["may_use"]:
        return denied(found, capabilities.role, f"It is in the schema {schema}.")
    if _number(version) < min(READ_AS):
        return Extension(
            ExtensionState.NOT_INSTALLED,
            version,
            schema,
            newest=found.newest,
            problem=f"pg_stat_statements {version} is too old to be read: 1.7 is the oldest.",
            remedy=(_UPDATE,),
        )
    if found.newest and _number(version) < _number(found.newest):
        return Extension(
            ExtensionState.READY,
            version,
            schema,
            newest=found.newest,
            problem=f"pg_stat_statements is {version} here, the server has {found.newest}: some figures are missing.",
            remedy=(_UPDATE,),
        )
    return found


def _missing(
    found: Extension, state: ExtensionState, preloaded: str | None, *, is_loaded: bool = False
) -> Extension:
    """What is to be done first comes first; what is done already is left out."""
    preload = _preload(preloaded)
    if not found.is_available:
        problem = (
            "pg_stat_statements is not on this server: install PostgreSQL's contrib package there "
            "(Debian has it in postgresql itself, others in postgresql-contrib)."
        )
        remedy: tuple[str, ...] = (preload, _CREATE)
    elif state is ExtensionState.NOT_PRELOADED:
        problem = (
            "pg_stat_statements is installed but not loaded, so it counts nothing. Restart the server after:"
        )
        remedy = (preload,)
    elif is_loaded:
        problem = "pg_stat_statements counts already, but this database cannot show it."
        remedy = (_CREATE,)
    else:
        problem = "pg_stat_statements is not installed, so nobody counts what statements cost. Restart between the two:"
        remedy = (preload, _CREATE)
    return Extension(state, found.version, found.schema, found.is_available, found.newest, problem, remedy)


def _preload(preloaded: str | None) -> str:
    """The setting replaces what is there: what else is loaded has to stand in it too, each in quotes of its own."""
    others = [name.strip().strip('"') for name in (preloaded or "").split(",")]
    names = [f"'{name}'" for name in (*others, "pg_stat_statements") if name]
    unknown = " -- and what is in it already" if preloaded is None else ""
    return f"ALTER SYSTEM SET shared_preload_libraries = {', '.join(dict.fromkeys(names))}{unknown}"
