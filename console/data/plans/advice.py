"""Whether an index would help a statement: what its plan suggests, tried where that can be done without making one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from console.data.identifiers import quoted
from console.data.plans.building import statements_of
from console.data.plans.candidates import Existing, Family, Idea, ideas_of
from console.data.plans.explain import Explainer
from console.data.plans.hypothetical import Hypothetical, Trial
from console.data.queries import query
from console.models.plans import IndexAdvice, IndexCandidate, Plan

_NOTHING = (
    "No filter, join or sort of this plan is one that a b-tree index which is not there yet would answer."
)


async def advice_on(plan: Plan, explainer: Explainer) -> IndexAdvice:
    """The indexes that might help, the greatest gain first; with what the planner says of them where hypopg is there."""
    names = [table.schema for table in plan.tables], [table.name for table in plan.tables]
    connection, major = explainer.connection, explainer.major
    families = _families(await connection.fetch(query("plan_families", major), *names))
    existing = [
        Existing(row["schema"], row["name"], tuple(row["columns"]), row["is_partial"])
        for row in await connection.fetch(query("plan_indexes", major), *names)
    ]
    ideas = await asyncio.to_thread(ideas_of, plan, families, existing)
    if not ideas:
        return IndexAdvice((), _NOTHING)
    statements = await statements_of(ideas, explainer)
    (hypopg,) = await connection.fetch(query("plan_hypopg", major))
    if why := _why_not(hypopg, plan.database, explainer.role, major):
        untried = (_candidate(idea, made, None, None) for idea, made in zip(ideas, statements, strict=True))
        return IndexAdvice(tuple(untried), why)
    hypothetical = Hypothetical(explainer, await explainer.prepare(plan.statement), hypopg["schema"])
    before = await hypothetical.cost()
    tried = [
        _candidate(idea, made, before, await hypothetical.trial(idea))
        for idea, made in zip(ideas, statements, strict=True)
    ]
    tried.sort(key=lambda candidate: -(candidate.gain or 0.0))
    return IndexAdvice(
        tuple(tried), "Each was tried by itself with hypopg, which tells it to the planner; none was made."
    )


def _families(rows: Sequence[asyncpg.Record]) -> list[Family]:
    members: dict[tuple[str, str], list[asyncpg.Record]] = {}
    for row in rows:
        members.setdefault((row["root_schema"], row["root_name"]), []).append(row)
    return [
        Family(
            schema=schema,
            name=name,
            members=tuple((row["schema"], row["name"]) for row in rows),
            pages=sum(row["pages"] for row in rows),
            types=dict(zip(rows[0]["columns"], rows[0]["types"], strict=True)),
        )
        for (schema, name), rows in members.items()
    ]


def _why_not(hypopg: asyncpg.Record, database: str, role: str, major: int) -> str:
    """Why nothing can be tried, and what would allow it; "" where it can."""
    if hypopg["schema"] is None:
        files = (
            ""
            if hypopg["is_available"]
            else f"install its files on the server (postgresql-{major}-hypopg), then "
        )
        return (
            "Not tried: that needs the extension hypopg, which tells the planner of an index without making it; "
            f"{files}CREATE EXTENSION hypopg in database {quoted(database)} allows it."
        )
    if not hypopg["may_use"]:
        schema = quoted(hypopg["schema"])
        return (
            f"Not tried: the role {role} may not use the schema of hypopg; GRANT USAGE ON SCHEMA {schema} TO "
            f"{quoted(role)} allows it."
        )
    return ""


def _candidate(idea: Idea, statement: str, before: float | None, trial: Trial | None) -> IndexCandidate:
    return IndexCandidate(
        schema=idea.family.schema,
        table=idea.family.name,
        columns=idea.keys,
        condition=idea.condition,
        reason=idea.reason,
        statement=statement,
        is_tried=trial is not None,
        cost_before=before if trial else None,
        cost_after=trial.cost if trial else None,
        is_used=trial.is_used if trial else None,
        size=trial.size if trial else None,
    )
