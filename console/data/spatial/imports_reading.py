"""Files of objects as they are read: row by row, with bounded memory, whatever they claim to be."""

from __future__ import annotations

import stat
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Protocol, TextIO

from console.errors import BadInput
from console.models.map_files import FileFormat
from console.models.map_view import Envelope

_HEAD = 4096
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CUT = ("unexpected end of data", "truncated data")
"""Python's words for a character whose last bytes are missing: only at the end of a file."""
_SIGNATURES = (
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database, perhaps a GeoPackage"),
    (b"\x00\x00\x27\x0a", "a shapefile"),
    (b"<", "XML or HTML"),
)
_SUFFIXES = {
    ".json": "GeoJSON",
    ".geojson": "GeoJSON",
    ".geojsonl": "GeoJSON",
    ".ndjson": "GeoJSON",
    ".csv": "CSV",
}


@dataclass(frozen=True, slots=True)
class FileRow:
    """One object of a file, or why it is none."""

    number: int
    """Of the feature or of the line it begins on."""
    document: str = ""
    """JSON, as the server is given it."""
    names: Collection[str] = ()
    """Of its attributes."""
    shape: str | None = None
    """PostGIS's word in capitals; None without a geometry, or where only the server can tell."""
    bounds: Envelope | None = None
    """x and y as they stand in the file."""
    reason: str | None = None
    """Why it cannot be sent."""


class FileReader(Protocol):
    """One file in one format."""

    unit: str
    """What its rows are counted in."""
    srid: int | None
    """What the file says that its coordinates are in, or what is usual for it; known behind the last row."""

    is_pair: bool
    """Whether a place is x and y, and no geometry; known behind the first row."""

    may_be_cut: bool
    """Whether the last row may have lost its end without a sign of it; known behind the last row."""

    def rows(self) -> Generator[FileRow]:
        """The objects in their order. Raises `BadInput` where the file cannot be read on."""


def recognised(path: Path) -> FileFormat:
    """What a file is by what is in it. Raises `BadInput` for what cannot be imported, and for what its name denies."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise BadInput(f"{path} is a folder; name a file.")
        if not stat.S_ISREG(mode):
            # It is read more than once, and a pipe that nobody writes into would be waited for.
            raise BadInput(f"{path} is a pipe or a device; write what comes from it into a file first.")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    for signature, what in _SIGNATURES:
        if head.lstrip().startswith(signature) if signature == b"<" else head.startswith(signature):
            raise BadInput(f"{path.name} is {what}; what can be imported is GeoJSON and CSV.")
    if b"\x00" in head and not head.startswith(_UTF_16):
        raise BadInput(f"{path.name} is no text; what can be imported is GeoJSON and CSV.")
    for mark in (b"\xef\xbb\xbf", *_UTF_16):
        head = head.removeprefix(mark)
    text = head.replace(b"\x00", b"").lstrip(b" \t\r\n\x1e")
    if not text:
        raise BadInput(f"{path.name} is empty.")
    found = FileFormat.GEOJSON if text.startswith((b"{", b"[")) else FileFormat.CSV
    claimed = _SUFFIXES.get(path.suffix.lower())
    if claimed is not None and (claimed == "CSV") != (found is FileFormat.CSV):
        other = "JSON" if found is FileFormat.GEOJSON else "text without JSON"
        raise BadInput(f"{path.name} is called {claimed}, and is {other}; give it the name of what it is.")
    return found


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The file as text: UTF-8, or UTF-16 where it begins as such. Raises `BadInput` where it is neither."""
    try:
        with path.open("rb") as file:
            mark = file.read(2)
        encoding = "utf-16" if mark in _UTF_16 else "utf-8-sig"
        with path.open(encoding=encoding, newline="") as text:
            yield text
    except UnicodeDecodeError as error:
        if error.reason in _CUT:
            raise BadInput(f"{path.name} ends in the middle of a character; it was cut off.") from error
        raise BadInput(
            f"{path.name} is not UTF-8 (the byte {error.object[error.start]:#04x} cannot be there); convert it, for one "
            f"with: iconv -f LATIN1 -t UTF-8."
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error


def bounds_of(vertices: Sequence[Sequence[Any]]) -> Envelope | None:
    """Around x and y of vertices; None for none. Raises `ValueError` where they are no numbers."""
    if not vertices:
        return None
    xs, ys = [vertex[0] for vertex in vertices], [vertex[1] for vertex in vertices]
    west, south, east, north = min(xs), min(ys), max(xs), max(ys)
    # A NaN can be missed by a comparison, and not by a sum.
    if not isfinite(sum(xs)) or not isfinite(sum(ys)):
        raise ValueError("a coordinate is no finite number")
    return Envelope(west, south, east, north)
