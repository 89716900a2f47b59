"""The map on a terminal and on PostGIS: objects looked at, found, measured, filtered, moved and put back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.accounts import run_script
from tests.platform_schema import Database, database
from tests.postgres import PostgresCluster
from tests.terminal.console_session import ENTER, ESCAPE, TAB, Console, has_focus

pytestmark = pytest.mark.xdist_group("console-screens")

OBJECTS = """
INSERT INTO arxos_core.users (email) VALUES ('ada@example.com');
INSERT INTO arxos_core.projects (owner_id, name) SELECT id, 'Tower B' FROM arxos_core.users;
INSERT INTO arxos_cad.objects (object_id, object_type, name, geometry, properties, project_id)
SELECT 'O-' || n, (ARRAY['door', 'wall', 'sensor'])[1 + n % 3], 'Thing ' || n || ' \x1b]0;title\x07',
       ST_SetSRID(ST_MakePoint(10.7 + (n % 50) / 500.0, 59.9 + (n / 50) / 1000.0), 4326), '{"floor": 12}',
       (SELECT id FROM arxos_core.projects)
FROM generate_series(0, 1999) AS n;
INSERT INTO arxos_cad.constraints (constraint_id, constraint_type, object_ids)
VALUES ('C-1', 'distance', '{O-1,O-2}'), ('C-2', 'fixed', '{O-7,O-7777}');
CREATE TABLE roads (id int PRIMARY KEY, name text, line geometry(LineString, 25832));
INSERT INTO roads SELECT n, 'Road ' || n, ST_Transform(ST_SetSRID(
    ST_MakeLine(ST_MakePoint(10.7, 59.9 + n / 250.0), ST_MakePoint(10.8, 59.9 + n / 200.0)), 4326), 25832)
FROM generate_series(0, 9) AS n;
CREATE INDEX ON roads USING gist (line);
ANALYZE;
"""


@contextmanager
def built(cluster: PostgresCluster) -> Iterator[tuple[asyncio.Runner, Database]]:
    """A database with two thousand CAD objects and ten roads."""
    with asyncio.Runner() as runner:
        made = database(cluster)
        found = runner.run(made.__aenter__())
        try:
            runner.run(run_script(found, "CREATE EXTENSION IF NOT EXISTS postgis"))
            runner.run(found.upgrade("core@head", "cad@head"))
            runner.run(run_script(found, OBJECTS))
            yield runner, found
        finally:
            runner.run(made.__aexit__(None, None, None))


def test_a_map_from_its_first_picture_to_a_change_that_is_taken_back(
    postgis: PostgresCluster, home: Path
) -> None:
    def place() -> str:
        [row] = runner.run(
            found.run("SELECT ST_AsText(geometry) AS place FROM arxos_cad.objects WHERE object_id = 'O-1010'")
        )
        return str(row["place"])

    with (
        built(postgis) as (runner, found),
        Console(home, found.url, "--refresh", "0.5") as console,
    ):
        console.wait_live()
        console.send("6")
        console.wait_seen("arxos_cad.objects", "exact · 2,000 of 2,000 in view", "EPSG:4326", "● ", "roads")
        before = place()

        console.send("g")
        console.wait_seen("Go to")
        console.send("O-1010")
        console.wait_seen("Thing 1010 ␛]0;title␇")
        console.send(ENTER)
        console.wait_seen("project", "Tower B", "└─ floor: 12", "POINT(10.72 59.92)")
        console.send("m")
        console.wait_seen("measuring")
        console.send("\x1b[C\x1b[C")
        console.wait_for(lambda screen: " m · on the spheroid" in screen.text)
        console.send(ESCAPE)
        console.wait_gone("measuring")

        # The cursor goes east by some cells, and the object with it.
        console.send("\x1b[1;5C" * 5)
        console.send("c")
        console.wait_seen("move to the cursor")
        console.send("where on" + ENTER)
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send(TAB + ENTER)
        console.wait_seen("u takes it back")
        assert place() != before
        console.send("u")
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send(TAB + ENTER)
        console.wait_for(lambda screen: place() == before)

        console.send("f")
        console.wait_seen("2,000 of 2,000 in view")
        console.send("/object_type=door")
        console.wait_seen("667 in view")
        console.send(ENTER)
        console.wait_gone("clear filter")
        console.send("o")
        console.wait_seen("2 constraints, 1 with problems")
        console.send(ESCAPE)
        console.wait_gone("2 constraints")
        console.send("L")
        console.wait_seen("make active")
        console.send("\x1b[B ")
        console.wait_seen("△ roads")
        runner.run(run_script(found, "ALTER TABLE roads DROP COLUMN line"))
        console.wait_gone("△ roads")
        console.quit()
