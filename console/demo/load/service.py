"""The whole service: which applications there are, with how many connections, and when it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from random import Random

from console.demo.load import traffic, trouble
from console.demo.load.client import Client, ServerGone

_SEED = 2


def run(home: Path, sockets: str, port: int) -> None:
    """Runs until the server is gone, or until its owner is."""
    asyncio.run(_run(home, sockets, port))


async def _run(home: Path, sockets: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    owner = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(owner), sys.stdin)
    if await owner.readline():
        load = asyncio.create_task(_load(sockets, port))
        ended = asyncio.create_task(owner.read())
        await asyncio.wait({load, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not load.done() and not _stop_abandoned(home):
            await load
        return
    _stop_abandoned(home)


def _stop_abandoned(home: Path) -> bool:
    # Imported now: it is needed once, at the end.
    from console.demo.server import stop_abandoned

    return stop_abandoned(home, os.getpid())


async def _load(sockets: str, port: int) -> None:
    """Runs every application at once, until one of them finds that the server is gone."""
    random = Random(_SEED)

    def client(application: str, user: str, database: str = "shop") -> Client:
        return Client(sockets, port, application, user, database, Random(random.random()))

    chain = trouble.LockChain(client("shop-worker", "worker"), [client("shop-web", "app") for _ in range(5)])
    web = [client("shop-web", "app") for _ in range(14)]
    workers = [client("shop-worker", "worker") for _ in range(6)]
    billing = [client("billing-api", "billing") for _ in range(6)]
    unnamed = [client("", "app", "analytics") for _ in range(2)]
    readers = [client("reports", "reporting") for _ in range(3)]
    try:
        async with asyncio.TaskGroup() as all_of_it:
            start = all_of_it.create_task
            start(chain.repeat(first_after=2))
            start(trouble.fail_to_log_in(client("", "app")))
            start(client("shop-worker", "worker").repeat(trouble.deadlock, (200, 500)))
            for one in web:
                start(one.repeat(traffic.browse, (1, 4)))
            for one in workers:
                start(one.repeat(traffic.pack, (2, 6)))
            for one in billing:
                start(one.repeat(traffic.invoice, (2, 7)))
            for one in unnamed:
                start(one.repeat(traffic.track, (1, 3)))
            for one in readers:
                start(one.repeat(traffic.report_live, (10, 60)))
            start(client("reports", "reporting").repeat(traffic.report_sales, (10, 20)))
            start(client("reports", "reporting").repeat(traffic.report_alike, (90, 180)))
            start(client("etl-nightly", "etl", "analytics").repeat(traffic.roll_up, (20, 60)))
            start(client("etl-nightly", "etl").repeat(traffic.archive, (200, 300)))
    except* ServerGone:
        pass
