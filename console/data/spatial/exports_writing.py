"""Objects as the bytes of a file, some rows at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from io import StringIO
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

from console.csv_text import cell
from console.models.layers import GeometryKind
from console.models.map_files import Extract, FileFormat, number_of

if TYPE_CHECKING:
    from asyncpg import Record

_NOT_FINITE = ("NaN", "Infinity")
_LAYER_NAME = re.compile(r"[^A-Za-z0-9_$-]")
_LONGEST_LAYER_NAME = 31
_LONGEST_LABEL = 200


class Writing(Protocol):
    """One file in one format. Its texts are asked for in their order: the beginning, rows, the end."""

    def begin(self) -> bytes:
        """What a file begins with."""

    def rows(self, rows: Sequence[Record]) -> bytes:
        """Some objects."""

    def end(self) -> bytes:
        """What it ends with."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of what was written, a sentence each."""


def writing(extract: Extract, format_: FileFormat) -> Writing:
    """What writes these objects in that format."""
    match format_:
        case FileFormat.GEOJSON:
            return GeoJsonWriting(extract)
        case FileFormat.CSV:
            return CsvWriting(extract)
        case FileFormat.DXF:
            return DxfWriting(extract)


class GeoJsonWriting:
    """RFC 7946: one FeatureCollection, each feature on a line of its own."""

    def __init__(self, extract: Extract) -> None:
        self._has_srid = bool(extract.layer.srid)
        self._count = 0
        self._without_place = 0

    def begin(self) -> bytes:
        return b'{"type":"FeatureCollection","features":['

    def rows(self, rows: Sequence[Record]) -> bytes:
        return "".join(map(self._feature, rows)).encode()

    def _feature(self, row: Record) -> str:
        geometry = row["geometry"]
        if geometry is not None and (
            '"coordinates":[]' in geometry or any(word in geometry for word in _NOT_FINITE)
        ):
            # JSON has no such numbers, and to most readers a place without coordinates is an error.
            self._without_place += 1
            geometry = None
        own_id = f'"id":{row["id"]},' if row["id"] is not None else ""
        comma, self._count = "," if self._count else "", self._count + 1
        return f'{comma}\n{{"type":"Feature",{own_id}"geometry":{geometry or "null"},"properties":{row["properties"]}}}'

    def end(self) -> bytes:
        return b"\n]}\n"

    @property
    def notes(self) -> tuple[str, ...]:
        notes = []
        if not self._has_srid:
            notes.append(
                "What has no SRID is written as it is: readers of GeoJSON take it for longitudes and latitudes."
            )
        if self._without_place:
            notes.append(
                f"Written with a null geometry, for theirs is empty or not of numbers: "
                f"{number_of(self._without_place, 'object')}."
            )
        return tuple(notes)


class CsvWriting:
    """A line of titles, and a line for each object, the geometry last.

    What a spreadsheet would run as a formula has an apostrophe in front; see `csv_text.cell`.
    """

    def __init__(self, extract: Extract) -> None:
        self._titles = [*(one.name for one in extract.layer.attributes), extract.layer.name.column]

    def begin(self) -> bytes:
        return self._lines([self._titles])

    def rows(self, rows: Sequence[Record]) -> bytes:
        return self._lines(rows)

    def _lines(self, rows: Iterable[Iterable[Any]]) -> bytes:
        text = StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in rows)
        return text.getvalue().encode()

    def end(self) -> bytes:
        return b""

    @property
    def notes(self) -> tuple[str, ...]:
        return ()


