"""What it costs to tell where a database stands among a thousand revisions. Alone: `python -m tests.bench.migrations`."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from console.data.migrations import graph, ledger
from console.data.migrations.alembic_files import AlembicFiles
from console.data.migrations.history import History
from console.data.migrations.lanes import lanes
from console.data.migrations.runner import MigrationRun
from console.data.migrations.service import MigrationsService
from console.data.migrations.sources import PLATFORM, find_source
from console.data.migrations.standing import Evidence, standing
from console.data.migrations.status import StatusReader
from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import Request, Work
from console.models.migrations import Direction, RunState, Source
from console.settings import Migrations, Settings
from tests.bench.contestants import CONSOLE, environment
from tests.bench.figures import Figure, table
from tests.bench.terminal import LINES, TimedTerminal
from tests.live import connected
from tests.postgres import Clusters, PostgresCluster

REVISIONS, APPLIED, BRANCHES = 1000, 900, 5
MOST_UNTIL_SHOWN = 300.0
_ROUNDS = 9

_RAN = """
INSERT INTO dbconsole_migrations
            (history, revision, direction, done, previous, checksum, started_at, seconds, person)
SELECT $1, id, 'upgrade', true, '{}', '', now(), 0.1, 'me@here'
  FROM unnest($2::text[]) AS id
"""

_FILE = '''"""Change number {number} of what there is to change

Revision ID: {id}
Revises: {down}
Create Date: 2026-11-02 14:10:31.123456

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa

# revision identifiers, used by Alembic.
revision: str = {id!r}
down_revision: Union[str, Sequence[str], None] = {down!r}
branch_labels: Union[str, Sequence[str], None] = {labels!r}
depends_on: Union[str, Sequence[str], None] = {needs!r}


def upgrade() -> None:
    op.create_table(
        "table_{number}",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    op.create_index("table_{number}_name", "table_{number}", ["name"])


def downgrade() -> None:
    op.drop_table("table_{number}")
'''


def migrations() -> list[Figure]:
    """Milliseconds of each part, the median of some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        source = _project(Path(folder))
        files = AlembicFiles()
        revisions, _ = files.read(source)
        tips = History(revisions[:APPLIED]).effective_heads
        evidence = Evidence(source.kind, revisions, tuple(tips), False, ())
        newest = [step.revision for step in standing(evidence).steps]
        clusters = Clusters()
        try:
            cluster = clusters.shared(18)
            cold, warm = asyncio.run(_samples(cluster, Path(folder), source, tips))
            opened = _until_on_screen(cluster, Path(folder))
            up, down = asyncio.run(_whole_schema(cluster))
        finally:
            clusters.close()
        name = f"{REVISIONS:,} revisions:"
        return [
            Figure(f"{name} files read for the first time", "ms", _time(lambda: AlembicFiles().read(source))),
            Figure(f"{name} files looked at again", "ms", _time(lambda: files.read(source))),
            Figure(f"{name} order and states", "ms", _time(lambda: standing(evidence))),
            Figure(
                f"{name} the way to heads", "ms", _time(lambda: graph.upgrade_path(newest, tips, "heads"))
            ),
            Figure(f"{name} graph beside the list", "ms", _time(lambda: lanes(newest))),
            Figure(f"{name} first sample", "ms", cold, limit=MOST_UNTIL_SHOWN),
            Figure(f"{name} every further sample", "ms", warm),
            Figure(f"{name} key 4 → rows on screen", "ms", opened, limit=MOST_UNTIL_SHOWN),
            Figure("platform schema: nothing → heads, worker's start included", "ms", up),
            Figure("platform schema: heads → nothing", "ms", down),
        ]


def _until_on_screen(cluster: PostgresCluster, folder: Path) -> float:
    """The screen is opened for the first time, half a second after the console shows live data."""
    command = CONSOLE.command(cluster.url(), "--migrations", str(folder / "migrations"))
    taken = []
    for _ in range(_ROUNDS):
        with TimedTerminal(command, environment(folder)) as terminal:
            terminal.seen(lambda screen: re.search(r"every \S+ s$", screen.text.splitlines()[0]) is not None)
            terminal.settle(0.5)
            pressed = terminal.send("4")
            shown = terminal.seen(lambda screen: screen.text.count("pending") > LINES // 2)
            assert shown is not None
            taken.append((shown - pressed) * 1000)
    return statistics.median(taken)


async def _whole_schema(cluster: PostgresCluster) -> tuple[float, float]:
    """Milliseconds from nothing to heads and back."""
    await cluster.run("CREATE DATABASE whole")
    settings = Settings(migrations=Migrations(path=PLATFORM))
    taken = []
    async with connected(cluster.url(database="whole"), settings) as server:
        service = MigrationsService(server, settings)
        for goal, direction in (("heads", Direction.UPGRADE), ("base", Direction.DOWNGRADE)):
            plan = await service.plan(await service.sample(), goal, direction)
            order = Order(
                plan.source, direction, tuple(s.revision for s in plan.steps), plan.current, frozenset()
            )
            began = time.perf_counter()
            progress = await MigrationRun(server, settings, Request(Work.RUN, order)).wait()
            taken.append((time.perf_counter() - began) * 1000)
            assert progress.state is RunState.DONE, progress.sentence
    return taken[0], taken[1]


def _project(folder: Path) -> Source:
    """Branches side by side, merges and dependencies among them; the files' order is that of their making."""
    chance = random.Random(1)
    versions = folder / "migrations/versions"
    versions.mkdir(parents=True)
    (folder / "migrations/env.py").touch()
    tips: list[str] = []
    made: list[str] = []
    for number in range(REVISIONS):
        id_ = f"{chance.randrange(16**12):012x}"
        branch = number % BRANCHES
        down: str | tuple[str, ...] | None = tips[branch] if number >= BRANCHES else None
        if number >= BRANCHES and chance.random() < 0.02:
            down = (tips[branch], tips[branch - 1])
        (versions / f"{number:04}_{id_}.py").write_text(
            _FILE.format(
                number=number,
                id=id_,
                down=down,
                labels=None if number >= BRANCHES else (f"branch{branch}",),
                needs=chance.choice(made) if made and chance.random() < 0.05 else None,
            )
        )
        tips[branch : branch + 1] = [id_]
        made.append(id_)
    source = find_source(None, folder)
    assert source is not None
    return source


async def _samples(
    cluster: PostgresCluster, folder: Path, source: Source, tips: list[str]
) -> tuple[float, float]:
    await cluster.run("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    await cluster.run("INSERT INTO alembic_version SELECT unnest($1::text[])", tips)
    await cluster.run(ledger.CREATE.format(table=ledger.table_of(source)))
    ran = [path.stem.partition("_")[2] for path in sorted(source.version_directories[0].iterdir())]
    await cluster.run(_RAN, ledger.history_of(source), ran[:APPLIED])
    async with connected(cluster.url()) as server:
        readers = [StatusReader(server, partial(find_source, None, folder)) for _ in range(_ROUNDS)]
        cold = [await _time_once(reader.sample) for reader in readers]
        warm = [await _time_once(readers[0].sample) for _ in range(_ROUNDS)]
    return statistics.median(cold), statistics.median(warm)


async def _time_once(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


def _time(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    print(table(migrations()))
