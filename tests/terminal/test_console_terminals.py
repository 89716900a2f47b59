"""Terminals of every kind: few colours, none, one inside another, one that never answers, one that is none."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.black_hole import black_hole
from tests.postgres import PostgresCluster
from tests.terminal.conftest import Chain
from tests.terminal.console_session import Console

pytestmark = pytest.mark.xdist_group("console-screens")

FEW_COLOURS = {"TERM": "xterm", "COLORTERM": None}
MANY_COLOURS = {"TERM": "xterm-256color", "COLORTERM": None}
NO_COLOURS = {"NO_COLOR": "1"}


@pytest.mark.parametrize("environment", [FEW_COLOURS, MANY_COLOURS, NO_COLOURS], ids=["16", "256", "none"])
def test_state_is_a_glyph_and_a_word(
    postgres: PostgresCluster, chain: Chain, home: Path, environment: Mapping[str, str | None]
) -> None:
    with Console(
        home, postgres.url(), "-e", "production", "--refresh", "0.5", environment=environment
    ) as console:
        console.wait_live()
        console.wait_seen(" PRODUCTION ", "▲ 1 blocker holds 2", "(warning)", "waiting 2", "▲shop-first")
        console.send("2")
        console.wait_seen(f"{chain.first.pid} active     Lock:transactionid")
        console.wait_for(
            lambda screen: re.search(rf"◆ +{chain.holder.pid} idle in tx", screen.text) is not None
        )
        console.send(" ")
        console.wait_seen("paused")
        assert_colours(console, environment)
        console.quit()


def assert_colours(console: Console, environment: Mapping[str, str | None]) -> None:
    """Only colours that the terminal has, and a cursor that can be seen without any."""
    output = bytes(console.output)
    assert b"38;2;" not in output
    if environment is FEW_COLOURS:
        assert b"38;5;" not in output
    if environment is NO_COLOURS:
        assert b"38;5;" not in output
        cells = [cell for line in console.screen.rows() for cell in line]
        assert {(cell.fg, cell.bg) for cell in cells} == {("default", "default")}
        row = next(
            line for line in console.screen.rows() if "idle in tx" in "".join(c.data for c in line)[8:40]
        )
        assert any(cell.reverse for cell in row)


def test_the_first_frame_waits_for_nothing(home: Path) -> None:
    """The terminal answers no query and the server no connection; keys work nevertheless."""
    with black_hole() as port, Console(home, f"postgresql://nobody@127.0.0.1:{port}/nowhere") as console:
        console.wait_seen("connecting …", f"nobody@127.0.0.1:{port}/nowhere", "q quit")
        console.send("2")
        console.wait_seen(f"Connecting to nobody@127.0.0.1:{port}/nowhere", timeout=2.0)
        console.send("q")
        assert console.wait_exit(timeout=5.0) in (0, 3)
        console.assert_restored()


def test_a_terminal_that_cannot_be_painted_on(home: Path) -> None:
    with Console(home, "postgresql://", environment={"TERM": "dumb"}) as console:
        assert console.wait_exit() == 2
        said = console.screen.text.strip().replace("\n", "")
        assert said.startswith("dbconsole: TERM=dumb is a terminal that cannot be painted on.")
        assert "`dbconsole activity --json`" in said
        assert b"\x1b" not in console.output


@pytest.mark.parametrize("stream", [0, 1])
def test_no_terminal_at_all(home: Path, stream: int) -> None:
    with (home / "nothing").open("w+") as file, Console(home, redirect={stream: file.fileno()}) as console:
        assert console.wait_exit() == 2
        said = console.screen.text.strip().replace("\n", "")
        assert said.startswith("dbconsole: The console needs a terminal, and standard")
        assert "`dbconsole pools --json`" in said
    assert (home / "nothing").read_text() == ""


def test_inside_tmux(postgres: PostgresCluster, chain: Chain, home: Path) -> None:
    tmux = ["tmux", "-S", str(home / "tmux"), "-f", "/dev/null"]
    outer = Console(home, postgres.url(), "--refresh", "0.5", columns=100, lines=30)
    outer.command = [*tmux, "new-session", *outer.command]
    try:
        with outer:
            outer.wait_for(lambda screen: "every 0.5 s" in screen.text and "shop-hold" in screen.text)
            outer.send("2")
            outer.wait_seen(f"{chain.holder.pid} idle in tx", f"{chain.first.pid} active", "q quit")
            pane = subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True, check=True)
            assert "showing running" in pane.stdout
            outer.send("q")
            outer.wait_seen("[exited]")
    finally:
        subprocess.run([*tmux, "kill-server"], capture_output=True, check=False)
