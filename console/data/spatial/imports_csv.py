"""Reading CSV with a place in each line: WKT (or hexadecimal WKB), x and y, or longitude and latitude."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Generator, Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import TextIO

from console.csv_text import cell
from console.data.spatial.imports_reading import FileRow, bounds_of, opened
from console.errors import BadInput
from console.models.layers import LayerName
from console.models.map_view import Envelope

WGS84 = 4326
_LARGEST = 2**28
"""Characters of one field: the server takes no larger text."""
_HEAD = 64 * 1024
_SHAPES = ("wkt", "geom", "geometry", "the_geom", "geog", "wkb_geometry")
_DEGREES = (("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"))
_UNITS = (("x", "y"), ("easting", "northing"))
_WKT = re.compile(r"(?:SRID=\d+;\s*)?([A-Z]+?)(?:\s*(?:ZM|Z|M))?\s*(\(.*\)|EMPTY)", re.DOTALL | re.IGNORECASE)
_POINT = re.compile(r"\s*POINT\s*\(\s*(\S+)\s+(\S+?)\s*\)\s*", re.IGNORECASE)
_HEX = re.compile(r"0[01][0-9A-Fa-f]{16,}")


class CsvReader:
    """One file, whose first line has the titles. A row's document is its place and its other values, as JSON."""

    unit = "line"

    def __init__(self, path: Path, name: LayerName, *, is_core: bool) -> None:
        """`is_core` says that the layer has PostgreSQL's own points, which know no WKT."""
        self.srid: int | None = None
        self.is_pair = False
        self.may_be_cut = False
        self._path = path
        self._name = name
        self._is_core = is_core

    def rows(self) -> Generator[FileRow]:
        """The lines in their order. Raises `BadInput` where the file cannot be read on."""
        csv.field_size_limit(_LARGEST)
        with opened(self._path) as file:
            lines = csv.reader(file, delimiter=self._delimiter(file), strict=True)
            try:
                yield from self._rows(lines)
            except csv.Error as problem:
                cut = (
                    "the file ends inside quotes; it was cut off"
                    if "end of data" in str(problem)
                    else problem
                )
                raise BadInput(
                    f"{self._path.name} cannot be read in line {lines.line_num:,}: {cut}."
                ) from problem

    def _delimiter(self, file: TextIO) -> str:
        titles = file.readline(_HEAD)
        file.seek(0)
        return max(",;\t|", key=titles.count)

    def _rows(self, lines: csv._reader) -> Iterator[FileRow]:  # type: ignore[name-defined]
        titles = [_unguarded(title.strip()) for title in next(lines, [])]
        if len(set(titles)) < len(titles):
            raise BadInput(f"{self._path.name} has two columns of one name; give each its own.")
        place = self._place(titles)
        names = [title for number, title in enumerate(titles) if number not in place]
        last: FileRow | None = None
        line = lines.line_num + 1
        for values in lines:
            if values:
                if len(values) == len(titles):
                    last = self._row(line, values, place, names)
                else:
                    last = FileRow(
                        line, reason=f"it has {len(values)} fields, and the titles are {len(titles)}"
                    )
                yield last
            line = lines.line_num + 1
        if last is not None and not self._ends_with_line():
            if last.reason is not None:
                raise BadInput(
                    f"{self._path.name} ends in the middle of line {last.number:,}; it was cut off."
                )
            self.may_be_cut = True

    def _place(self, titles: Sequence[str]) -> tuple[int, ...]:
        """Which columns say where something is: one with WKT, or that of x and that of y."""
        known = [title.casefold() for title in titles]
        for name in (self._name.column.casefold(), *_SHAPES):
            if name in known:
                return (known.index(name),)
        for x, y in (*_DEGREES, *_UNITS):
            if x in known and y in known:
                self.is_pair = True
                self.srid = WGS84 if (x, y) in _DEGREES else None
                return known.index(x), known.index(y)
        raise BadInput(
            f"{self._path.name} has no column that says where things are: call one {self._name.column} or wkt (with WKT), "
            "or two of them x and y, or lon and lat."
        )

    def _row(self, line: int, values: Sequence[str], place: tuple[int, ...], names: Sequence[str]) -> FileRow:
        others = (value for number, value in enumerate(values) if number not in place)
        properties = {
            name: _unguarded(value) if value else None for name, value in zip(names, others, strict=True)
        }
        try:
            shape, bounds, placed = self._placed([values[number].strip() for number in place])
        except ValueError as problem:
            return FileRow(line, reason=str(problem))
        document = json.dumps({"place": placed, "properties": properties}, ensure_ascii=False)
        return FileRow(line, document, names, shape, bounds)

    def _placed(self, texts: Sequence[str]) -> tuple[str | None, Envelope | None, object]:
        """The type, the bounds, and what the server is given. Raises `ValueError` for what is no place."""
        if not any(texts):
            return None, None, None
        if self._is_core and len(texts) == 1:
            if (found := _POINT.fullmatch(texts[0])) is None:
                raise ValueError(f"{_short(texts[0])} is no point in WKT: POINT(30.1 59.9)")
            texts = found.groups()
        if len(texts) == 2:
            place = [_number(text) for text in texts]
            return "POINT", bounds_of([place]), place
        [text] = texts
        if _HEX.fullmatch(text):
            return None, None, text
        found = _WKT.fullmatch(text)
        if found is None or text.count("(") != text.count(")"):
            raise ValueError(f"{_short(text)} is no WKT")
        return found[1].upper(), bounds_of(_vertices(found[2])), text

    def _ends_with_line(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-2, 2)
            end = file.read()
        return b"\n" in end or b"\r" in end


def _vertices(text: str) -> list[list[float]]:
    """Of WKT, as far as they are numbers: words in it are names of types."""
    vertices = []
    for one in re.split(r"[(),]+", text):
        parts = one.split()
        if parts and not parts[0][0].isalpha():
            if len(parts) < 2:
                raise ValueError(f"{_short(one)} is no vertex")
            vertices.append([_number(part) for part in parts[:2]])
        elif parts and parts[0].casefold() in ("nan", "inf", "infinity"):
            raise ValueError("a coordinate is no finite number")
    return vertices


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        hint = "; a point is what stands before decimals" if "," in text else ""
        raise ValueError(f"{_short(text) or 'nothing'} is no number{hint}") from None
    if not isfinite(number):
        raise ValueError("a coordinate is no finite number")
    return number


def _unguarded(value: str) -> str:
    """Without the apostrophe that `csv_text.cell` puts in front of what a spreadsheet would run."""
    return value[1:] if value.startswith("'") and cell(value[1:]) != value[1:] else value


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
