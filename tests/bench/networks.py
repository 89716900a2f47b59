"""What a person waits for where the server is far away, or behind a pooler. Alone: `python -m tests.bench.networks`."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from tests.bench.contestants import CONSOLE, activity_is_open, console_is_painted, environment
from tests.bench.figures import Figure, table
from tests.bench.terminal import TimedTerminal, precise_threads
from tests.lossy_proxy import lossy_proxy_aside
from tests.pgbouncer import pgbouncer
from tests.postgres import Clusters
from tests.terminal.emulator import Emulator

ROUND_TRIP = 0.2
"""Seconds to the far server and back."""
MOST_ROUND_TRIPS = 6
"""Those of connecting, the greeting and two for SCRAM, and three until there is data."""
_ROUNDS = 5


def networks() -> list[Figure]:
    """Medians in milliseconds."""
    clusters = Clusters()
    try:
        cluster = clusters.shared(18)
        near, key, near_data = _start(cluster.url())
        with lossy_proxy_aside(cluster) as proxy:
            proxy.delay = ROUND_TRIP / 2
            far, far_key, far_data = _start(proxy.address)
        with pgbouncer(clusters, cluster, "transaction") as pooler:
            _, _, pooled_data = _start(pooler.url())
    finally:
        clusters.close()
    most = 1.2 * near_data + MOST_ROUND_TRIPS * ROUND_TRIP * 1000
    return [
        Figure("200 ms away: exec → first frame", "ms", far, limit=1.2 * near),
        Figure("200 ms away: first frame → answer to a key", "ms", far_key, limit=1.2 * key + 10),
        Figure("200 ms away: exec → data", "ms", far_data, limit=most),
        Figure("behind a pooler: exec → data", "ms", pooled_data),
        Figure("beside it: exec → data", "ms", near_data),
    ]


def _start(url: str) -> tuple[float, float, float]:
    """Until the first frame, from a key pressed then to its answer, and until there is data."""
    rounds = []
    with tempfile.TemporaryDirectory() as home:
        for count in range(_ROUNDS + 1):
            with TimedTerminal(CONSOLE.command(url), environment(Path(home))) as terminal:
                painted = _came(terminal.seen(console_is_painted)) - terminal.started_at
                pressed = terminal.send("2")
                answered = _came(terminal.seen(activity_is_open)) - pressed
            with TimedTerminal(CONSOLE.command(url), environment(Path(home))) as terminal:
                live = _came(terminal.seen(_has_data)) - terminal.started_at
            if count:  # the first round fills caches
                rounds.append((painted, answered, live))
    frame, key, data = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
    return frame, key, data


def _has_data(screen: Emulator) -> bool:
    """The bar of connections says how many of the server's 100 are in use."""
    return "/ 100" in screen.text


def _came(at: float | None) -> float:
    assert at is not None, "it was never seen"
    return at


if __name__ == "__main__":
    precise_threads()
    print(table(networks()))
