"""Reading GeoJSON: one FeatureCollection, or features one after another (newline-delimited, RFC 8142)."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol, TextIO

from console.data.spatial.imports_reading import FileRow, bounds_of, opened
from console.errors import BadInput

WGS84 = 4326
_PIECE = 2**20
"""Characters that are read at once."""
_LARGEST = 2**28
"""Characters of one feature: the server takes no larger JSON."""
_NEAR_END = 16
"""Characters from the end within which an error may be but the end of what was read: `tru`, `-1.`, `\\u00`."""
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
"""Lists around the vertices of each type."""
_EPSG = re.compile(r"EPSG:(?:[0-9.]*:)?(\d+)$")
_SPACE = re.compile(r"[ \t\r\n\x1e]*")


class GeoJsonReader:
    """One file. Its rows are features, and each one's document is its own text."""

    unit = "feature"
    is_pair = False
    may_be_cut = False

    def __init__(self, path: Path) -> None:
        self.srid: int | None = WGS84
        self._path = path
        self._count = 0

    def rows(self) -> Generator[FileRow]:
        """The features in their order. Raises `BadInput` where the file cannot be read on."""
        self._count = 0
        with opened(self._path) as file:
            text = _Text(file, self._refuse)
            if text.next() == "[":
                raise BadInput(
                    f"{self._path.name} is a list; what is needed is a FeatureCollection or features."
                )
            text.take("{")
            members: dict[str, Any] = {}
            written: list[str] = []
            is_collection, separator = False, "," if text.next() == '"' else text.take("}")
            while separator == ",":
                name, written_name = text.value()
                text.take(":")
                if name == "features" and text.next() == "[":
                    is_collection = True
                    yield from self._features(text)
                else:
                    members[name], written_value = text.value()
                    written.append(f"{written_name}:{written_value}")
                separator = text.take(",}")
            if is_collection:
                self._finish(members, text)
                return
            # Then it was the first of a sequence.
            yield self._row(members, f"{{{','.join(written)}}}")
            while text.next():
                yield self._row(*text.value())

    def _features(self, text: _Text) -> Iterator[FileRow]:
        text.take("[")
        if text.next() == "]":
            text.take("]")
            return
        while True:
            yield self._row(*text.value())
            if text.take(",]") == "]":
                return

    def _finish(self, members: dict[str, Any], text: _Text) -> None:
        """Looks at what stands around the features."""
        if text.next():
            self._refuse("there is something behind the collection", text.line)
        if members.get("type") != "FeatureCollection":
            raise BadInput(f"{self._path.name} is no FeatureCollection; its type is {members.get('type')}.")
        self.srid = self._named(members.get("crs"))

    def _named(self, crs: Any) -> int | None:
        """The SRID that older GeoJSON says it is in. Raises `BadInput` for one that is not understood."""
        if crs is None:
            return WGS84
        properties = crs.get("properties") if isinstance(crs, dict) else None
        name = str(properties.get("name")) if isinstance(properties, dict) else str(crs)
        if name.endswith("CRS84"):
            return WGS84
        if (found := _EPSG.search(name)) is None:
            raise BadInput(f"{self._path.name} is in {name}, which is not understood; give its SRID.")
        return int(found[1])

    def _row(self, feature: Any, document: str) -> FileRow:
        self._count += 1
        try:
            properties, shape, vertices = _taken_apart(feature)
            return FileRow(self._count, document, properties.keys(), shape, bounds_of(vertices))
        except ValueError as problem:
            return FileRow(self._count, reason=str(problem))
        except RecursionError:
            return FileRow(self._count, reason="it is nested too deeply")

    def _refuse(self, problem: str, line: int) -> NoReturn:
        where = f"behind feature {self._count:,}, in line {line:,}" if self._count else f"in line {line:,}"
        raise BadInput(f"{self._path.name} cannot be read {where}: {problem}.")


