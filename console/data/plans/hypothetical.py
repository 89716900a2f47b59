"""Indexes tried without being made, by the extension hypopg: they are there for one session's planner only."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from console.data.identifiers import in_quotes
from console.data.plans.candidates import Idea
from console.data.plans.document import document_of
from console.data.plans.explain import Explainer, Prepared
from console.data.plans.tree import places_of
from console.data.queries import OWN_MARK


@dataclass(frozen=True, slots=True)
class Trial:
    """What the planner says with an index."""

    cost: float
    is_used: bool
    size: int
    """Bytes, estimated."""


class Hypothetical:
    """Tries indexes, one at a time, on the connection of an explainer."""

    def __init__(self, explainer: Explainer, prepared: Prepared, schema: str) -> None:
        self._explainer = explainer
        self._prepared = prepared
        self._schema = in_quotes(schema)

    async def cost(self) -> float:
        """What the statement costs with the indexes that there are, in the planner's units."""
        document = document_of(await self._explainer.explain(self._prepared))
        return float(document["Plan"]["Total Cost"])

    async def trial(self, idea: Idea) -> Trial | None:
        """What the statement would cost with an index; None where the server could not make it."""
        connection = self._explainer.connection
        try:
            async with connection.transaction():
                made = [await self._make(definition) for definition in idea.definitions]
                document = document_of(await self._explainer.explain(self._prepared))
        except asyncpg.PostgresError as error:
            if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
                raise
            document = None
        await connection.execute(f"SELECT {self._schema}.hypopg_reset() {OWN_MARK}")
        if document is None:
            return None
        names = {name for name, _ in made}
        return Trial(
            cost=float(document["Plan"]["Total Cost"]),
            is_used=any(place.node.get("Index Name") in names for place in places_of(document)),
            size=sum(size for _, size in made),
        )

    async def _make(self, definition: str) -> tuple[str, int]:
        """The name that the planner knows an index by, and its size."""
        row = await self._explainer.connection.fetchrow(
            f"SELECT m.indexname, {self._schema}.hypopg_relation_size(m.indexrelid) "  # noqa: S608
            f"FROM {self._schema}.hypopg_create_index($1) AS m {OWN_MARK}",
            f"CREATE INDEX {definition}",
        )
        assert row is not None, "it gives a row or fails"
        return row[0], row[1]
