"""`make bench`: the console beside its peer pg_activity, on one server, in one run of about twenty minutes.

The server is a throwaway PostgreSQL 18 with pgbench, idle sessions, one that blocks and its waiters; the terminal
has 120×40 cells; both refresh every two seconds. Times are told, never asserted: the exit code is 0 whatever they are.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version

from tests.bench.accounts import accounts
from tests.bench.contestants import CONSOLE, ON_ACTIVITY, PEER
from tests.bench.figures import Figure, table
from tests.bench.measures import QUICK, Bench, Plan
from tests.bench.migrations import migrations
from tests.bench.networks import networks
from tests.bench.scene import CLIENTS, IDLE, RATE, SCALE, WAITERS, Scene
from tests.bench.spatial import spatial
from tests.bench.statements import statements
from tests.bench.terminal import COLUMNS, LINES, precise_threads


def main() -> None:
    """Measures, and prints the table."""
    together = ("start", "silent", "use", "many")
    alone = {
        "migrations": migrations,
        "statements": statements,
        "accounts": accounts,
        "networks": networks,
        "spatial": spatial,
    }
    names = (*together, *alone)
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer starts, shorter periods")
    parser.add_argument("--only", action="append", choices=names, help="measure only this (may be repeated)")
    arguments = parser.parse_args()

    precise_threads()
    began = time.monotonic()
    figures: list[Figure] = []
    wanted = arguments.only or names
    for name in [name for name in wanted if name in alone]:
        print(f"measuring: {name} …", file=sys.stderr)
        figures += alone[name]()
    if beside := [name for name in wanted if name in together]:
        figures += _beside_the_peer(beside, QUICK if arguments.quick else Plan())
    print()
    print(table(figures))
    print(f"\n{time.monotonic() - began:.0f} s")


def _beside_the_peer(names: Sequence[str], plan: Plan) -> list[Figure]:
    figures: list[Figure] = []
    print(f"{CONSOLE.name} {version('dbconsole')}: {' '.join((*CONSOLE.options, *ON_ACTIVITY))}")
    print(f"{PEER.name} {version('pg_activity')}: {' '.join(PEER.options)}")
    print(f"PostgreSQL 18, pgbench -s {SCALE} -c {CLIENTS} -R {RATE}, {IDLE} idle sessions, ", end="")
    print(f"1 blocker with {WAITERS} waiters, terminal of {COLUMNS}×{LINES}", flush=True)
    with Scene((CONSOLE.role, PEER.role)) as scene:
        bench = Bench(scene, plan)
        for name in names:
            print(f"measuring: {name} …", file=sys.stderr)
            figures += getattr(bench, name)()
    return figures


if __name__ == "__main__":
    main()
