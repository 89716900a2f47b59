"""The worker's process as the console hears it, where it says nonsense or is told some."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from console.data.migrations.worker.engine import Order
from console.data.migrations.worker.protocol import (
    Failed,
    Request,
    RevisionDone,
    Work,
    event_line,
    read_event,
    read_request,
    request_line,
)
from console.data.migrations.worker_process import Worker
from console.models.migrations import Direction, Source, SourceKind
from console.settings import Settings
from console.targets import resolve


async def test_a_worker_that_dies_in_the_middle_of_a_word_has_failed() -> None:
    said = event_line(RevisionDone()) + event_line(RevisionDone())[:9]
    code = "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, said.hex()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    worker = Worker(process)
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


def test_a_worker_is_told_all_of_the_target(tmp_path: Path) -> None:
    target = resolve(
        "host=db1 hostaddr=10.0.0.7 user=app password=s3cret sslpassword=s3same sslnegotiation=direct sslmode=require "
        "target_session_attrs=primary keepalives_idle=9 options='-c jit=off' application_name=nightly",
        {},
    )
    order = Order(Source(SourceKind.SQL_PAIRS, tmp_path), Direction.UPGRADE, (), (), frozenset())
    request = Request(Work.VERIFY, order).on(target, Settings())
    told = request_line(request)
    assert told.count(b"s3cret") == told.count(b"s3same") == 1
    assert "s3" not in repr(request)
    assert read_request(told).database == target
