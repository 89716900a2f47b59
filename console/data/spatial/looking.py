"""Looking at objects one by one: at all of a small table, at some of a large one, or at those that an index finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg

from console.data.identifiers import in_quotes
from console.data.spatial.dialects import Dialect, relation
from console.data.spatial.line import MapLine
from console.data.spatial.rows import STORED, is_finite, map_object, object_columns
from console.errors import QueryTimedOut
from console.models.layers import GeometryKind, Layer
from console.models.map_objects import Finding, Flaw, MapObject

SECONDS = 5.0
"""That one look may take on the server."""
LOOKED_AT = (100_000, 2_000)
"""Objects that are looked at: so many, and where that takes too long, so many."""
LOOKED_UP = 2_000
"""Objects of a large table for which the index is asked for others at the same place."""
MOST_COUNTED = 10_000
"""Objects that are counted where an index finds them."""
EXAMPLES = 20
"""Objects that a finding names."""
LISTED = 5
"""SRIDs that a sentence names."""

_SHARED = "Objects at one place with others"


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on the row `o` that is asked of objects one by one."""

    flaw: Flaw
    what: str
    """Those for which it holds, in words."""
    condition: str
    in_index: str | None = None
    """A wider condition that an index answers; "true" where the index answers the condition itself."""
    reason: str | None = None
    """SQL of what is wrong with one of them."""
    consequence: str = ""
    """What comes of them, a sentence."""


