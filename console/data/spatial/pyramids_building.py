"""Counting a layer into the tiles of a pyramid, in the database.

The table is read once, in ranges of its pages, so that it is known how far that is. The numbers of the places' cells are
then sorted once; each coarser level is made of the one below it. A fine tile is there only where the tile that it is a part
of has more objects than cells, so that a crowded spot in a wide country is as sharp as the rest, and an empty country costs
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log
from typing import TYPE_CHECKING, Any

import numpy as np

from console.data.spatial.dialects import dialect, relation, search_path
from console.data.spatial.pyramids_grid import TILE_LEVELS, Square, morton, spread
from console.data.spatial.pyramids_tiles import COMPLETE, MOST_IN_LEAF, tiles_table
from console.models.layers import Layer
from console.models.map_view import Envelope
from console.models.pyramids import PyramidPlan, PyramidProgress

if TYPE_CHECKING:
    import asyncpg

NUMBERED_LEVELS = 30
"""A place's number has two bits for each of them: as far apart as 1 mm in 1,000 km are two places told apart."""
_BITS_AT_ONCE = 10
_SPREAD = spread(np.arange(1 << _BITS_AT_ONCE, dtype=np.int64)).tolist()
_SAMPLE = 30_000
"""Places by which is decided how many levels there are."""
_FEW = 16
_CROWDED = 0.99
"""The share of the places that come into tiles with no more objects than cells; the others are all but at one spot."""
_RANGES = 50
_LEAST_PAGES = 256
_ALL = 2**63 - 1
_MOST_IN_FOUR_BYTES = (1 << 23) - 1
_READ, _NUMBERED = 0.12, 0.36
"""Shares of the whole work that are done after reading the table, and after numbering what was read."""

SCHEMA = "CREATE SCHEMA dbconsole"
PYRAMIDS = """CREATE TABLE dbconsole.pyramids (
    schema_name text, table_name text, column_name text, tiles text NOT NULL, srid int4, built_at timestamptz NOT NULL,
    rows int8 NOT NULL, left_out int8 NOT NULL, changes int8, west float8, south float8, east float8, north float8,
    square_west float8, square_south float8, square_side float8, finest int4 NOT NULL, wide int4 NOT NULL,
    PRIMARY KEY (schema_name, table_name, column_name))"""

_LIMITS = """SELECT set_config('statement_timeout', '0', true), set_config('search_path', $1, true),
       set_config('work_mem', '64MB', true), set_config('enable_hashagg', 'off', true)"""
_PLACES = "CREATE TEMPORARY TABLE dbconsole_places (x float8, y float8) ON COMMIT DROP"
# NaN is above all other numbers.
IS_PLACE = "x > '-Infinity' AND x < 'Infinity' AND y > '-Infinity' AND y < 'Infinity'"
_SOME = f"SELECT x, y FROM pg_temp.dbconsole_places TABLESAMPLE BERNOULLI ($1::float4) WHERE {IS_PLACE}"  # noqa: S608
_CELLS = "CREATE TEMPORARY TABLE dbconsole_cells (key int8, n int4) ON COMMIT DROP"


def found_places(source: str) -> str:
    """How many rows there are, how many of them have a place, and how far those reach."""
    return f"""SELECT count(*) AS all_rows, count(*) FILTER (WHERE {IS_PLACE}) AS rows,
       min(x) FILTER (WHERE {IS_PLACE}) AS west, min(y) FILTER (WHERE {IS_PLACE}) AS south,
       max(x) FILTER (WHERE {IS_PLACE}) AS east, max(y) FILTER (WHERE {IS_PLACE}) AS north
  FROM {source}"""  # noqa: S608


_FOUND = found_places("pg_temp.dbconsole_places")


def _spread_in_sql(column: str, shift: int) -> str:
    return " | ".join(
        f"(($1::int8[])[(({column} >> {bits}) & 1023) + 1] << {2 * bits + shift})"
        for bits in range(0, NUMBERED_LEVELS, _BITS_AT_ONCE)
    )


_NUMBER = f"""INSERT INTO pg_temp.dbconsole_cells
SELECT key >> $2::int4, least(count(*), 2147483647)
  FROM (SELECT {_spread_in_sql("x", 0)} |
               {_spread_in_sql("y", 1)} AS key
          FROM (SELECT least(floor((x - $3::float8) * $5::float8), {(1 << NUMBERED_LEVELS) - 1})::int8 AS x,
                       least(floor((y - $4::float8) * $5::float8), {(1 << NUMBERED_LEVELS) - 1})::int8 AS y
                  FROM pg_temp.dbconsole_places WHERE {IS_PLACE} OFFSET 0) AS places) AS numbers
 GROUP BY 1 ORDER BY 1"""  # noqa: S608
