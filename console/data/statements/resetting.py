"""Forgetting what was counted, as it is shown before it is done."""

from __future__ import annotations

from console.data.identifiers import in_quotes
from console.models.operation import Danger, Operation
from console.models.statements import Statement, StatementsSnapshot
from console.units import count, duration


def reset_arguments(statement: Statement | None) -> tuple[int, int, int]:
    """User, database and identifier for `pg_stat_statements_reset`; zeros are all statements."""
    if statement is None:
        return 0, 0, 0
    return statement.key.user_id, statement.key.database_id, statement.key.query_id


def reset_operation(statement: Statement | None, snapshot: StatementsSnapshot) -> Operation:
    """What forgetting means: of one statement, or of all (None)."""
    user, database, query = reset_arguments(statement)
    since = f" since {snapshot.reset_at.astimezone():%Y-%m-%d %H:%M}" if snapshot.reset_at else ""
    if statement is None:
        name = "all statements"
        present = [entry.figures for entry in snapshot.entries.values() if not entry.is_gone]
        calls, total = sum(f.calls for f in present), sum(f.total for f in present)
        lost = f"The figures of {count(len(present))} statements{since} are lost: {count(calls)} calls, {duration(total)}."
    else:
        name = f"statement {query}"
        entry = snapshot.entries.get(statement.key)
        figures = entry.figures if entry is not None else statement.figures
        lost = (
            f"The figures of this statement of {statement.user} in {statement.database}{since} are lost: "
            f"{count(figures.calls)} calls, {duration(figures.total)}."
        )
    return Operation(
        title=f"Forget the figures of {name}",
        action="Reset",
        object_name=name,
        statements=(
            f"SELECT {in_quotes(snapshot.extension.schema)}.pg_stat_statements_reset({user}, {database}, {query})",
        ),
        consequences=(lost, "Everybody who reads these statistics begins anew, monitoring systems too."),
        danger=Danger.DESTRUCTIVE,
    )
