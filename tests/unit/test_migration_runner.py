"""The worker's process as the console hears it, where it says nonsense or is told some."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from console.data.migrations.runner import _Worker
from console.data.migrations.worker.protocol import Failed, RevisionDone, event_line, read_event


async def test_a_worker_that_dies_in_the_middle_of_a_word_has_failed() -> None:
    said = event_line(RevisionDone()) + event_line(RevisionDone())[:9]
    code = "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, said.hex()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    worker = _Worker(process)
    events = [event async for event in worker.events()]
    await worker.close()
    assert events[0] == RevisionDone()
    assert isinstance(events[1], Failed)
    assert "ended (exit code 0)" in events[1].sentence


def test_a_request_that_cannot_be_read_is_not_repeated() -> None:
    line = b'{"work": "run", "password": "sesame"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "console.data.migrations.worker"],
        input=line,
        capture_output=True,
        timeout=60,
        check=True,
    )
    failed = read_event(done.stdout)
    assert isinstance(failed, Failed)
    assert "start it again" in failed.sentence
    assert b"sesame" not in done.stdout + done.stderr