_MOST = "SELECT coalesce(max(n), 0) FROM pg_temp.dbconsole_cells"
_COARSEN = """CREATE TEMPORARY TABLE dbconsole_coarser ON COMMIT DROP AS
SELECT key >> 2 AS key, least(sum(n), 2147483647)::int4 AS n FROM pg_temp.dbconsole_cells GROUP BY 1 ORDER BY 1"""
_TAKE_COARSER = (
    "DROP TABLE pg_temp.dbconsole_cells",
    "ALTER TABLE pg_temp.dbconsole_coarser RENAME TO dbconsole_cells",
)
_WRITE_DOWN = """INSERT INTO dbconsole.pyramids
VALUES ($1, $2, $3, $4, $5, now(), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (schema_name, table_name, column_name) DO UPDATE SET
    (tiles, srid, built_at, rows, left_out, changes, west, south, east, north, square_west, square_south, square_side,
     finest, wide)
  = (EXCLUDED.tiles, EXCLUDED.srid, EXCLUDED.built_at, EXCLUDED.rows, EXCLUDED.left_out, EXCLUDED.changes, EXCLUDED.west,
     EXCLUDED.south, EXCLUDED.east, EXCLUDED.north, EXCLUDED.square_west, EXCLUDED.square_south, EXCLUDED.square_side,
     EXCLUDED.finest, EXCLUDED.wide)"""
_PAGES = "SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::int8"
_LAST_PAGE = 2**32 - 1
FORGET = "DELETE FROM dbconsole.pyramids WHERE (schema_name, table_name, column_name) = ($1, $2, $3)"


def drop_tiles(tiles: str) -> str:
    """The statement that drops a pyramid's table."""
    return f"DROP TABLE {tiles_table(tiles)}"


def _make_tiles(tiles: str) -> str:
    return f"CREATE TABLE {tiles_table(tiles)} (code int8, is_divided bool, cells bytea)"


def _read(layer: Layer, *, in_ranges: bool) -> str:
    asked = dialect(layer, None)
    ranges = " WHERE o.ctid >= $1::tid AND o.ctid < $2::tid" if in_ranges else ""
    return (
        f"INSERT INTO pg_temp.dbconsole_places SELECT {asked.x}, {asked.y}"  # noqa: S608
        f" FROM {relation(layer.name)} AS o{ranges}"
    )


def _fill_tiles(tiles: str, *, are_all: bool = False, width: int = 4) -> str:
    """Makes the tiles of one level of its cells."""
    crowded = f"SELECT key >> 10 FROM pg_temp.dbconsole_cells GROUP BY 1 HAVING sum(n) > {MOST_IN_LEAF}"  # noqa: S608
    kept = "" if are_all else f" WHERE key >> 10 IN\n                 ({crowded})"
    return f"""INSERT INTO {tiles_table(tiles)}
SELECT $1::int8 | tile, sum(n) > $2::int8,
       string_agg(int{width}send((n::int{width} << 8) | cell), '')
  FROM (SELECT key >> 8 AS tile, (key & 255)::int4 AS cell, n
          FROM pg_temp.dbconsole_cells{kept}) AS cells
 GROUP BY tile"""  # noqa: S608


def _index_tiles(tiles: str) -> str:
    return f"ALTER TABLE {tiles_table(tiles)} ADD PRIMARY KEY (code)"


def build_statements(layer: Layer, tiles: str, replaces: str | None, *, in_ranges: bool) -> list[str]:
    """What runs to build a pyramid, in order, for reading."""
    several = "-- for one range of pages after another\n" if in_ranges else ""
    found = [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        _make_tiles(tiles),
        _LIMITS,
        _PLACES,
        f"{several}{_read(layer, in_ranges=in_ranges)}",
        _FOUND,
        _SOME,
        _CELLS,
        f"-- $1: the numbers below 1024 with a bit put before each of their bits\n{_NUMBER}",
        f"-- for one level after another, the finest first\n{_fill_tiles(tiles)}",
        f"-- in its place for the coarser ones\n{_fill_tiles(tiles, are_all=True)}",
        f"-- likewise\n{_COARSEN}",
        *_TAKE_COARSER,
        _index_tiles(tiles),
        _WRITE_DOWN,
    ]
    return found if replaces is None else [*found, drop_tiles(replaces)]


@dataclass(frozen=True, slots=True)
class Built:
    """What was counted."""

    rows: int
    left_out: int


