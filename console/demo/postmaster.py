"""The demo's PostgreSQL server: its configuration, its data directory, its start and its end."""

from __future__ import annotations

import shlex
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psutil

from console.demo.filling import contents, fill
from console.demo.place import PORT, Place
from console.demo.programs import Programs, hand_over, has_ended, last_words, own_account, wait_for_end
from console.errors import DemoFailed

_START_SECONDS = 60  # recovery after a crash is included
_STOP_SECONDS = 10

_SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": 300,
    "shared_buffers": "64MB",
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
    # The data can be made again in seconds.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "track_activity_query_size": 4096,
    "timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    # A file a day, overwritten a week later.
    "log_filename": "server-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": 0,
    "log_truncate_on_rotation": "on",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_lock_waits": "on",
    "log_min_duration_statement": "2s",
}

# Our own operating system user may be every role, and nobody else may be any: the server asks the kernel who it
# is. Only `partner` is asked for a password, so that a wrong one can be tried.
_HBA = "local all partner scram-sha-256\nlocal all all peer map=demo\n"


def running(place: Place) -> psutil.Process | None:
    """The live postmaster of this data directory, or None. A stale pid file, even of a reused pid, is no life."""
    try:
        pid = int((place.data / "postmaster.pid").read_text().partition("\n")[0])
        process = psutil.Process(pid)
        # Every PostgreSQL process stays in its data directory.
        alive = not has_ended(process) and Path(process.cwd()) == place.data.resolve()
    except (OSError, ValueError, psutil.Error):
        return None
    return process if alive else None


def start(place: Place, programs: Programs) -> None:
    """Starts the server, with a new data directory when there is none that fits. Returns when it can be used.

    Raises `DemoFailed` with the server's own last words.
    """
    end_leftovers(place)
    wanted = contents(programs)
    if not place.ready.exists() or place.ready.read_text() != wanted:
        _initialise(place, programs)
    _start(place, programs)
    if not place.ready.exists():
        try:
            fill(place, programs)
        except DemoFailed:
            stop(place)
            raise
        place.ready.write_text(wanted)


def stop(place: Place) -> bool:
    """Stops the server, kindly at first; says whether there was one."""
    process = running(place)
    if process is not None:
        # Fast shutdown, then immediate shutdown: the signals of `pg_ctl stop`.
        for kind in (signal.SIGINT, signal.SIGQUIT):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(kind)
            if wait_for_end([process], _STOP_SECONDS):
                break
    end_leftovers(place)
    return process is not None


def end_leftovers(place: Place) -> None:
    """Ends what a crash left of an earlier server, and removes its lock files: the pid may be another's by now."""
    processes = []
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(place.data.resolve()):
            with suppress(psutil.NoSuchProcess):
                process.kill()
            processes.append(process)
    wait_for_end(processes, _STOP_SECONDS)
    socket = place.sockets / f".s.PGSQL.{PORT}"
    for left in (place.data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        left.unlink(missing_ok=True)


def _initialise(place: Place, programs: Programs) -> None:
    place.ready.unlink(missing_ok=True)
    place.has_platform.unlink(missing_ok=True)
    if place.data.exists():
        shutil.rmtree(place.data)
    hand_over(place.data, place.account)
    done = programs.run(
        "initdb",
        *("--pgdata", place.data, "--username", "postgres", "--auth", "reject", "--encoding", "UTF8"),
        *("--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
        *("--no-sync", "--no-instructions"),
    )
    if done.returncode != 0:
        raise DemoFailed(f"The demo's data could not be made: {last_words(done.stderr.splitlines())}.")


def _start(place: Place, programs: Programs) -> None:
    place.make_directories()
    configuration = _write_configuration(place)
    log = place.log / "start.log"
    log.unlink(missing_ok=True)
    done = programs.run(
        "pg_ctl",
        *("start", "--silent", "--wait", "--timeout", str(_START_SECONDS)),
        *("--pgdata", place.data, "--log", log),
        *("--options", shlex.join(["-c", f"config_file={configuration}"])),
    )
    if done.returncode != 0:
        why = last_words(_last_log_lines(place) or done.stderr.splitlines())
        stop(place)
        raise DemoFailed(f"The demo server did not start: {why}.")


def _write_configuration(place: Place) -> Path:
    """Writes the server's configuration beside its data, where only we can change it, and returns its main file."""
    access, names = place.home / "pg_hba.conf", place.home / "pg_ident.conf"
    settings = _SETTINGS | {
        "unix_socket_directories": place.sockets,
        "log_directory": place.log,
        "hba_file": access,
        "ident_file": names,
    }
    access.write_text(_HBA)
    names.write_text(f'demo "{own_account().name}" all\n')
    configuration = place.home / "postgresql.conf"
    lines = (f"{name} = '{str(value).replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items())
    configuration.write_text("".join(lines))
    for file in (access, names, configuration):
        file.chmod(0o644)
    return configuration


def _last_log_lines(place: Place) -> list[str]:
    """What the server said last: to the file of its start, and once it had one to its log."""
    logs = sorted(place.log.glob("*.log"), key=lambda path: path.stat().st_mtime)
    return [line for log in logs[-2:] for line in log.read_text(errors="replace").splitlines()[-5:]]
