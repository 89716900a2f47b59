"""Trees of who waits for whom."""

from __future__ import annotations

import itertools

from console.data.blocking import pids, summary, trees
from console.models.activity import Blocker


def drawn(roots: tuple[Blocker, ...]) -> list[str]:
    """The lines of the trees, two spaces for each depth."""
    return ["  " * depth + str(node.pid) for root in roots for depth, node in root.walk()]


def test_nobody_waits() -> None:
    assert trees({}, {}) == ()
    assert summary(()) is None


def test_a_chain_with_a_waiter_behind_a_waiter() -> None:
    roots = trees({2: [1], 3: [1], 4: [1], 5: [3]}, {2: 7.0, 3: 5.0, 4: 9.0, 5: 1.0})
    # Behind 3 stands one more, so 3 comes first; of the others 4 has waited longer.
    assert drawn(roots) == ["1", "  3", "    5", "  4", "  2"]
    assert (roots[0].waiting, roots[0].longest_wait, roots[0].wait_age) == (4, 9.0, None)


def test_the_root_that_most_wait_for_comes_first() -> None:
    roots = trees({11: [10], 21: [20], 22: [20], 31: [30]}, {11: 1.0, 21: 1.0, 22: 1.0, 31: 50.0})
    assert [root.pid for root in roots] == [20, 10, 30]
    line = summary(roots)
    assert line is not None
    assert (line.blockers, line.waiting, line.longest_wait, line.pid) == (3, 4, 50.0, 20)


def test_a_queue_stays_as_long_as_it_is() -> None:
    """In a queue for one lock everybody waits for everybody ahead: drawn naively that is 2^n lines."""
    queue = range(100, 300)
    blocked_by = {pid: [1, *range(100, pid)] for pid in queue}
    roots = trees(blocked_by, dict.fromkeys(queue, 1.0))
    assert len(drawn(roots)) == 201
    assert roots[0].waiting == 200


def test_one_that_waits_for_two_roots_stands_below_both_and_counts_once() -> None:
    roots = trees({3: [1, 2]}, {3: 4.0})
    assert drawn(roots) == ["1", "  3", "2", "  3"]
    line = summary(roots)
    assert line is not None
    assert (line.blockers, line.waiting) == (2, 1)


def test_it_is_drawn_as_near_to_the_root_as_it_can_be() -> None:
    assert drawn(trees({2: [1], 3: [2, 1]}, {})) == ["1", "  2", "  3"]


def test_a_circle_is_shown_from_its_smallest_pid() -> None:
    assert drawn(trees({5: [6], 6: [7], 7: [5]}, {})) == ["5", "  7", "    6"]


def test_a_circle_with_somebody_behind_it_is_shown_once() -> None:
    lines = drawn(trees({5: [6], 6: [5], 9: [6]}, {}))
    assert sorted(line.strip() for line in lines) == ["5", "6", "9"]


def test_prepared_transactions_are_pid_0_and_may_be_several() -> None:
    roots = trees({8: [0, 0]}, {8: 2.0})
    assert drawn(roots) == ["0", "  8"]
    assert roots[0].session is None


def test_a_session_that_waits_for_itself_is_no_blocker_of_its_own() -> None:
    """Parallel workers have their leader's pid among those that they wait for."""
    assert drawn(trees({4: [4, 1]}, {4: 1.0})) == ["1", "  4"]


def test_the_order_of_the_rows_does_not_matter() -> None:
    rows = [(2, [1]), (3, [1]), (4, [3]), (6, [5])]
    drawings = {tuple(drawn(trees(dict(order), {}))) for order in itertools.permutations(rows)}
    assert len(drawings) == 1


def test_pids_come_as_texts() -> None:
    assert pids(["12", "0"]) == (12, 0)
    assert pids(None) == ()