class DxfWriting:
    """A drawing of AutoCAD R12, which every CAD program reads: points, lines and borders, each with a label.

    The type of a CAD object is its layer in the drawing.
    """

    def __init__(self, extract: Extract) -> None:
        from ezdxf.addons.r12writer import R12FastStreamWriter

        layer = extract.layer
        self._text = StringIO()
        self._drawing = R12FastStreamWriter(self._text)
        self._usual_layer = _layer_name(layer.name.table)
        self._is_points = layer.is_points or layer.kind is GeometryKind.POINT
        self._is_in_degrees = layer.is_geographic and extract.srid in (None, layer.srid)
        self._label_height: float | None = None
        self._left_out = 0

    def begin(self) -> bytes:
        return self._written()

    def rows(self, rows: Sequence[Record]) -> bytes:
        shapes = [(row, _points(row)) for row in rows] if self._is_points else _shapes(rows)
        if self._label_height is None:
            self._label_height = _height(
                [point for _, parts in shapes for _, points in parts for point in points]
            )
        for row, parts in shapes:
            if not parts:
                self._left_out += 1
                continue
            self._draw(row, parts)
        return self._written()

    def _draw(self, row: Record, parts: Sequence[tuple[str, Sequence[Sequence[float]]]]) -> None:
        name = _layer_name(row["kind"]) if row["kind"] else self._usual_layer
        for kind, points in parts:
            if kind == "point":
                # The writer's own points are rounded to six digits, which in degrees is a decimetre.
                x, y, z = (*points[0], 0.0)[:3]
                self._text.write(f"0\nPOINT\n8\n{name}\n10\n{x!r}\n20\n{y!r}\n30\n{z!r}\n")
            elif len(points[0]) == 2:
                self._drawing.add_polyline_2d(points, closed=kind == "border", layer=name)
            else:
                self._drawing.add_polyline(points, closed=kind == "border", layer=name)
        if label := _label(row["label"]):
            self._drawing.add_text(label, parts[0][1][0][:2], self._label_height or 1.0, layer=name)

    def end(self) -> bytes:
        self._drawing.close()
        return self._written()

    def _written(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return _ascii(text)

    @property
    def notes(self) -> tuple[str, ...]:
        notes = []
        if self._is_in_degrees:
            notes.append("The drawing is in degrees; another SRID, such as that of a UTM zone, gives metres.")
        if self._left_out:
            notes.append(
                f"Not in the drawing, for they have no geometry that can be drawn: {number_of(self._left_out, 'object')}."
            )
        return tuple(notes)


_Part = tuple[str, Sequence[Sequence[float]]]
"""`point`, `line` or `border`, and its vertices."""


def _points(row: Record) -> Sequence[_Part]:
    place = [row["x"], row["y"]] if row["z"] is None else [row["x"], row["y"], row["z"]]
    if any(value is None or not isfinite(value) for value in place):
        return ()
    return (("point", [place]),)


def _shapes(rows: Sequence[Record]) -> list[tuple[Record, Sequence[_Part]]]:
    import shapely

    found = shapely.from_wkb([row["shape"] for row in rows], on_invalid="ignore")
    return [(row, tuple(_parts(shape))) for row, shape in zip(rows, found, strict=True)]


def _parts(shape: Any) -> Iterable[_Part]:
    """The points, lines and borders of one of shapely's geometries; a border without its last vertex, the first again."""
    import numpy as np
    import shapely

    if shape is None or shape.is_empty:
        return
    match shape.geom_type:
        case "Point" | "LineString" | "LinearRing":
            vertices = shapely.get_coordinates(shape, include_z=shape.has_z)
            if not np.isfinite(vertices).all():
                return
            if shape.geom_type == "LinearRing":
                yield "border", vertices[:-1].tolist()
            else:
                yield "point" if shape.geom_type == "Point" else "line", vertices.tolist()
        case "Polygon":
            for ring in (shape.exterior, *shape.interiors):
                yield from _parts(ring)
        case _:
            for part in shape.geoms:
                yield from _parts(part)


def _height(points: Sequence[Sequence[float]]) -> float | None:
    """Of labels: a two-hundredth of what the first objects cover; None where that is nothing."""
    if not points:
        return None
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return max(max(xs) - min(xs), max(ys) - min(ys)) / 200 or None


def _layer_name(name: str) -> str:
    """As R12 takes it."""
    return _LAYER_NAME.sub("_", name)[:_LONGEST_LAYER_NAME] or "0"


def _label(text: str | None) -> str:
    """On one line, which is where a value of DXF ends."""
    shown = "".join(character if character.isprintable() else " " for character in text or "")
    return shown.strip()[:_LONGEST_LABEL]


def _ascii(text: str) -> bytes:
    r"""Every other character as DXF writes it in any code page: `\U+00E9`. Above U+FFFF it has none."""
    if text.isascii():
        return text.encode("ascii")
    return "".join(
        character if character.isascii() else f"\\U+{ord(character):04X}" if ord(character) < 0x10000 else "?"
        for character in text
    ).encode("ascii")
