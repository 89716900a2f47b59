"""The console on a real (pseudo) terminal: it leaves it as it found it, however it ends."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.terminal.driver import _PollableEvent
from console.terminal.output import TerminalOutput
from tests.terminal.emulator import ALTERNATE_SCREEN, Emulator
from tests.terminal.pty_session import PtySession

PROGRAM = """
import signal, sys
from textual.app import App
from textual.widgets import Static
from console.terminal.driver import ConsoleDriver
from console.terminal.painter import DeltaPainting

class Sample(DeltaPainting, App[int]):
    BINDINGS = [("q", "quit"), ("x", "crash"), ("f", "flood"), ("ctrl+l", "repaint"), ("z", "suspend_process"),
                ("s", "stop")]

    def compose(self):
        yield Static("ready", id="top")
        yield Static("", id="body")

    def show(self, text):
        self.query_one("#top", Static).update(text)

    def on_click(self, event):
        self.show(f"clicked {event.screen_x} {event.screen_y}")

    def on_mouse_scroll_down(self):
        self.show("scrolled")

    def on_resize(self, event):
        self.show(f"ready {event.size.width}x{event.size.height}")

    def action_crash(self):
        raise RuntimeError("crashed")

    def action_repaint(self):
        self.repaint()

    def action_flood(self):
        self.step = 0
        self.flow = self.set_interval(0.01, self.pour)

    def action_stop(self):
        self.flow.stop()
        self.query_one("#body", Static).update("stopped")

    def pour(self):
        self.step += 1
        if "log steps" in sys.argv:
            print(self.step, file=sys.__stderr__, flush=True)
        self.query_one("#body", Static).update("\\n".join(f"{self.step * y:>70}" for y in range(1, 20)))

if "block hangup" in sys.argv:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
if "continue at the end" in sys.argv:
    disable_input = ConsoleDriver.disable_input
    ConsoleDriver.disable_input = lambda driver: (signal.raise_signal(signal.SIGCONT), disable_input(driver))
