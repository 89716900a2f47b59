"""How each figure is taken. Each program runs alone, in turn with the other, on the same server and load."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass
from pathlib import Path

from tests.bench.contestants import (
    CONSOLE,
    DOWN,
    ON_ACTIVITY,
    PEER,
    UP,
    Contestant,
    activity_is_open,
    console_is_painted,
    environment,
    highlights,
    shows_session,
)
from tests.bench.figures import Figure
from tests.bench.scene import MANY_IDLE, Scene, cpu_seconds
from tests.bench.terminal import TimedTerminal

MOST_BYTES_MANY = 1000
MOST_MEMORY = 70.0
_WARM_UP = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: starts, seconds of a steady period, presses of a key."""

    starts: int = 7
    seconds: float = 60.0
    presses: int = 60


QUICK = Plan(3, 15.0, 20)


@dataclass(frozen=True, slots=True)
class Steady:
    """A steady period of one program, a second (output) or a minute (the rest)."""

    bytes: float
    cpu_seconds: float
    connections: int
    calls: float
    milliseconds: float
    backend_cpu_seconds: float


class Bench:
    """The measurements, on one scene."""

    def __init__(self, scene: Scene, plan: Plan) -> None:
        self._scene = scene
        self._plan = plan
        self._environment = environment(scene.home)
        self._chance = random.Random(1)

    def start(self) -> list[Figure]:
        """From exec to what a person can read and use, on a terminal that answers."""
        frame, key, row, peer = self._starts(answers=True)
        return [
            Figure("exec → first frame (peer: first row)", "ms", frame, peer, peer),
            Figure("first frame → answer to a key pressed then", "ms", key),
            Figure("exec → first session row", "ms", row, peer, 1.3 * peer),
        ]

    def silent(self) -> list[Figure]:
        """The same on a terminal that never answers a query."""
        frame, key, row, peer = self._starts(answers=False)
        return [
            Figure("silent terminal: exec → first frame", "ms", frame, peer, peer),
            Figure("silent terminal: first frame → answer to a key", "ms", key),
            Figure("silent terminal: exec → first session row", "ms", row, peer, 1.3 * peer),
        ]

    def use(self) -> list[Figure]:
        """An hour of use in two minutes: watching, moving about, visiting every screen."""
        ours, peer = self._use(CONSOLE, *ON_ACTIVITY), self._use(PEER)
        steady, other = ours.steady, peer.steady
        return [
            Figure("output, default view", "B/s", steady.bytes, other.bytes, other.bytes / 4),
            Figure("CPU", "s/min", steady.cpu_seconds, other.cpu_seconds, other.cpu_seconds),
            Figure("peak memory, every screen visited", "MiB", ours.memory, peer.memory, MOST_MEMORY),
            Figure("key → screen, median", "ms", ours.median, peer.median, peer.median),
            Figure("key → screen, 95th percentile", "ms", ours.p95, peer.p95, peer.p95),
            Figure("connections held", "", steady.connections, other.connections, 1),
            Figure("statements", "1/min", steady.calls, other.calls),
            Figure("server: execution time", "ms/min", steady.milliseconds, other.milliseconds, other.milliseconds / 2),
            Figure("server: CPU of the backend", "s/min", steady.backend_cpu_seconds, other.backend_cpu_seconds),
        ]  # fmt: skip

    def many(self) -> list[Figure]:
        """Watching with every idle session shown. The peer shows no idle sessions."""
        self._scene.fill(MANY_IDLE)
        with self._opened(CONSOLE, *ON_ACTIVITY) as terminal:
            terminal.send("a")
            steady = self._steady(CONSOLE, terminal)
        return [
            Figure(f"output, {MANY_IDLE} idle sessions shown", "B/s", steady.bytes, limit=MOST_BYTES_MANY),
            Figure(f"CPU, {MANY_IDLE} idle sessions shown", "s/min", steady.cpu_seconds),
            Figure(f"server: execution time, {MANY_IDLE} idle shown", "ms/min", steady.milliseconds),
        ]

    # Starts ---------------------------------------------------------------------------------------------------------

    def _starts(self, *, answers: bool) -> tuple[float, float, float, float]:
        """Medians in milliseconds: first frame, answer to a key, first row; the peer's first row."""
        rounds = []
        for count in range(self._plan.starts + 1):
            painted, answered = self._first_frame(answers)
            first_row = self._first_row(CONSOLE, answers, *ON_ACTIVITY)
            peers_row = self._first_row(PEER, answers)
            if count:  # the first round fills caches
                rounds.append((painted, answered, first_row, peers_row))
        frame, key, row, peer = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
        return frame, key, row, peer

    def _first_frame(self, answers: bool) -> tuple[float, float]:
        command = CONSOLE.command(self._scene.url(CONSOLE.role))
        with TimedTerminal(command, self._environment, answers=answers) as terminal:
            painted = terminal.seen(console_is_painted)
            pressed = terminal.send("2")
            answered = terminal.seen(activity_is_open)
            return _took(painted, terminal.started_at), _took(answered, pressed)

    def _first_row(self, contestant: Contestant, answers: bool, *options: str) -> float:
        command = contestant.command(self._scene.url(contestant.role), *options)
        with TimedTerminal(command, self._environment, answers=answers) as terminal:
            return _took(terminal.seen(shows_session(self._scene.waiter_pid)), terminal.started_at)

    # Use ------------------------------------------------------------------------------------------------------------

    def _opened(self, contestant: Contestant, *options: str) -> TimedTerminal:
        return TimedTerminal(
            contestant.command(self._scene.url(contestant.role), *options), self._environment
        )

    def _use(self, contestant: Contestant, *options: str) -> Use:
        with self._opened(contestant, *options) as terminal:
            _took(terminal.seen(shows_session(self._scene.waiter_pid)), terminal.started_at)
            steady = self._steady(contestant, terminal)
            delays = sorted(self._delays(terminal))
            for key in contestant.tour:
                terminal.send(key)
                terminal.settle(0.5)
            return Use(
                steady,
                statistics.median(delays) * 1000,
                delays[int(0.95 * (len(delays) - 1) + 0.5)] * 1000,
                peak_memory(terminal.process.pid),
            )

    def _steady(self, contestant: Contestant, terminal: TimedTerminal) -> Steady:
        terminal.watch(_WARM_UP)
        self._scene.forget_statements()
        before = self._scene.cost(contestant.role)
        received, cpu = terminal.received, _cpu_seconds(terminal)
        terminal.watch(self._plan.seconds)
        received, cpu = terminal.received - received, _cpu_seconds(terminal) - cpu
        after = self._scene.cost(contestant.role)
        a_minute = 60 / self._plan.seconds
        return Steady(
            received / self._plan.seconds,
            cpu * a_minute,
            after.connections,
            (after.calls - before.calls) * a_minute,
            (after.milliseconds - before.milliseconds) * a_minute,
            (after.cpu_seconds - before.cpu_seconds) * a_minute,
        )

    def _delays(self, terminal: TimedTerminal) -> list[float]:
        """Seconds from a press of an arrow key, at any moment of the interval, to the output that shows it."""
        delays = []
        for count in range(self._plan.presses):
            terminal.watch(self._chance.uniform(0.1, 0.5))
            before = highlights(terminal.screen)
            pressed = terminal.send(UP if count % 2 else DOWN)
            shown = terminal.seen(lambda screen, before=before: highlights(screen) != before)  # type: ignore[misc]
            delays.append(_took(shown, pressed))
        return delays


@dataclass(frozen=True, slots=True)
class Use:
    """What one program did while it was used: milliseconds from key to screen, MiB of memory at most."""

    steady: Steady
    median: float
    p95: float
    memory: float


def _took(end: float | None, begin: float) -> float:
    """Seconds. Raises `RuntimeError` when the end never came: then there is nothing to measure."""
    if end is None:
        raise RuntimeError("the program never showed what was waited for")
    return end - begin


def _cpu_seconds(terminal: TimedTerminal) -> float:
    """User and system time of the program and of what it started."""
    family = (terminal.process, *terminal.process.children(recursive=True))
    return sum(cpu_seconds(process.pid) for process in family)


def peak_memory(pid: int) -> float:
    """The most that the process ever had resident, in MiB (`VmHWM` of proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))
