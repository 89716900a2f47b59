"""Files of objects as they are read before a server sees them: what each is taken for, and what is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.data.spatial.imports_csv import CsvReader
from console.data.spatial.imports_geojson import GeoJsonReader
from console.data.spatial.imports_reading import FileRow, recognised
from console.errors import BadInput
from console.models.layers import LayerName
from console.models.map_files import FileFormat


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(path: Path, content: str | bytes) -> tuple[CsvReader, list[FileRow]]:
    reader = CsvReader(written(path / "a.csv", content), LayerName("public", "t", "geom"), is_core=False)
    return reader, list(reader.rows())


def features(path: Path, geometry: str, properties: str = "{}") -> list[FileRow]:
    feature = f'{{"type": "Feature", "geometry": {geometry}, "properties": {properties}}}'
    return list(GeoJsonReader(written(path / "a.geojson", feature)).rows())


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name, said in (
        ("pipe.csv", "is a pipe or a device"),
        ("", "is a folder"),
        ("none.csv", "No such file"),
        ("x" * 300, "File name too long"),
    ):
        with pytest.raises(BadInput, match=said):
            recognised(tmp_path / name)
    assert recognised(written(tmp_path / "a.csv", "PK_UID,lon,lat\n1,2,3\n")) is FileFormat.CSV


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_ends_within_a_character_was_cut_off(tmp_path: Path, encoding: str) -> None:
    content = "lon,lat,name\n1,2,é".encode(encoding)[:-1]
    with pytest.raises(BadInput, match="ends in the middle of a character; it was cut off"):
        table(tmp_path, content)


def test_a_number_that_may_have_lost_its_last_digits_is_pointed_out(tmp_path: Path) -> None:
    for end, may_be_cut in (("", True), ("\n", False), ("\r", False)):
        reader, rows = table(tmp_path, f"lon,lat\n10.7,59.9\n10.8,59{end}")
        assert (len(rows), reader.may_be_cut) == (2, may_be_cut)


def test_geometry_is_known_by_its_type_however_it_is_written(tmp_path: Path) -> None:
    places = (
        "PointZ (1 2 3)",
        "POINTM(1 2 3)",
        "point zm(1 2 3 4)",
        "SRID=4326;POINT  Z  (1 2 3)",
        "POINT EMPTY",
    )
    _, rows = table(tmp_path, "geom\n" + "\n".join((*places, "")))
    assert [(row.shape, row.reason) for row in rows] == [("POINT", None)] * len(places)
    # It is looked at once, however much room there is in it: a hundred thousand blanks squared are minutes.
    _, [row] = table(tmp_path, f"geom\nPOINT{' ' * 200_000}x\n")
    assert row.reason is not None
    assert row.reason.endswith("… is no WKT")


def test_titles_are_read_as_they_were_written(tmp_path: Path) -> None:
    _, [row] = table(tmp_path, "'=a,'-b,'c,lon,lat\n1,2,3,4,5\n")
    assert list(row.names) == ["=a", "-b", "'c"]


def test_numbers_beyond_all_others_are_a_row_that_is_refused(tmp_path: Path) -> None:
    for digits in (400, 5000):
        [row] = features(tmp_path, f'{{"type": "Point", "coordinates": [{"1" * digits}, 1]}}')
        assert row.reason == "a coordinate is no finite number"
    [row] = features(tmp_path, '{"type": "Point", "coordinates": [1, 2]}', f'{{"a": {"1" * 5000}}}')
    assert (row.reason, "1" * 5000 in row.document) == (None, True), "the server takes such a number"
