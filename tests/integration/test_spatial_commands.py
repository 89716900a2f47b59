"""`dbconsole spatial` on real servers, as a script calls it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.accounts import run_script
from tests.live import until
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster
from tests.program import dbconsole as run_program

PROGRAM = "from console.cli import main; main()"
OBJECTS = """
INSERT INTO arxos_cad.objects (object_id, object_type, name, geometry, properties)
SELECT 'S-' || n, CASE WHEN n % 2 = 0 THEN 'door' ELSE 'wall' END, 'N ' || n, {place}, '{{"floor": 3}}'
FROM generate_series(1, 10) AS n;
CREATE VIEW slow AS TABLE arxos_cad.objects UNION ALL SELECT o.* FROM arxos_cad.objects AS o, pg_sleep(20);
ANALYZE;
"""


async def spatial(
    made: Database, folder: Path, *words: str | Path, user: str | None = None
) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        run_program,
        "spatial",
        *words,
        made.cluster.url(user or made.user, made.name),
        environment={"HOME": str(folder)},
        cwd=folder,
    )


def started(made: Database, folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own, which goes on."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "spatial", *words, made.cluster.url(made.user, made.name)],
        stderr=subprocess.PIPE,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.is_dir())


async def test_layers_are_listed_counted_and_written(postgis: PostgresCluster, folder: Path) -> None:
    async with database(postgis) as made:
        await made.upgrade("core@head", "cad@head")
        await run_script(made, OBJECTS.format(place="ST_SetSRID(ST_MakePoint(10 + n / 10.0, 59.9), 4326)"))

        layers = await spatial(made, folder, "layers")
        assert layers.returncode == 0
        line = next(one for one in layers.stdout.splitlines() if one.startswith("arxos_cad.objects.geometry"))
        assert line.split()[1:5] == ["geometry", "POINT", "4326", "10"]
        as_json = json.loads((await spatial(made, folder, "layers", "--json")).stdout)
        assert {one["name"]["table"] for one in as_json["layers"]} == {"objects", "slow"}

        assert (await spatial(made, folder, "count")).stdout == "10\n"
        doors = await spatial(
            made, folder, "count", "--where", "object_type=door", "--bbox", "10,59,10.5,60", "--json"
        )
        assert json.loads(doors.stdout) == {"number": 2, "is_exact": True}
        for words, said in (
            (("count", "--bbox", "1,2,3"), "WEST,SOUTH,EAST,NORTH"),
            (("count", "--bbox", "2,2,1,3"), "west comes before east"),
            (("count", "--layer", "nowhere"), "There is no layer nowhere"),
            (("count", "--where", "colour=red"), "has no column colour"),
            (("export", "--srid", "25832"), "always in EPSG:4326"),
            (("export", "-o", "no/such.csv"), "No such file"),
            (("export", "-o", "out.shp"), "nothing is written as .shp"),
            (("pyramid", "--refresh"), "no pyramid that could be refreshed"),
        ):
            wrong = await spatial(made, folder, *words)
            assert (wrong.returncode, wrong.stdout) == (2, "")
            assert said in wrong.stderr

        exported = await spatial(made, folder, "export", "--where", "$.floor > 2", "--bbox", "10,59,10.25,60")
        assert [one["properties"]["object_id"] for one in json.loads(exported.stdout)["features"]] == [
            "S-1",
            "S-2",
        ]
        assert exported.stderr == ""
        drawing = await spatial(
            made, folder, "export", "-o", "out.dxf", "--layer", "arxos_cad.objects", "--srid", "25832"
        )
        assert (drawing.returncode, drawing.stderr) == (0, "10 objects written to out.dxf.\n")
        again = await spatial(made, folder, "export", "-o", "out.dxf")
        assert (again.returncode, "already" in again.stderr) == (2, True)

        swapped = {"type": "Point", "coordinates": [59.9, 120.5]}
        feature = {
            "type": "Feature",
            "geometry": swapped,
            "properties": {"object_id": "F", "object_type": "x"},
        }
        (folder / "f.json").write_text(json.dumps(feature))
        doubted = await spatial(made, folder, "import", "f.json", "--yes")
        assert (doubted.returncode, doubted.stdout) == (2, "")
        assert "wrong way round: 1 object off the globe" in doubted.stderr
        assert "Give --flip to exchange them, or --no-flip" in doubted.stderr
        flipped = await spatial(made, folder, "import", "f.json", "--yes", "--flip")
        assert (flipped.returncode, flipped.stdout) == (0, "1 object imported.\n")
        (folder / "f.json").unlink()

        # Ctrl-C and SIGTERM end the statement, and leave no file.
        for number in (signal.SIGINT, signal.SIGTERM):
            process = started(made, folder, "export", "--layer", "slow", "-o", "slow.csv")

            async def is_running() -> bool:
                return bool(await made.run("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))

            await until(is_running)
            assert len(names(folder)) == 2
            process.send_signal(number)
            _, complaint = await asyncio.to_thread(process.communicate)
            assert process.returncode == 130
            assert b"Traceback" not in complaint
            assert names(folder) == ["out.dxf"]
            assert not await is_running()


async def test_files_are_imported_and_pyramids_built_without_postgis_too(
    postgres: PostgresCluster, folder: Path
) -> None:
    async with database(postgres) as made:
        await made.upgrade("core@head", "cad@head")
        await run_script(made, OBJECTS.format(place="point(n, 2 * n)"))
        await spatial(made, folder, "export", "-o", "out.csv")
        twice = await spatial(made, folder, "import", "out.csv", "--yes")
        assert (twice.returncode, twice.stdout) == (1, "")
        assert "line 2: duplicate key value" in twice.stderr
        assert "Nothing was imported, with 10 rows refused" in twice.stderr

        await run_script(made, "DELETE FROM arxos_cad.objects WHERE object_id <> 'S-1'")
        asked = await spatial(made, folder, "import", "out.csv", "--skip-refused")
        assert (asked.returncode, "give --yes" in asked.stderr) == (1, True)
        done = await spatial(made, folder, "import", "out.csv", "--skip-refused", "--yes", "--json")
        assert done.returncode == 0
        assert (json.loads(done.stdout)["rows"], json.loads(done.stdout)["refusals"]["count"]) == (9, 1)
        found = await made.run("SELECT object_id, geometry::text FROM arxos_cad.objects ORDER BY geometry[0]")
        assert [tuple(row) for row in found] == [(f"S-{n}", f"({n},{2 * n})") for n in range(1, 11)]
        for words, said, code in (
            (("import", "none.csv", "--yes"), "No such file", 2),
            (("import", "out.csv", "--read-only"), "changes nothing", 1),
        ):
            wrong = await spatial(made, folder, *words)
            assert (wrong.returncode, wrong.stdout) == (code, "")
            assert said in wrong.stderr

        assert "--build builds one" in (await spatial(made, folder, "pyramid")).stderr
        built = await spatial(made, folder, "pyramid", "--build", "--yes")
        assert built.returncode == 0
        assert "counts 10 objects" in built.stdout
        assert json.loads((await spatial(made, folder, "pyramid", "--json")).stdout)["rows"] == 10
        assert (await spatial(made, folder, "pyramid", "--drop", "--yes")).returncode == 0
