"""Looking for what is wrong with the geometry of a layer, without reading all of a large one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from console.data.identifiers import quoted
from console.data.spatial.context import SpatialContext
from console.data.spatial.dialects import dialect
from console.data.spatial.filters import column
from console.data.spatial.looking import Check, Look
from console.data.spatial.rows import STORED, index_statement, is_finite
from console.errors import ObjectMissing, QueryDenied, QueryFailed
from console.models.layers import GeometryKind, Layer
from console.models.map_objects import Finding, Flaw
from console.models.map_view import Envelope

_FAR = 3e38
"""Farther than anything, within what an index keeps of bounds."""
_GLOBE = Envelope(-180.0, -90.0, 180.0, 90.0)
_MERCATOR = Envelope(-20_037_508.35, -20_048_966.11, 20_037_508.35, 20_048_966.11)
_UTM_NORTH = Envelope(166_021.0, 0.0, 833_979.0, 9_329_006.0)
_UTM_SOUTH = Envelope(166_021.0, 1_116_915.0, 833_979.0, 10_000_000.0)
_LOST_BESIDE_NAN = (
    "PostgreSQL's index on points misses others where there is a NaN: correct those, and REINDEX."
)


class Checks:
    """What is wrong with layers of one server."""

    def __init__(self, context: SpatialContext) -> None:
        self._context = context

    async def run(self, layer: Layer, view_srid: int | None) -> AsyncIterator[Finding]:
        """What each check found, and that it found nothing; the places of examples are in the SRID of the view.

        Every check ends after some seconds, looks at a part of a large table, and says so. Raises `QueryDenied`,
        `ObjectMissing`, `OperationRefused` and what says that there is no connection.
        """
        look = Look(self._context.line, layer, dialect(layer, view_srid))
        if layer.relation in STORED:
            yield _index(layer)
            yield _statistics(layer)
        for check in _checks(layer):
            yield await _answer(check.flaw, check.what, look.at(check))
        if layer.kind is GeometryKind.GEOMETRY and not layer.srid:
            yield await _answer(Flaw.MIXED_SRID, "SRIDs", look.at_srids())
        yield await _answer(Flaw.DUPLICATE, "Objects at one place", look.at_places())


async def _answer(flaw: Flaw, what: str, finding: Awaitable[Finding]) -> Finding:
    """What was found; where the server has no answer, that."""
    try:
        return await finding
    except (QueryDenied, ObjectMissing):
        raise
    except QueryFailed as problem:
        return Finding(flaw, 0, is_more=True, sentence=f"{what}: not known. {problem.sentence}")


def bounds(layer: Layer) -> Envelope | None:
    """What the layer's SRID is for, in its own units; None where that is not known here.

    Web Mercator's and those of the UTM zones of WGS 84 are EPSG's.
    """
    if layer.kind is GeometryKind.GEOGRAPHY:
        return None  # which takes nothing else
    if layer.is_geographic:
        return _GLOBE
    match layer.srid:
        case 3857:
            return _MERCATOR
        case int(srid) if 32601 <= srid <= 32660:
            return _UTM_NORTH
        case int(srid) if 32701 <= srid <= 32760:
            return _UTM_SOUTH
    return None


def _index(layer: Layer) -> Finding:
    if layer.has_index:
        return Finding(Flaw.NO_INDEX, 0, is_more=False, sentence=f"{layer.name.column} has an index.")
    return Finding(
        Flaw.NO_INDEX,
        1,
        is_more=False,
        sentence=f"{layer.name.column} has no index: every picture has to read the whole table.",
        remedy=f"{index_statement(layer)};",
    )


def _statistics(layer: Layer) -> Finding:
    name = layer.name
    if layer.is_analysed:
        return Finding(Flaw.NOT_ANALYSED, 0, is_more=False, sentence=f"{name.column} has statistics.")
    return Finding(
        Flaw.NOT_ANALYSED,
        1,
        is_more=False,
        sentence=f"{name.column} has no statistics: nothing can be shown at once, and plans are guesses.",
        remedy=f"ANALYZE {quoted(name.schema)}.{quoted(name.table)} ({quoted(name.column)});",
    )


def _checks(layer: Layer) -> list[Check]:
    """What can be wrong with single objects of such a layer."""
    own = column(layer.name.column)
    checks = [Check(Flaw.NULL, "Objects without geometry", f"{own} IS NULL", in_index="true")]
    if layer.kind is GeometryKind.POINT:
        return [
            *checks,
            Check(
                Flaw.NOT_FINITE,
                "Points with NaN or infinity",
                f"NOT ({is_finite(layer)})",
                consequence=_LOST_BESIDE_NAN,
            ),
        ]
    plane = f"{own}::geometry"
    checks.append(Check(Flaw.EMPTY, "Objects with empty geometry", f"ST_IsEmpty({plane})"))
    infinite = f"NOT ({is_finite(layer)})"
    if not layer.is_points:
        # Bounds do not tell of a NaN that is not the first vertex.
        reason = f"ST_IsValidReason({plane})"
        is_no_number = f"{reason} LIKE 'Invalid Coordinate%'"
        infinite += f" OR {is_no_number}"
        checks.append(
            Check(
                Flaw.INVALID,
                "Objects that are invalid",
                f"NOT ST_IsValid({plane}) AND NOT {is_no_number}",
                reason=reason,
            )
        )
    checks.append(Check(Flaw.NOT_FINITE, "Objects with NaN or infinity", infinite))
    if (envelope := bounds(layer)) is not None:
        checks.append(_out_of_bounds(layer, own, envelope))
    return checks


def _out_of_bounds(layer: Layer, own: str, envelope: Envelope) -> Check:
    beyond = [
        f"ST_XMin({own}) < {envelope.west}",
        f"ST_XMax({own}) > {envelope.east}",
        f"ST_YMin({own}) < {envelope.south}",
        f"ST_YMax({own}) > {envelope.north}",
    ]
    strips = [
        (-_FAR, -_FAR, envelope.west, _FAR),
        (envelope.east, -_FAR, _FAR, _FAR),
        (-_FAR, -_FAR, _FAR, envelope.south),
        (-_FAR, envelope.north, _FAR, _FAR),
    ]
    around = [f"{own} && ST_MakeEnvelope({', '.join(map(str, strip))})" for strip in strips]
    west, south, east, north = (
        f"{edge:,.0f}" for edge in (envelope.west, envelope.south, envelope.east, envelope.north)
    )
    return Check(
        Flaw.OUT_OF_BOUNDS,
        f"Objects outside the bounds of SRID {layer.srid} ({west}, {south} to {east}, {north})",
        f"({' OR '.join(beyond)}) AND {is_finite(layer)}",
        in_index=f"({' OR '.join(around)})",
    )
