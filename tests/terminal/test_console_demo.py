"""`dbconsole demo` as a person runs it: opens on live data, and leaves nothing running."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.terminal.console_session import Console

pytestmark = pytest.mark.xdist_group("demo")

START = 60.0
"""Seconds for the first start of the demo server, which makes its data."""


@pytest.fixture
def data_home() -> Iterator[Path]:
    """A user's data directory. Not tmp_path: the server's account has to get there, by a short path."""
    directory = Path(tempfile.mkdtemp(prefix="dbconsole-test-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def processes_of(directory: Path) -> list[int]:
    """The processes whose command line or working directory is below the directory."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = [*(process.info["cmdline"] or ()), process.info["cwd"] or ""]
        if any(str(directory) in word for word in words):
            found.append(process.pid)
    return found


def test_opens_with_live_data_and_leaves_nothing(home: Path, data_home: Path) -> None:
    environment = {"XDG_DATA_HOME": str(data_home)}
    with Console(home, "demo", "--refresh", "0.5", environment=environment) as console:
        console.wait_for(lambda screen: "every 0.5 s" in screen.text, START)
        console.wait_seen("by application", "shop-", "commit/s", "commits ")
        assert processes_of(data_home)
        console.send("2")
        console.wait_seen("showing running")
        console.quit()
    assert processes_of(data_home) == []
