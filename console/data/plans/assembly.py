"""Makes a plan of what the server answered, with what is known of the tables in it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from console.data.plans.document import document_of, without_settings
from console.data.plans.explain import Explainer, Prepared
from console.data.plans.rendering import text_of
from console.data.plans.statement_text import has_open_limit
from console.data.plans.tree import nodes_of, places_of, relations_of
from console.data.queries import query
from console.models.plans import Plan, PlanKind, PlanRequest, PlanTable

_PARTITIONS = (
    "The partition key is compared with a parameter: every partition is in the plan, and which of them a value needs is "
    "found out when the statement runs."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, and to what."""

    request: PlanRequest
    prepared: Prepared
    kind: PlanKind
    json: str
    notes: tuple[str, ...]


async def plan_of(explainer: Explainer, answer: Answer) -> Plan:
    """The plan of an answer. Large ones are read in a thread, to hold nothing else up."""
    json = without_settings(answer.json, explainer.own_settings)
    document = await asyncio.to_thread(document_of, json)
    places = await asyncio.to_thread(places_of, document)
    relations = relations_of(places)
    tables = tables_of(
        await explainer.connection.fetch(
            query("plan_tables", explainer.major),
            [schema for schema, _ in relations],
            [name for _, name in relations],
        )
    )
    known = {(table.schema, table.name): table for table in tables}
    rows_per_call = None if answer.kind is PlanKind.ANALYZED else answer.request.rows_per_call
    if document["Plan"]["Node Type"] == "Limit" and has_open_limit(answer.prepared.text):
        rows_per_call = None  # a tenth of the rows is what the planner takes such a limit for
    nodes = await asyncio.to_thread(nodes_of, places, known, rows_per_call)
    return Plan(
        statement=answer.prepared.text,
        kind=answer.kind,
        nodes=nodes,
        tables=tables,
        json=json,
        text=await asyncio.to_thread(text_of, document, places),
        database=answer.request.database,
        role=explainer.role,
        search_path=explainer.search_path,
        planning_time=_seconds(document, "Planning Time"),
        execution_time=_seconds(document, "Execution Time"),
        settings={n: str(v) for n, v in document.get("Settings", {}).items() if n != "search_path"},
        notes=tuple(note for note in answer.notes if note != _PARTITIONS)
        + ((_PARTITIONS,) if explainer.keeps_partitions else ()),
        parameters=answer.prepared.parameters,
    )


def tables_of(rows: Iterable[asyncpg.Record]) -> tuple[PlanTable, ...]:
    """The tables of the query `plan_tables`, in its order."""
    return tuple(PlanTable(**row) for row in rows)


def _seconds(document: Mapping[str, Any], name: str) -> float | None:
    return document[name] / 1000 if name in document else None
