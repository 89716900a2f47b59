"""`dbconsole explain`: what the plan of a statement shows, once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from console.commands.changing import changing_options, confirm
from console.commands.options import json_option

if TYPE_CHECKING:
    from console.data.server import Server
    from console.models.plans import IndexAdvice, IndexCandidate, Plan, PlanRequest
    from console.settings import Settings


@click.command("explain")
@click.argument("words", nargs=-1, metavar="[-] [TARGET]")
@click.option("--query-id", type=int, metavar="ID", help="A statement of pg_stat_statements.")
@click.option("--user", metavar="NAME", help="Of several users who run it, this one.")
@click.option("--database", metavar="NAME", help="Of several databases in which it runs, this one.")
@click.option("--analyze", is_flag=True, help="Run it for real, and roll it back.")
@click.option(
    "--value",
    "values",
    multiple=True,
    help="With --analyze: what $1 is, the next one what $2 is …; NULL means the parameter is NULL.",
)
@click.option("--indexes", is_flag=True, help="Print which indexes might help instead.")
@json_option
@changing_options
def command(
    words: Sequence[str],
    query_id: int | None,
    user: str | None,
    database: str | None,
    analyze: bool,
    values: Sequence[str],
    indexes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Print the plan of a statement: one that pg_stat_statements knows, or with - that of standard input.

    JSON is EXPLAIN's own. What takes locks or really runs is asked about first.
    """
    from console.commands.sampling import sampled_with

    from_stdin = words[:1] == ("-",)
    if from_stdin == (query_id is not None):
        raise click.UsageError("Give either --query-id ID, or - for a statement on standard input.")
    targets = words[1:] if from_stdin else words
    if len(targets) > 1:
        raise click.UsageError(f"Got unexpected extra argument ({targets[1]})")
    text = _statement_of_stdin() if from_stdin else ""
    given_values = [None if value == "NULL" else value for value in values]

    async def ask(server: Server, settings: Settings) -> str:
        from console.data.audit import AuditFile
        from console.data.plans.service import PlansService
        from console.errors import OperationRefused

        if analyze and settings.read_only:
            raise OperationRefused("Nothing was run: --read-only lets no statement run for real.")
        plans = PlansService(server, settings, AuditFile())
        if query_id is None:
            request = _request_for(text, server, user, database)
        else:
            request = await _known(server, query_id, user, database)
        explaining = plans.explaining(request)
        if analyze:
            plans.refuse_running(request)
        explaining = await plans.looked_at(explaining)
        if explaining.operation is not None:
            confirm(explaining.operation, options, err=True)
        plan = await plans.plan(explaining)
        if analyze:
            operation = await plans.analyze_operation(plan, request, given_values)
            confirm(operation, options, err=True)
            plan = await plans.analyze(operation, plan, request, given_values)
        for note in plan.notes:
            _note(note)
        if indexes:
            return _advice(await plans.advise(plan, request), as_json=as_json)
        return _plan(plan, as_json=as_json)

    given = {name: options[name] for name in ("environment", "read_only")}
    click.echo(sampled_with(targets[0] if targets else None, given, ask))


def _statement_of_stdin() -> str:
    from console.errors import BadInput

    text = sys.stdin.read().strip()
    if not text:
        raise BadInput("There is no statement on standard input.")
    return text


def _request_for(text: str, server: Server, user: str | None, database: str | None) -> PlanRequest:
    from console.models.plans import PlanRequest

    return PlanRequest(text, database or server.target.database, user or server.target.user)


async def _known(server: Server, query_id: int, user: str | None, database: str | None) -> PlanRequest:
    """The statement with that identifier, of the target's database rather than of another one.

    Raises `BadInput` where there is none.
    """
    from console.data.audit import AuditFile
    from console.data.statements.service import StatementsService
    from console.errors import BadInput

    every = await StatementsService(server, AuditFile()).find(query_id)
    found = [request for request in every if request.database]
    if not found:
        raise BadInput(f"Statement {query_id} ran only in databases that are not there any more.")
    fitting = [
        request for request in found if user in (None, request.user) and database in (None, request.database)
    ]
    if not fitting:
        raise BadInput(f"Statement {query_id} runs as {_places(found)}, not as --user and --database say.")
    fitting.sort(key=lambda request: request.database != server.target.database)
    if len(fitting) > 1:
        _note(f"It runs as {_places(fitting)}: this is for the first; --user and --database choose.")
    return fitting[0]


def _places(requests: Sequence[PlanRequest]) -> str:
    return ", ".join(f"{request.user} in {request.database}" for request in requests)


def _note(sentence: str) -> None:
    """Says something beside the result."""
    from console.terminal.safe_text import visible

    click.echo(f"! {visible(sentence)}", err=True)


def _plan(plan: Plan, *, as_json: bool) -> str:
    """EXPLAIN's words as they are; made safe where a person reads them."""
    from console.terminal.safe_text import visible

    text = plan.json if as_json else plan.text
    return visible(text, multiline=True) if sys.stdout.isatty() else text


def _advice(advice: IndexAdvice, *, as_json: bool) -> str:
    from console.commands.as_json import as_json as to_json
    from console.commands.plain_table import plain_table
    from console.terminal.safe_text import visible

    if as_json:
        return to_json(advice)
    said = visible(advice.sentence, multiline=True)
    if not advice.candidates:
        return said
    rows = [_candidate(candidate) for candidate in advice.candidates]
    long = [visible(one.statement, multiline=True) for one in advice.candidates if "\n" in one.statement]
    said = "\n\n".join([*long, said])
    return (
        f"{plain_table(['>saves', '>cost', '>with it', '>size', 'statement', 'because of'], rows)}\n\n{said}"
    )


def _candidate(candidate: IndexCandidate) -> list[str]:
    from console.units import UNKNOWN, bytes_binary, count, percent

    first, _, rest = candidate.statement.partition("\n")
    if not candidate.is_tried:
        saves = "not tried"
    else:
        saves = percent(candidate.gain, 0) if candidate.is_used else "not used"
    return [
        saves,
        count(candidate.cost_before),
        count(candidate.cost_after),
        UNKNOWN if candidate.size is None else bytes_binary(candidate.size),
        # Where there is one for each partition they stand below the table.
        f"{first} …" if rest else first,
        candidate.reason,
    ]