class Look:
    """One layer that is looked at."""

    def __init__(self, line: MapLine, layer: Layer, seen: Dialect) -> None:
        self._line = line
        self._layer = layer
        self._own = seen.column
        self._columns = object_columns(layer, seen)
        self._table = relation(layer.name)

    async def at(self, check: Check) -> Finding:
        """The objects for which a condition holds. Raises as `MapLine.fetch`."""
        if check.in_index and self._layer.has_index:
            try:
                return await self._found_by_index(check)
            except QueryTimedOut:
                pass
        many, few = LOOKED_AT
        try:
            return await self._found_among(many, check)
        except QueryTimedOut:
            return await self._found_among(few, check)

    async def at_places(self) -> Finding:
        """The objects at whose place there are others. Raises as `MapLine.fetch`."""
        is_large = self._layer.rows is None or self._layer.rows > LOOKED_AT[0]
        if is_large and self._layer.has_index:
            others = f"SELECT 1 FROM {self._table} AS p WHERE {self._same_place()} LIMIT 2"  # noqa: S608
            condition = f"{is_finite(self._layer)} AND (SELECT count(*) FROM ({others}) AS same) > 1"  # noqa: S608
            return await self._found_among(LOOKED_UP, Check(Flaw.DUPLICATE, _SHARED, condition))
        own = self._own
        place = f"{own}[0], {own}[1]" if self._layer.kind is GeometryKind.POINT else own
        source, is_there = self._some(LOOKED_AT[0]), is_finite(self._layer)
        [row] = await self._fetch(
            "SELECT coalesce(sum(number), 0)::bigint AS looked, "  # noqa: S608
            "coalesce(sum(number) FILTER (WHERE number > 1 AND is_there), 0)::bigint AS found "
            f"FROM (SELECT count(*) AS number, bool_and({is_there}) AS is_there FROM {source} GROUP BY {place}) AS places"
        )
        examples: Sequence[asyncpg.Record] = ()
        if row["found"]:
            shared = f"SELECT {place} FROM {source} GROUP BY {place} HAVING count(*) > 1"  # noqa: S608
            examples = await self._fetch(
                f"SELECT {self._columns} FROM {source} WHERE {is_there} AND ({place}) IN ({shared}) LIMIT {EXAMPLES}"  # noqa: S608
            )
        return self._finding(Flaw.DUPLICATE, _SHARED, row["found"], row["looked"], LOOKED_AT[0], examples)

    async def at_srids(self) -> Finding:
        """The objects in another SRID than most are. Raises as `MapLine.fetch`."""
        srid, source = f"ST_SRID({self._own})", self._some(LOOKED_AT[0])
        rows = await self._fetch(
            f"SELECT {srid} AS srid, count(*) AS number FROM {source} GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608
        )
        looked = sum(row["number"] for row in rows)
        rows = [row for row in rows if row["srid"] is not None]
        said = ", ".join(f"{row['srid']} ({row['number']:,})" for row in rows[:LISTED]) or "none"
        examples: Sequence[asyncpg.Record] = ()
        if len(rows) > 1:
            examples = await self._fetch(
                f"SELECT {self._columns} FROM {source} WHERE {srid} <> $1::int LIMIT {EXAMPLES}",  # noqa: S608
                rows[0]["srid"],
            )
        others = sum(row["number"] for row in rows[1:])
        return self._finding(
            Flaw.MIXED_SRID,
            f"Objects in other SRIDs than most (SRID {said})",
            others,
            looked,
            LOOKED_AT[0],
            examples,
        )

    async def _found_by_index(self, check: Check) -> Finding:
        where = f"FROM {self._table} AS o WHERE {check.in_index} AND ({check.condition})"
        [row] = await self._fetch(
            f"SELECT count(*) AS found FROM (SELECT 1 {where} LIMIT {MOST_COUNTED + 1}) AS counted"  # noqa: S608
        )
        found: int = min(row["found"], MOST_COUNTED)
        examples = await self._fetch(f"SELECT {self._columns} {where} LIMIT {EXAMPLES}") if found else ()
        is_more = row["found"] > MOST_COUNTED
        said = f"{'more than ' if is_more else ''}{found:,}" if found else "none"
        return Finding(
            check.flaw, found, is_more, f"{check.what}: {said} in all of the layer.", self._objects(examples)
        )

    async def _found_among(self, most: int, check: Check) -> Finding:
        source = self._some(most)
        [row] = await self._fetch(
            f"SELECT count(*) AS looked, count(*) FILTER (WHERE {check.condition}) AS found FROM {source}"  # noqa: S608
        )
        examples: Sequence[asyncpg.Record] = ()
        if row["found"]:
            reason = f", left({check.reason}, 200) AS reason" if check.reason else ""
            examples = await self._fetch(
                f"SELECT {self._columns}{reason} FROM {source} WHERE {check.condition} LIMIT {EXAMPLES}"  # noqa: S608
            )
        finding = self._finding(check.flaw, check.what, row["found"], row["looked"], most, examples)
        if finding.count and check.consequence:
            return replace(finding, sentence=f"{finding.sentence} {check.consequence}")
        return finding

    def _finding(
        self, flaw: Flaw, what: str, found: int, looked: int, most: int, examples: Sequence[asyncpg.Record]
    ) -> Finding:
        is_all = self._sample(most) == "" and looked < most
        objects = self._objects(examples)
        said = f"{found:,}" if found else "none"
        among = f"all {looked:,}" if is_all else f"the {looked:,} looked at"
        if not is_all and (self._layer.rows or 0) > looked:
            among += f", of about {self._layer.rows:,}"
        sentence = f"{what}: {said} of {among}."
        if examples and (reason := examples[0].get("reason")):
            sentence += f" {objects[0].label}: {reason}."
        return Finding(flaw, found, not is_all, sentence, objects)

    def _some(self, most: int) -> str:
        """Rows of the layer as `o`: all of them, or so many from pages here and there, always the same ones."""
        ctid = "o.ctid, " if "ctid" in self._layer.key else ""
        return f"(SELECT {ctid}o.* FROM {self._table} AS o {self._sample(most)} LIMIT {most}) AS o"  # noqa: S608

    def _sample(self, most: int) -> str:
        rows = self._layer.rows
        if rows is None or rows <= most or self._layer.relation not in STORED:
            return ""
        return f"TABLESAMPLE SYSTEM ({100 * most / rows:.6f}) REPEATABLE (1)"

    def _same_place(self) -> str:
        """The condition that the row `p` is just where the row `o` is, which an index answers."""
        own, other = self._own, f"p.{in_quotes(self._layer.name.column)}"
        match self._layer.kind:
            case GeometryKind.POINT:
                return f"{other} <@ box({own}, {own})"  # its own ~= takes what is near for the same
            case GeometryKind.GEOGRAPHY:
                return f"{other} && {own} AND {other} = {own}"
            case GeometryKind.GEOMETRY:
                return f"{other} ~= {own} AND {other} = {own}"

    def _objects(self, rows: Sequence[asyncpg.Record]) -> tuple[MapObject, ...]:
        return tuple(map_object(self._layer, row) for row in rows)

    async def _fetch(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await self._line.fetch(statement, *arguments, limit=SECONDS)
