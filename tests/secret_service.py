"""A real keyring without a desktop: GNOME's Secret Service on a bus of its own."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_NAME = "org.freedesktop.secrets"
_SECONDS = 10


@contextmanager
def secret_service(directory: Path) -> Iterator[dict[str, str]]:
    """The variables with which a program finds it. Its collection is there, and unlocked; files are in `directory`."""
    for program in ("dbus-daemon", "gnome-keyring-daemon"):
        if shutil.which(program) is None:
            raise RuntimeError(f"The tests need {program}; install it with: python tests/system_packages.py")
    bus = directory / "bus"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        "XDG_DATA_HOME": str(directory / "data"),
        "XDG_RUNTIME_DIR": str(directory),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}",
    }
    directory.chmod(0o700)
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str, given: bytes = b"") -> None:
        # It ends with the test process, also when that is killed.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        processes.insert(0, process)
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()

    try:
        start("dbus-daemon", "--session", "--nofork", f"--address=unix:path={bus}")
        _until(bus.exists)
        start("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets", given=b"unlock me")
        _until(lambda: _has_name(environment["DBUS_SESSION_BUS_ADDRESS"]))
        yield environment
    finally:
        for process in processes:
            process.kill()
            process.wait()


def lock(environment: dict[str, str]) -> None:
    """Locks the keyring; nobody is there to unlock it."""
    import secretstorage
    from jeepney.io.blocking import open_dbus_connection

    with closing(open_dbus_connection(environment["DBUS_SESSION_BUS_ADDRESS"])) as connection:
        secretstorage.get_default_collection(connection).lock()


def _has_name(address: str) -> bool:
    """Whether the service is there. Asking the service itself would have the bus start another one."""
    from jeepney import message_bus
    from jeepney.io.blocking import Proxy, open_dbus_connection

    with closing(open_dbus_connection(address)) as connection:
        return bool(Proxy(message_bus, connection).NameHasOwner(_NAME)[0])


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the keyring did not start")
        time.sleep(0.01)
