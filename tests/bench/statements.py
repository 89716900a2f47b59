"""What screen 3 costs with 5,000 long statements in pg_stat_statements. Alone: `python -m tests.bench.statements`."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg

from console.data.audit import AuditFile
from console.data.statements.service import StatementsService
from console.models.statements import StatementsView
from tests.bench.contestants import CONSOLE, REFRESH, environment
from tests.bench.figures import Figure, table
from tests.bench.scene import cpu_seconds
from tests.bench.terminal import TimedTerminal
from tests.live import connected
from tests.postgres import Clusters, PostgresCluster

STATEMENTS, LONGEST = 5000, 10_000
MOST_OWN_WORK = 100.0
"""Milliseconds of the screen's own work, for opening it and for every refresh."""
MOST_SERVER_SHARE = 1.0
"""Per cent of one core of server time."""
MOST_BYTES = 435.0
"""Bytes a second: the limit of the Activity screen, a quarter of what pg_activity was measured to send."""

_ROUNDS = 15
_STEADY = 60.0
_CALLED = 40
"""Statements that are called between two samples."""
_COLUMNS = 60
_BACKEND = "SELECT pid FROM pg_stat_activity WHERE application_name = 'dbconsole'"


def statements() -> list[Figure]:
    """Milliseconds, per cent and bytes; medians where there are several rounds."""
    clusters = Clusters()
    try:
        settings: dict[str, str | int] = {"pg_stat_statements.max": STATEMENTS + 500}
        with clusters.make(18, settings=settings) as cluster, tempfile.TemporaryDirectory() as home:
            texts = asyncio.run(_fill(cluster))
            return [*asyncio.run(_rounds(cluster, texts)), *_on_screen(cluster, Path(home), texts)]
    finally:
        clusters.close()


async def _fill(cluster: PostgresCluster) -> list[str]:
    """Runs statements that are all different, and long; gives their texts."""
    chance = random.Random(1)
    names = [f"c{number}" for number in range(_COLUMNS)]
    await cluster.run("CREATE EXTENSION pg_stat_statements")
    await cluster.run(f"CREATE TABLE wide ({', '.join(f'{name} int' for name in names)})")
    texts: list[str] = []
    connection = await cluster.connect()
    try:
        while len(texts) < STATEMENTS:
            size = chance.randint(100, LONGEST - 100)
            words: list[str] = []
            length = 0
            while length < size and len(words) < 1600:
                words.append(f"{chance.choice(names)} AS column_number_{len(words):05}")
                length += len(words[-1]) + 2
            texts.append(f"SELECT {', '.join(words)} FROM wide")  # noqa: S608
            await connection.execute(texts[-1])
    finally:
        await connection.close()
    return texts


async def _rounds(cluster: PostgresCluster, texts: list[str]) -> list[Figure]:
    """Samples as the screen takes them, with some statements called in between; the process's own time alone counts."""
    name = f"{STATEMENTS:,} statements:"
    figures = []
    caller = await cluster.connect()
    try:
        for minimum, what in ((0.1, "slow ones shown"), (0.0, "all shown")):
            first, others, shown = [], [], []
            for _ in range(3):
                async with connected(cluster.url()) as server:
                    service = StatementsService(server, AuditFile(), view=StatementsView(min_mean=minimum))
                    first.append(await _own_time(service.sample))
                    for _ in range(_ROUNDS):
                        await _call(caller, texts)
                        others.append(await _own_time(service.sample))
                        snapshot = await service.sample()
                        began = time.perf_counter()
                        service.select(snapshot)
                        shown.append((time.perf_counter() - began) * 1000)
            figures += [
                Figure(
                    f"{name} first sample, own work, {what}",
                    "ms",
                    statistics.median(first),
                    limit=MOST_OWN_WORK,
                ),
                Figure(f"{name} every further sample, own work, {what}", "ms", statistics.median(others)),
                Figure(f"{name} choosing rows, {what}", "ms", statistics.median(shown)),
            ]
    finally:
        await caller.close()
    return figures


async def _call(caller: asyncpg.Connection, texts: list[str]) -> None:
    for text in random.sample(texts, _CALLED):
        await caller.execute(text)


async def _own_time(work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of this process's processor."""
    began = time.process_time()
    await work()
    return (time.process_time() - began) * 1000


def _on_screen(cluster: PostgresCluster, home: Path, texts: list[str]) -> list[Figure]:
    """The console in a terminal: opened three times, then watched for a minute while statements are called."""
    name = f"{STATEMENTS:,} statements:"
    opened, own = [], []
    for minimum in ("0.1", "0.1", "0.1", "0"):
        command = CONSOLE.command(cluster.url())
        given = environment(home) | {"DBCONSOLE_SLOW__MIN_MEAN": minimum}
        with TimedTerminal(command, given) as terminal:
            terminal.seen(lambda screen: re.search(r"every \S+ s$", screen.text.splitlines()[0]) is not None)
            terminal.settle(0.5)
            before = cpu_seconds(terminal.process.pid)
            pressed = terminal.send("3")
            shown = terminal.seen(lambda screen: "since reset" in screen.text)
            assert shown is not None
            terminal.settle(0.5)
            opened.append((shown - pressed) * 1000)
            own.append((cpu_seconds(terminal.process.pid) - before) * 1000)
            if minimum == "0":
                return [
                    Figure(f"{name} key 3 → rows, slow ones shown", "ms", statistics.median(opened[:-1])),
                    Figure(f"{name} opening, own work with all imports", "ms", statistics.median(own[:-1])),
                    Figure(f"{name} key 3 → rows, all shown", "ms", opened[-1]),
                    *asyncio.run(_steady(cluster, terminal, texts)),
                ]
    raise AssertionError("the last round shows all")


async def _steady(cluster: PostgresCluster, terminal: TimedTerminal, texts: list[str]) -> list[Figure]:
    """All statements shown, sorted by total time, some of them called all the time."""
    name = f"{STATEMENTS:,} statements:"
    caller = await cluster.connect()
    try:
        backend = (await cluster.run(_BACKEND))[0]["pid"]
        terminal.watch(2 * REFRESH)
        received, cpu, server = terminal.received, cpu_seconds(terminal.process.pid), cpu_seconds(backend)
        ends = time.perf_counter() + _STEADY
        while time.perf_counter() < ends:
            await _call(caller, texts)
            terminal.watch(REFRESH / 2)
        received = terminal.received - received
        cpu, server = cpu_seconds(terminal.process.pid) - cpu, cpu_seconds(backend) - server
    finally:
        await caller.close()
    refreshes = _STEADY / REFRESH
    return [
        Figure(f"{name} own work a refresh, sampler and drawing included", "ms", cpu * 1000 / refreshes, limit=MOST_OWN_WORK),
        Figure(f"{name} server time of all that screen 3 asks", "% of a core", server * 100 / _STEADY, limit=MOST_SERVER_SHARE),
        Figure(f"{name} output", "B/s", received / _STEADY, limit=MOST_BYTES),
        Figure(f"{name} CPU", "s/min", cpu * 60 / _STEADY),
    ]  # fmt: skip


if __name__ == "__main__":
    print(table(statements()))