class Building:
    """One pyramid that is being built, on a connection in a transaction that is REPEATABLE READ."""

    def __init__(
        self,
        plan: PyramidPlan,
        connection: asyncpg.Connection[Any],
        tell: Callable[[PyramidProgress], None],
    ) -> None:
        self._plan = plan
        self._run = connection
        self._tell = tell

    async def run(self, *, in_ranges: bool, changes: int | None) -> Built:
        """Makes the tiles, and writes down what they are. `changes` is what the server had counted of the table before.

        Raises what the driver raises.
        """
        run, plan = self._run, self._plan
        # First of all: another console that builds the same one is found out now, not at the end.
        await run.execute(_make_tiles(plan.tiles))
        await run.fetch(_LIMITS, search_path(plan.postgis_schema))
        await run.execute(_PLACES)
        await self._read(in_ranges)
        self._tell(PyramidProgress(_READ, "numbering the places"))
        found = await run.fetchrow(_FOUND)
        assert found is not None, "an aggregate gives one row"
        rows = found["rows"]
        sides = [found[side] for side in ("west", "south", "east", "north")]
        square = Square.around(Envelope(*sides) if rows else Envelope(0, 0, 0, 0))
        finest = await self._finest(square, rows)
        cells = await self._number(square, finest)
        wide = await self._fill(finest, cells, may_be_wide=rows > _MOST_IN_FOUR_BYTES)
        await run.execute(_index_tiles(plan.tiles))
        name, left_out = plan.layer.name, found["all_rows"] - rows
        await run.execute(
            _WRITE_DOWN,
            *(name.schema, name.table, name.column, plan.tiles, plan.layer.srid, rows, left_out, changes),
            *(*sides, square.west, square.south, square.side, finest, wide),
        )
        return Built(rows, left_out)

    async def _read(self, in_ranges: bool) -> None:
        statement = _read(self._plan.layer, in_ranges=in_ranges)
        doing = "reading the table"
        self._tell(PyramidProgress(0.0, doing))
        if not in_ranges:
            await self._run.execute(statement)
            return
        table = relation(self._plan.layer.name)
        pages = await self._run.fetchval(_PAGES, table)
        step = max(_LEAST_PAGES, ceil(pages / _RANGES))
        for first in range(0, max(pages, 1), step):
            # The last range goes on to whatever is behind it: pages of tables that inherit from this one.
            end = first + step if first + step < pages else _LAST_PAGE
            await self._run.execute(statement, (first, 0), (end, 0))
            self._tell(PyramidProgress(_READ * min(1, (first + step) / max(pages, 1)), doing))

    async def _finest(self, square: Square, rows: int) -> int:
        """The level at which nearly all places are in tiles that need not be divided, by a sample."""
        some = await self._run.fetch(_SOME, min(100.0, 100.0 * _SAMPLE / max(rows, 1)))
        places = np.array([tuple(row) for row in some], float).reshape(-1, 2)
        per_unit = (1 << NUMBERED_LEVELS) / square.side
        cells = np.minimum(
            np.floor((places - (square.west, square.south)) * per_unit), (1 << NUMBERED_LEVELS) - 1
        ).astype(np.int64)
        numbers = np.sort(morton(cells[:, 0], cells[:, 1]))
        # Two that have so many others between them are in the same cells down to where their numbers begin to differ;
        # fewer than sixteen of a sample would say more of chance than of how crowded it is.
        each_is = rows / max(len(numbers), 1)
        apart = max(_FEW, round(MOST_IN_LEAF / max(each_is, 1)))
        if len(numbers) <= apart:
            return TILE_LEVELS
        differing = np.frexp((numbers[apart:] ^ numbers[:-apart]).astype(float))[1]
        shared = NUMBERED_LEVELS - (differing + 1) // 2
        beyond = round(log(max(1.0, apart * each_is / MOST_IN_LEAF), 4))
        crowded = int(np.quantile(shared, _CROWDED)) + 1 + beyond
        return min(TILE_LEVELS + crowded, NUMBERED_LEVELS)

    async def _number(self, square: Square, finest: int) -> int:
        """Puts the cells of the finest level in their order; returns how many of them are not empty."""
        await self._run.execute(_CELLS)
        made = await self._run.execute(
            _NUMBER,
            *(_SPREAD, 2 * (NUMBERED_LEVELS - finest), square.west, square.south),
            (1 << NUMBERED_LEVELS) / square.side,
        )
        await self._run.execute("DROP TABLE pg_temp.dbconsole_places")
        return _rows(made)

    async def _fill(self, finest: int, cells: int, *, may_be_wide: bool) -> int:
        """Makes the tiles of all levels; returns the finest one with counts of eight bytes."""
        wide, done, tiles = 0, 0.0, self._plan.tiles
        for level in range(finest, TILE_LEVELS - 1, -1):
            # No level has more cells than the one below it, nor more than there is room for.
            coarser = sum(min(cells, 1 << 2 * one) for one in range(TILE_LEVELS, level))
            self._tell_of_levels(done, cells + coarser)
            if may_be_wide and not wide and await self._run.fetchval(_MOST) > _MOST_IN_FOUR_BYTES:
                wide = level
            fill = _fill_tiles(tiles, are_all=level <= COMPLETE, width=8 if wide else 4)
            undivided = _ALL if level == finest else MOST_IN_LEAF if level >= COMPLETE else 0
            await self._run.execute(fill, 1 << 2 * (level - TILE_LEVELS), undivided)
            if level > TILE_LEVELS:
                self._tell_of_levels(done + cells / 2, cells / 2 + coarser)
                done += cells
                cells = _rows(await self._run.execute(_COARSEN))
                for statement in _TAKE_COARSER:
                    await self._run.execute(statement)
        return wide

    def _tell_of_levels(self, done: float, left: float) -> None:
        """After so many cells, and before so many."""
        share = _NUMBERED + (1 - _NUMBERED) * done / max(1, done + left)
        self._tell(PyramidProgress(share, "adding up the levels"))


def _rows(status: str) -> int:
    """How many rows a statement has written, by its command tag."""
    return int(status.split()[-1])
