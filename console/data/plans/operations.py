"""What a person is asked to confirm before a statement is planned that takes locks, or run for its plan."""

from __future__ import annotations

from collections.abc import Sequence

from console.data.plans.explain import Explainer, statements_of_analysis, statements_of_plan
from console.data.plans.rewriting import for_the_parser
from console.data.plans.statement_text import Effect, StatementText
from console.data.plans.tokens import Kind, tokens_of
from console.errors import OperationRefused
from console.models.operation import Danger, Operation
from console.models.plans import Plan, PlanRequest
from console.settings import Timeouts
from console.units import bytes_binary, latency


def planning(
    request: PlanRequest, statement: StatementText, timeouts: Timeouts, explainer: Explainer | None = None
) -> Operation:
    """What planning means for a statement that does more than read.

    `explainer` is one that has taken on the role; without it nothing is known of the server.
    """
    target = statement.target or "its tables"
    consequences = [
        "The statement is planned and not run, and the transaction is rolled back: nothing changes."
    ]
    if statement.effect is Effect.MAKES_TABLE:
        consequences.append("No table is made: only the query that would fill it is planned.")
    if lock := statement.effect.lock:
        consequences.append(
            f"While it is planned it holds {lock} on {target}: who reads and writes goes on, a migration waits."
        )
        consequences.append(
            f"It waits at most {latency(timeouts.lock)} for that lock, and plans for at most {latency(timeouts.statement)}."
        )
    if explainer is not None:
        consequences.append(explainer.role_note or f"It is planned as {explainer.role}.")
    return Operation(
        title=f"Plan a statement that {statement.effect.value}",
        action="Take plan",
        object_name=statement.target or request.database,
        statements=(
            "BEGIN READ ONLY",
            *(explainer.script if explainer else ()),
            *_statements_of_plan(statement.query, explainer),
            "ROLLBACK",
        ),
        consequences=tuple(consequences),
        danger=Danger.NOTICEABLE,
    )


def _statements_of_plan(text: str, explainer: Explainer | None) -> tuple[str, ...]:
    if explainer is None:
        return statements_of_plan(text, 0, without_values=True)
    text = for_the_parser(text, explainer.major).text
    numbers = (int(token.text[1:]) for token in tokens_of(text).tokens if token.kind is Kind.PARAMETER)
    return statements_of_plan(text, max(numbers, default=0), without_values=explainer.plans_without_values)


def analysis(
    plan: Plan, request: PlanRequest, values: Sequence[str | None], timeout: float, script: Sequence[str]
) -> Operation:
    """What running a statement for its plan means. `timeout` is in seconds; `script` is how its role is taken on."""
    average = f"; on average it takes {latency(request.seconds_per_call)}" if request.seconds_per_call else ""
    consequences = [
        f"The statement really runs, as {plan.role}, in a transaction that only reads and is rolled back.",
        f"It is given up after {timeout:g} s{average}.",
    ]
    if reading := _reading(plan):
        consequences.append(reading)
    return Operation(
        title="Run a statement for its plan",
        action="Run",
        object_name=request.database,
        statements=(
            "BEGIN READ ONLY",
            *script,
            f"SET LOCAL statement_timeout = '{timeout * 1000:.0f}ms'",
            *statements_of_analysis(plan.statement, values),
            "ROLLBACK",
        ),
        consequences=tuple(consequences),
        danger=Danger.NOTICEABLE,
    )


def _reading(plan: Plan) -> str:
    """How much it may pull into the server's memory, which others then have less of."""
    tables = [table for table in plan.tables if table.table_size]
    if not tables:
        return ""
    size = sum(table.table_size or 0 for table in tables)
    names = ", ".join(table.name for table in tables[:3]) + (
        f" and {len(tables) - 3} more" if len(tables) > 3 else ""
    )
    return f"It may read up to {bytes_binary(size)} through the server's buffers: {names}."


def refuse_analysis(effect: Effect, plan: Plan | None = None) -> None:
    """Raises `OperationRefused` for a statement that must not be run for its plan, by its text and by its plan."""
    nodes = plan.nodes if plan else ()
    kinds = {node.title.partition(" on ")[0].rpartition(": ")[2] for node in nodes}
    if kinds & {"Insert", "Update", "Delete", "Merge"} or effect in (Effect.WRITES, Effect.MAKES_TABLE):
        raise OperationRefused("Only a statement that reads is run for its plan, and this one writes.")
    if "LockRows" in kinds or effect is Effect.LOCKS_ROWS:
        raise OperationRefused("Only a statement that reads is run for its plan, and this one locks rows.")


def refuse_number(plan: Plan, values: Sequence[str | None]) -> None:
    """Raises `OperationRefused` for too few values, or too many."""
    if len(values) == len(plan.parameters):
        return
    names = ", ".join(f"${number} {type_}" for number, type_ in enumerate(plan.parameters, 1))
    if values:
        raise OperationRefused(
            f"The statement takes {len(plan.parameters)} values ({names or 'none'}), and {len(values)} were given."
        )
    raise OperationRefused(
        f"To be run, the statement needs values for {names}; give one --value for each, or take the plan of a running "
        "session, whose text has them."
    )
