"""From "who waits for whom" to trees with the root blockers first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from console.models.activity import Blocker, Session
from console.models.health import BlockingSummary


def pids(texts: Sequence[str] | None) -> tuple[int, ...]:
    """The result of `pg_blocking_pids()`, which the queries turn into text[].

    asyncpg knows that type; before its first int[] it would ask the server about it, which costs the first
    sample 7 ms.
    """
    return tuple(map(int, texts)) if texts else ()


def trees(
    blocked_by: Mapping[int, Sequence[int]],
    wait_ages: Mapping[int, float | None],
    sessions: Mapping[int, Session] | None = None,
) -> tuple[Blocker, ...]:
    """The root blockers, the one that most wait for first, each with who waits behind it.

    `blocked_by` has for each waiting pid those that it waits for, `wait_ages` since how many seconds. In a queue everybody waits for everybody ahead:
    so that 200 waiters stay 200 lines, a session stands once in a root's tree, as near to the root as it can; one
    that waits for two roots stands below both. A circle of waiters (a deadlock that the server has not broken yet)
    is shown from its smallest pid.
    """
    waiters: dict[int, list[int]] = defaultdict(list)
    for pid in sorted(blocked_by):
        for blocker in set(blocked_by[pid]) - {pid}:
            waiters[blocker].append(pid)
    reached: set[int] = set()
    found = []

    def grow(pid: int, children: Mapping[int, Sequence[int]]) -> Blocker:
        below = sorted((grow(waiter, children) for waiter in children[pid]), key=_first)
        return Blocker(pid, wait_ages.get(pid), (sessions or {}).get(pid), tuple(below))

    for pid in sorted(waiters, key=lambda pid: (bool(blocked_by.get(pid)), pid)):
        is_root = not blocked_by.get(pid)
        if is_root or pid not in reached:
            children = _nearest(pid, waiters)
            reached.update(children)
            found.append(grow(pid, children))
    return tuple(sorted(found, key=_first))


def summary(roots: Sequence[Blocker]) -> BlockingSummary | None:
    """The one line about all of them, None when nobody waits."""
    if not roots:
        return None
    waiting = {node.pid for root in roots for depth, node in root.walk() if depth}
    return BlockingSummary(
        blockers=len(roots),
        waiting=len(waiting),
        longest_wait=max(root.longest_wait for root in roots),
        pid=roots[0].pid,
    )


def _nearest(root: int, waiters: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """For every session behind the root, the root among them, who is to be drawn below it."""
    children: dict[int, list[int]] = {root: []}
    level = [root]
    while level:
        following = []
        for pid in level:
            for waiter in waiters.get(pid, ()):
                if waiter not in children:
                    children[waiter] = []
                    children[pid].append(waiter)
                    following.append(waiter)
        level = following
    return children


def _first(blocker: Blocker) -> tuple[int, float, int]:
    return (-blocker.waiting, -(blocker.wait_age or 0.0), blocker.pid)
