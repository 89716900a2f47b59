"""`dbconsole slow`: the statements that cost the most, as the screen Slow queries shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from console.commands.options import json_option, target_argument

if TYPE_CHECKING:
    from console.data.server import Server
    from console.models.statements import Figures, Selection, Statement, StatementsSnapshot
    from console.settings import Settings

ORDERS: dict[str, Callable[[Figures], float]] = {
    "total": lambda figures: figures.total,
    "mean": lambda figures: figures.mean,
    "calls": lambda figures: figures.calls,
    "io": lambda figures: figures.io_time or 0.0,
    "wal": lambda figures: figures.wal_bytes or 0.0,
}

LINE = 200
"""Characters of a statement in the table."""

WHOLE = 2**31 - 1
"""Characters: more than any text has."""


@click.command("slow")
@target_argument
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--by", type=click.Choice(tuple(ORDERS)), default="total", help="What comes first; total by default."
)
@click.option(
    "--min-mean", "slow__min_mean", metavar="TIME", help="Only what takes so long a call: 100ms, 2s, 0."
)
@click.option("--limit", type=click.IntRange(min=0), default=20, metavar="N", help="How many, 20 by default; 0 is all.")  # fmt: skip
def command(target: str | None, as_json: bool, as_csv: bool, by: str, limit: int, **options: Any) -> None:
    """Print the statements that cost the most.

    As pg_stat_statements has counted them since its statistics were reset. Times are in seconds in JSON and CSV.
    """
    from console.commands.sampling import sampled_with
    from console.errors import BadInput

    if as_json and as_csv:
        raise BadInput("--json and --csv exclude each other; give one of them.")
    snapshot, selection = sampled_with(target, options, _sample)
    ordered = sorted(selection.statements, key=lambda one: -ORDERS[by](one.figures))
    statements = ordered[:limit] if limit else ordered
    if as_json:
        from console.commands.as_json import as_json as to_json

        click.echo(
            to_json(
                {
                    "at": snapshot.at,
                    "since": selection.since,
                    "statements": [record(one) for one in statements],
                }
            )
        )
    elif as_csv:
        click.echo(as_csv_text([record(one) for one in statements]), nl=False)
    else:
        click.echo(as_text(statements, selection, by))


async def _sample(server: Server, settings: Settings) -> tuple[StatementsSnapshot, Selection]:
    from console.data.audit import AuditFile
    from console.data.statements.service import StatementsService
    from console.errors import ObjectMissing, with_remedy
    from console.models.statements import ExtensionState, StatementsView

    service = StatementsService(
        server, AuditFile(), view=StatementsView(min_mean=settings.slow.min_mean), text_length=WHOLE
    )
    snapshot = await service.sample()
    if snapshot.extension.state is not ExtensionState.READY:
        raise ObjectMissing(with_remedy(snapshot.extension.problem, snapshot.extension.remedy))
    while (selection := service.select(snapshot)).without_text:  # a thousand texts come at once
        service.look_at(service.view)
        snapshot = await service.sample()
    return snapshot, selection


def record(statement: Statement) -> dict[str, Any]:
    """A statement as one flat object. Identifiers are text: many a program reads numbers of 64 bits wrong."""
    return {
        "query_id": str(statement.key.query_id) if statement.key.query_id else None,
        "user": statement.user,
        "database": statement.database,
        "is_toplevel": statement.key.is_toplevel,
        "kind": statement.kind,
        "share": statement.share,
        "calls_per_second": statement.calls_per_second,
        "since": statement.since,
        **statement.figures._asdict(),
        "statement": statement.text,
    }


def as_csv_text(records: list[dict[str, Any]]) -> str:
    """Titles and rows; what is not known is empty, and what a spreadsheet would run has an apostrophe in front."""
    import csv
    import io
    from datetime import UTC, datetime
    from enum import Enum

    from console.csv_text import cell
    from console.units import UNKNOWN

    def said(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        if isinstance(value, Enum):
            return "" if value.value == UNKNOWN else value.value
        return cell(value)

    file = io.StringIO()
    if records:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(records[0])
        writer.writerows([said(value) for value in one.values()] for one in records)
    return file.getvalue()


def as_text(statements: list[Statement], selection: Selection, by: str) -> str:
    """A table for a person, and above it of how many statements these are."""
    from console import units
    from console.commands.plain_table import plain_table

    more: dict[str, Callable[[Figures], str]] = {
        "io": lambda figures: units.latency(figures.io_time),
        "wal": lambda figures: units.bytes_binary(figures.wal_bytes),
    }
    named = {"io": ">I/O", "wal": ">WAL"}
    table = plain_table(
        [
            *(">total", ">share", ">mean", ">calls", ">calls/s", ">rows/call"),
            *([named[by]] if by in named else []),
            *("user", "database", "query id", "statement"),
        ],
        [
            [
                units.latency(one.figures.total),
                units.percent(one.share, 0),
                units.latency(one.figures.mean),
                units.count(one.figures.calls),
                units.rate(one.calls_per_second),
                units.compact(one.figures.rows / one.figures.calls if one.figures.calls else None),
                *([more[by](one.figures)] if by in more else []),
                one.user,
                one.database,
                str(one.key.query_id) if one.key.query_id else units.UNKNOWN,
                shortened(one.text or units.UNKNOWN),
            ]
            for one in statements
        ],
    )
    found = len(selection.statements)
    these = f"{len(statements)} of {found}" if len(statements) < found else f"{found}"
    since = f" since {selection.since.astimezone():%Y-%m-%d %H:%M %Z}" if selection.since else ""
    minimum = units.latency(selection.view.min_mean)
    share = units.percent(selection.left_out_share, 0)
    return (
        f"{these} statement{'' if found == 1 else 's'} of at least {minimum} a call{since}; "
        f"{selection.left_out} faster ones ({share} of all time) left out\n\n{table}"
    )


def shortened(text: str) -> str:
    """The beginning of a statement on one line."""
    line = " ".join(text.split())
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"