def _taken_apart(feature: Any) -> tuple[dict[str, Any], str | None, list[Any]]:
    """Properties, type and vertices of a feature. Raises `ValueError` where it is none."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        said = feature.get("type") if isinstance(feature, dict) else type(feature).__name__
        raise ValueError(f"it is no Feature but {said}")
    properties = feature.get("properties")
    if properties is not None and not isinstance(properties, dict):
        raise ValueError("its properties are no JSON object")
    vertices: list[Any] = []
    geometry = feature.get("geometry")
    shape = _gather(geometry, vertices) if geometry is not None else None
    return properties or {}, shape, vertices


def _gather(geometry: Any, vertices: list[Any]) -> str:
    """Adds the vertices of a geometry, and returns its type. Raises `ValueError` where it is none."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection" and isinstance(geometry.get("geometries"), list):
        for one in geometry["geometries"]:
            _gather(one, vertices)
        return "GEOMETRYCOLLECTION"
    if kind not in _DEPTHS or "coordinates" not in geometry:
        raise ValueError("its geometry is none that GeoJSON knows")
    level = lines = [geometry["coordinates"]]
    for _ in range(_DEPTHS[kind]):
        if not all(isinstance(one, list) for one in level):
            raise ValueError(f"its coordinates are not those of a {kind}")
        lines, level = level, [vertex for one in level for vertex in one]
    if kind == "Point" and level == [[]]:
        return "POINT"
    for vertex in level:
        if not isinstance(vertex, list) or len(vertex) < 2 or not all(type(n) is float for n in vertex):
            raise ValueError(f"its coordinates are not those of a {kind}")
    if kind.endswith("Polygon") and any(len(ring) < 4 or ring[0] != ring[-1] for ring in lines):
        raise ValueError("a border of it does not end where it began, or has fewer than four positions")
    vertices += level
    return str(kind).upper()


class _Refuse(Protocol):
    def __call__(self, problem: str, line: int) -> NoReturn: ...


class _Text:
    """A text that is read piece by piece: of what was taken nothing is kept."""

    def __init__(self, file: TextIO, refuse: _Refuse) -> None:
        self._file = file
        self._refuse = refuse
        self._text = ""
        self._at = 0
        self._lines = 1
        """The line that the text begins on."""
        self._is_whole = False
        # An integer may have more digits than Python makes one of, or than a coordinate can.
        self._decoder = json.JSONDecoder(parse_int=float, parse_constant=_no_constant)

    @property
    def line(self) -> int:
        """Where it is read now."""
        return self._lines + self._text.count("\n", 0, self._at)

    def next(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, allowed: str) -> str:
        """Takes one of these characters, and returns it."""
        found = self.next()
        if not found:
            self._cut()
        if found not in allowed:
            self._stop(f"there is {found!r} instead of {' or '.join(allowed)}")
        self._at += 1
        return found

    def value(self) -> tuple[Any, str]:
        """Takes one value; also its own text."""
        if not self.next():
            self._cut()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                # A number may go on behind what was read.
                if end < len(self._text) or self._is_whole or not isinstance(value, float):
                    break
                self._more()
            except json.JSONDecodeError as error:
                if not self._may_go_on(error):
                    self._stop(f"{error.msg[0].lower()}{error.msg[1:]}", error.pos)
            except ValueError as error:
                self._stop(str(error))
            except RecursionError:
                self._stop("it is nested too deeply")
        document = self._text[self._at : end]
        self._at = end
        return value, document

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether more of the file may be what is missing; it is read then. Where there is no more, it is cut off."""
        is_near_end = error.pos >= len(self._text) - _NEAR_END or error.msg.startswith("Unterminated string")
        if not is_near_end:
            return False
        if len(self._text) - self._at > _LARGEST:
            self._stop("it is larger than the server takes")
        if not self._more():
            self._cut()
        return True

    def _more(self) -> bool:
        """Reads on, the more the longer a value gets; False at the end."""
        piece = self._file.read(max(_PIECE, len(self._text) - self._at))
        self._lines += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + piece, 0
        self._is_whole = not piece
        return bool(piece)

    def _cut(self) -> NoReturn:
        self._stop("the file ends there, in the middle; it was cut off", len(self._text))

    def _stop(self, problem: str, at: int | None = None) -> NoReturn:
        self._at = self._at if at is None else at
        self._refuse(problem, self.line)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