app = Sample(driver_class=ConsoleDriver)
app.run()
sys.exit(app.return_code)
"""


def session(*arguments: str, **options: Any) -> PtySession:
    return PtySession([sys.executable, "-c", PROGRAM, *arguments], columns=80, lines=24, **options)


def is_ready(screen: Emulator) -> bool:
    return "ready" in screen.text


@pytest.fixture
def console() -> Iterator[PtySession]:
    """A running app, and afterwards a check that it left the terminal as it was."""
    with session() as running:
        before = running.settings()
        running.wait_for(is_ready)
        yield running
        assert_restored(running)
        assert running.settings() == before


def assert_restored(session: PtySession) -> None:
    """No mode stays: the main screen, a cursor, autowrap; no mouse, no focus, no paste, no key protocol."""
    assert session.screen.private_modes == {7, 25}
    assert not session.screen.cursor.hidden
    output = bytes(session.output)
    assert output.count(b"\x1b[>25u") == output.count(b"\x1b[<u")


def test_quits(console: PtySession) -> None:
    assert ALTERNATE_SCREEN in console.screen.private_modes
    console.send("q")
    assert console.wait_exit() == 0
    assert console.screen.text.strip() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_end_it_in_order(console: PtySession, number: signal.Signals) -> None:
    console.signal(number)
    assert console.wait_exit() == 128 + number
    assert console.screen.text.strip() == ""


def test_what_is_continued_while_it_ends_does_not_begin_again() -> None:
    """As when a terminal is closed, which sends both signals, one right behind the other."""
    with session("continue at the end") as console:
        console.wait_for(is_ready)
        console.signal(signal.SIGHUP)
        assert console.wait_exit() == 128 + signal.SIGHUP
        assert bytes(console.output).count(b"\x1b[?1049h") == 1
        assert_restored(console)


def test_a_crash_restores_the_terminal(console: PtySession) -> None:
    console.send("x")
    assert console.wait_exit() == 1
    assert "crashed" in console.screen.text


def test_suspends_and_comes_back_whole(console: PtySession) -> None:
    for _ in range(2):
        console.send("z")
        console.wait_stopped()
        assert_restored(console)
        console.screen.show("\x1b[2J\x1b[Hsomeone else's prompt $ ")
        console.signal(signal.SIGCONT)
        console.wait_for(lambda screen: ALTERNATE_SCREEN in screen.private_modes and is_ready(screen))
        assert "prompt" not in console.screen.text
    console.send("q")
    assert console.wait_exit() == 0


def test_stopped_from_outside_comes_back_whole(console: PtySession) -> None:
    """SIGSTOP gives no notice, so that SIGCONT finds the app as if it had never stopped."""
    console.signal(signal.SIGSTOP)
    console.wait_stopped()
    console.screen.show("\x1b[2J\x1b[Hgarbage")
    console.signal(signal.SIGCONT)
    console.wait_for(lambda screen: is_ready(screen) and "garbage" not in screen.text)
    console.send("q")
    assert console.wait_exit() == 0


def test_follows_the_size(console: PtySession) -> None:
    console.resize(50, 10)
    console.wait_for(lambda screen: "ready 50x10" in screen.text)
    console.screen.show("\x1b[Hgarbage")
    console.send("\x0c")
    console.wait_for(lambda screen: "ready 50x10" in screen.text)
    console.send("q")
    assert console.wait_exit() == 0


def test_clicks_and_the_wheel_but_no_mere_moves(console: PtySession) -> None:
    console.send("\x1b[<0;11;3M\x1b[<0;11;3m")
    console.wait_for(lambda screen: "clicked 10 2" in screen.text)
    console.send("\x1b[<65;11;3M")
    console.wait_for(lambda screen: "scrolled" in screen.text)
    assert 1003 not in console.screen.private_modes
    console.send("q")
    assert console.wait_exit() == 0


def test_idle_is_silent(console: PtySession) -> None:
    console.read_for(0.3)
    assert console.read_for(1.0) == 0
    console.send("q")
    assert console.wait_exit() == 0


@pytest.mark.parametrize("arguments", [(), ("block hangup",)])
def test_a_dropped_connection_ends_it_quietly(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """With the signal, and without: then by the end of its input, or by the first write that fails."""
    with (
        (tmp_path / "errors").open("w") as errors,
        session(*arguments, redirect={2: errors.fileno()}) as gone,
    ):
        gone.wait_for(is_ready)
        gone.send("f")
        gone.wait_for(lambda screen: "19" in screen.text)
        gone.hang_up()
        assert gone.wait_exit() == 128 + signal.SIGHUP
    assert (tmp_path / "errors").read_text() == ""


@pytest.fixture
def stalled(tmp_path: Path) -> Iterator[PtySession]:
    """An app that paints, and goes on for long, while its terminal takes nothing."""
    with (
        (tmp_path / "steps").open("w+") as steps,
        session("log steps", redirect={2: steps.fileno()}) as running,
    ):
        running.wait_for(is_ready)
        running.send("f")
        running.wait_unread(lambda: running.is_full)

        def count() -> int:
            return len((tmp_path / "steps").read_text().split())

        reached = count()
        running.wait_unread(lambda: count() > reached + 100)  # the writer's queue holds 30
        yield running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stalled_terminal_does_not_keep_it_from_ending(stalled: PtySession, number: signal.Signals) -> None:
    stalled.signal(number)
    assert stalled.wait_exit(reading=False) == 128 + number


def test_keys_work_while_the_terminal_is_stalled(stalled: PtySession) -> None:
    stalled.send("q")
    assert stalled.wait_exit(reading=False) == 0


def test_a_stalled_terminal_goes_on_with_the_newest_state(stalled: PtySession) -> None:
    stalled.send("s")
    stalled.wait_for(lambda screen: "stopped" in screen.text)
    stalled.wait_for(lambda screen: "19" not in screen.text)
    stalled.send("q")
    assert stalled.wait_exit() == 0


def test_redirected_errors_leave_the_screen_on_the_terminal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, session(redirect={2: log.fileno()}) as console:
        console.wait_for(is_ready)
        console.send("q")
        assert console.wait_exit() == 0
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.parametrize("answers", [False, True])
def test_frames_are_synchronized_where_the_terminal_says_it_can(answers: bool) -> None:
    with session(answers=answers) as console:
        console.wait_for(is_ready)
        console.resize(60, 20)
        console.wait_for(lambda screen: "ready 60x20" in screen.text)
        assert (b"\x1b[?2026h" in console.output) is answers
        console.send("q")
        assert console.wait_exit() == 0


def test_what_a_driver_opened_is_closed_with_it() -> None:
    """A console comes after the other in one process, and each has a driver of its own."""
    master, terminal = os.openpty()
    output, event = TerminalOutput(terminal, lambda: None), _PollableEvent()
    opened = [output.fileno(), event.fileno()]
    assert terminal not in opened
    del output, event
    for descriptor in opened:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    os.close(terminal)
    os.close(master)
