"""`python -m console.data.migrations.worker`: one request on standard input, events on standard output."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import BinaryIO

from console.data.migrations.worker.protocol import CANCEL, Failed, Request, read_request
from console.data.migrations.worker.reporting import Events
from console.data.migrations.worker.run import Worker
from console.errors import DbconsoleError

_GRACE = 5.0
"""Seconds that a run may take to stop when the console is gone; then the server finds the connection closed."""


def main() -> None:
    """Does what standard input says."""
    words = os.fdopen(os.dup(0), "rb")
    events = Events(os.dup(1))
    # A revision may print and read as it likes: not into the events, and not the word to cancel.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.dont_write_bytecode = True  # the files are somebody's
    try:
        request = read_request(words.readline())
    except ValueError:
        # What is wrong with it is not said: it has the password.
        sentence = (
            "The worker cannot read what it is asked: dbconsole was changed while it ran; start it again."
        )
        events.send(Failed.of(DbconsoleError(sentence)))
        return
    asyncio.run(_work(request, events, words))


async def _work(request: Request, events: Events, words: BinaryIO) -> None:
    """Ends the process when the work is done, or when the console has gone."""
    worker = Worker(request, events)
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def stop() -> None:
        stopping.append(loop.create_task(worker.cancel()))

    def listen() -> None:
        """In a thread, since a revision's own code may hold up the loop for as long as it likes."""
        word = words.readline()
        loop.call_soon_threadsafe(stop)
        if word == CANCEL:
            words.read()
        time.sleep(_GRACE)
        os._exit(1)

    threading.Thread(target=listen, name="console's words", daemon=True).start()
    await worker.work()
    # Threads and tasks that a project's code started may never end.
    os._exit(0)


main()
