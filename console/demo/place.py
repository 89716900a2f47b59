"""The directory that the demo lives in, and the proof that it is ours."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from console.demo.programs import Account, hand_over, open_directory, open_to_others, server_account
from console.errors import DemoFailed

PORT = 5432
"""The server's port, which only names its socket."""

_MARKER = "dbconsole-demo"
_MARK = "This directory belongs to `dbconsole demo`, which may delete all of it.\n"

# A Unix socket's path has room for 103 bytes on macOS and 107 on Linux.
_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo's things are. `account` owns what the server writes; `home` itself stays ours."""

    home: Path
    account: Account

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The directory of the server's log: one file for each day of the week."""
        return self.home / "log"

    @property
    def ready(self) -> Path:
        """Says which PostgreSQL and which sample data `data` holds; absent until it is complete."""
        return self.home / "ready"

    @property
    def has_platform(self) -> Path:
        """Exists once the shop has the platform's schema, with all that is in it at first."""
        return self.home / "platform"

    @property
    def load_pid(self) -> Path:
        """Holds the process id of the load."""
        return self.home / "load.pid"

    @property
    def kept(self) -> Path:
        """Exists while the demo is to outlive the console that started it."""
        return self.home / "kept"

    @property
    def sockets(self) -> Path:
        """The directory of the server's socket, closed to other users, with a path short enough for one."""
        inside = self.home / "run"
        if len(os.fsencode(inside / ".s.PGSQL.5432")) <= _SOCKET_PATH_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path("/tmp") / f"dbconsole-demo-{digest}"

    def make_directories(self) -> None:
        """Makes what the server needs before it can start."""
        hand_over(self.log, self.account)
        hand_over_sockets(self.sockets, self.account)


def hand_over_sockets(path: Path, account: Account) -> None:
    """Makes the sockets' directory. Below /tmp anybody may have made it first: then it is refused."""
    if not path.is_symlink():
        hand_over(path, account)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid or found.st_mode & 0o077:
        raise DemoFailed(f"The demo's socket cannot be put into {path}: that belongs to somebody else.")


def find_place() -> Place:
    """The demo's place: the user's data directory, or /var/lib/dbconsole where root's own is closed to others."""
    account = server_account()
    home = user_data_path("dbconsole").absolute() / "demo"
    if os.geteuid() == 0 and not open_to_others(home):
        home = Path("/var/lib/dbconsole/demo")
    return Place(home, account)


@contextmanager
def claimed(place: Place) -> Iterator[None]:
    """Makes sure that the directory is ours, and holds it: whoever else wants it waits.

    Raises `DemoFailed` when somebody else's files are there, or when it cannot be written.
    """
    try:
        descriptor = _open_marker(place.home)
    except OSError as error:
        raise DemoFailed(f"The demo cannot use {place.home}: {error.strerror}.") from error
    with os.fdopen(descriptor, "r+") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        mark = marker.read()
        if not mark:
            marker.write(_MARK)
            marker.flush()
        elif mark != _MARK:
            raise DemoFailed(_foreign(place.home))
        yield


def exists(place: Place) -> bool:
    """Whether the demo was ever started here."""
    return (place.home / _MARKER).is_file()


def _open_marker(home: Path) -> int:
    if os.geteuid() == 0:
        open_directory(home)
    else:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.stat().st_uid != os.geteuid():
        raise DemoFailed(f"{home} belongs to another user; the demo leaves it alone.")
    # The marker is the first file of ours: where there are files, and then still no marker, they are not ours.
    if any(home.iterdir()) and not (home / _MARKER).exists():
        raise DemoFailed(_foreign(home))
    return os.open(home / _MARKER, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _foreign(home: Path) -> str:
    return (
        f"{home} holds files that are not the demo's; move them away, or set XDG_DATA_HOME to another place."
    )
