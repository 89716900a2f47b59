"""What a file of an SQL pair would run, and whether it can run here at all: it was perhaps written for psql."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from console.data.migrations import sql_files
from console.data.migrations.script import (
    copies_with_client,
    is_transaction_control,
    needs_no_transaction,
    outline,
    psql_command,
    split,
)
from console.models.migrations import Direction, Revision, Statement

_PLAIN_CONTROL = re.compile(r"(?:BEGIN|COMMIT|END)(?: WORK| TRANSACTION)?|START TRANSACTION")
"""What may be left out, because the transaction around the file does the same."""


@dataclass(frozen=True, slots=True)
class PairScript:
    """One direction of a pair."""

    path: Path | None
    """None where there is no file."""
    statements: tuple[Statement, ...] = ()
    """Those of the file, without its own BEGIN and COMMIT."""
    is_atomic: bool = True
    """False for the one statement that refuses to run in a transaction."""
    problem: str | None = None
    """Why it cannot run."""
    remark: str | None = None
    """What a person should know of it, though it can run."""


def read_script(revision: Revision, direction: Direction) -> PairScript:
    """The script of a revision in a direction. Raises `BadMigrations` where its file cannot be read as text."""
    path = revision.path if direction is Direction.UPGRADE else revision.rollback_path
    if path is None:
        lacks = "file" if direction is Direction.UPGRADE else "rollback file"
        return PairScript(None, problem=f"{revision.id} has no {lacks}.")
    found = split(sql_files.text_of(path))
    controls = [statement for statement in found if is_transaction_control(statement.text)]
    statements = tuple(statement for statement in found if statement not in controls)
    return PairScript(
        path,
        statements,
        is_atomic=not any(needs_no_transaction(statement.text) for statement in statements),
        problem=_problem(path, found, controls, statements),
        remark=_remark(path, controls, statements),
    )


def _problem(
    path: Path, found: tuple[Statement, ...], controls: list[Statement], statements: tuple[Statement, ...]
) -> str | None:
    for statement in found:
        place = f"{path.name}, line {statement.line}"
        if copies_with_client(statement.text):
            return (
                f"{place}: COPY with rows of the client's own needs psql; write INSERT, or COPY from a file."
            )
        if command := psql_command(statement.text):
            return f"{place}: {command} is a command of psql, which no server understands."
    for statement in controls:
        if not _PLAIN_CONTROL.fullmatch(outline(statement.text)):
            words = " ".join(outline(statement.text).split()[:3])
            return f"{path.name}, line {statement.line}: {words} cannot be left to a migration's file."
    alone = next((statement for statement in statements if needs_no_transaction(statement.text)), None)
    if alone is not None and len(statements) > 1:
        return (
            f"{path.name}, line {alone.line}: this statement cannot run in a transaction, and would have to be the "
            "only one of its file; give it a migration of its own."
        )
    return None


def _remark(path: Path, controls: list[Statement], statements: tuple[Statement, ...]) -> str | None:
    if not statements:
        return f"{path.name} has no statement."
    if controls:
        return f"{path.name} has BEGIN or COMMIT of its own, which are left out: each migration is one transaction."
    return None
