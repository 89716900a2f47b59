"""What a goal means, which order revisions have, and how they are drawn: as Alembic says, where it says anything."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from alembic.script.revision import Revision as AlembicRevision
from alembic.script.revision import RevisionError, RevisionMap
from alembic.util import to_tuple

from console import resources
from console.data.migrations import graph
from console.data.migrations.history import History
from console.data.migrations.lanes import MOST_LANES, lanes
from console.errors import BadMigrations
from console.models.migrations import Direction, Revision

SEEDS = range(300)
BATCHES = [SEEDS[start : start + 50] for start in range(0, len(SEEDS), 50)]


def revision(
    id_: str, *down: str, needs: tuple[str, ...] = (), labels: tuple[str, ...] = (), message: str = ""
) -> Revision:
    return Revision(id_, down, needs, labels, message, path=Path(f"{id_}.py"))


def newest_first(revisions: Sequence[Revision]) -> list[Revision]:
    history = History(revisions)
    return [history.by_id[id_] for id_ in history.newest_first()]


def ids(revisions: Sequence[Revision]) -> list[str]:
    return [revision.id for revision in revisions]


def alembic_map(revisions: Sequence[Revision]) -> RevisionMap:
    """Alembic's own view of the same revisions; what it keeps in sets is put in the order of the files."""
    made = RevisionMap(
        lambda: [
            AlembicRevision(r.id, r.down or None, r.depends_on or None, r.labels or None) for r in revisions
        ]
    )
    for found in set(made._revision_map.values()) - {None}:
        assert found is not None
        kept = set(found._normalized_resolved_dependencies)
        found._normalized_resolved_dependencies = tuple(d for d in found._resolved_dependencies if d in kept)
    return made


def random_revisions(seed: int) -> list[Revision]:
    """Branches, merges and dependencies, in an order of files that has nothing to do with theirs."""
    chance = random.Random(seed)
    made: list[Revision] = []
    tips: list[str] = []
    for number in range(chance.randint(1, 30)):
        id_ = f"{chance.randrange(16**6):06x}{number:02}"
        kind = chance.random()
        down: tuple[str, ...]
        if not made or kind < 0.12:
            down = ()
        elif kind < 0.3:
            down = (chance.choice(made).id,)
        elif kind < 0.42 and len(tips) > 1:
            down = tuple(chance.sample(tips, chance.randint(2, min(3, len(tips)))))
        else:
            down = (chance.choice(tips),)
        labels = (f"branch{number}",) if not down and chance.random() < 0.7 else ()
        others = [r.id for r in made if r.id not in down]
        needs = tuple(chance.sample(others, min(len(others), chance.choice((0, 0, 0, 1, 1, 2)))))
        if needs and chance.random() < 0.3:
            needs = tuple(next((r.labels[0] for r in made if r.id == n and r.labels), n) for n in needs)
        made.append(revision(id_, *down, needs=needs, labels=labels))
        tips = [tip for tip in tips if tip not in down] + [id_]
    chance.shuffle(made)
    return made


def random_current(seed: int, revisions: Sequence[Revision]) -> tuple[str, ...]:
    """What a version table could name: some revisions, none of which stands on another."""
    chance = random.Random(seed)
    history = History(revisions)
    some = chance.sample(list(history.by_id), min(len(revisions), chance.randint(0, 3)))
    return tuple(
        one for one in some if not any(history.ancestors[o] & history.bit(one) for o in some if o != one)
    )


def random_goals(seed: int, revisions: Sequence[Revision]) -> list[str]:
    chance = random.Random(seed)
    some = [chance.choice(revisions).id for _ in range(3)]
    labels = [label for r in revisions for label in r.labels][:3]
    goals = ["head", "heads", "base", "+1", "+2", "-1", "-2", "-3", "head-1", "base+1"]
    goals += [*some, some[0][:6], f"{some[1]}+1", f"{some[1]}-1", f"{some[2]}-2", *labels, "nothing", ""]
    for label in labels:
        goals += [f"{label}@head", f"{label}@heads", f"{label}@base", f"{label}@+1", f"{label}@-1"]
        goals += [f"{label}@{some[0]}", f"{label}@{some[1]}-1", f"{label}@{some[2][:5]}", f"{label}@head-1"]
    return goals


@pytest.mark.parametrize("seeds", BATCHES)
def test_order_heads_bases_and_branches_are_alembics(seeds: range) -> None:
    for seed in seeds:
        revisions = random_revisions(seed)
        history, theirs = History(revisions), alembic_map(revisions)
        assert history.newest_first() == [r.revision for r in theirs.iterate_revisions("heads", "base")], seed
        assert sorted(history.heads) == sorted(theirs.heads)
        assert sorted(history.effective_heads) == sorted(theirs._real_heads)
        assert sorted(history.bases) == sorted(theirs.bases)
        for r in revisions:
            found = theirs.get_revision(r.id)
            assert found is not None
            assert set(history.branches[r.id]) == found.branch_labels, (seed, r.id)


def alembics_path(
    theirs: RevisionMap, current: tuple[str, ...], goal: str, direction: Direction
) -> set[str] | None:
    """What Alembic would run; None where it will not, or says that it should not."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if "@" in goal and not re.search(r"[+-]\d+$", goal):
                theirs.get_revision(goal)  # a downgrade takes the label of another branch for a remark
            found = (
                theirs.iterate_revisions(goal, current, implicit_base=True)
                if direction is Direction.UPGRADE
                else theirs.iterate_revisions(current, goal, select_for_downgrade=True)
            )
            return {r.revision for r in found}
    except (RevisionError, AssertionError, AttributeError, UserWarning):
        return None


@pytest.mark.parametrize("seeds", BATCHES)
@pytest.mark.parametrize("direction", Direction)
def test_the_way_to_any_goal_is_alembics(seeds: range, direction: Direction) -> None:
    for seed in seeds:
        revisions = newest_first(random_revisions(seed))
        theirs, history = alembic_map(revisions), History(revisions)
        path = graph.upgrade_path if direction is Direction.UPGRADE else graph.downgrade_path
        for turn in range(3):
            current = random_current(seed + turn, revisions)
            for goal in random_goals(seed + turn, revisions):
                expected = alembics_path(theirs, current, goal, direction)
                if expected is None:
                    continue
                found = ids(path(revisions, current, goal))
                assert set(found) == expected, (seed, goal, current)
                in_order(found, history, direction)


def in_order(path: Sequence[str], history: History, direction: Direction) -> None:
    """Each one runs after all those of the path that it needs."""
    before = history.below if direction is Direction.UPGRADE else history.above
    for place, id_ in enumerate(path):
        assert not set(before[id_]) & set(path[place:]), path


def test_the_platforms_own_revisions_run_as_alembic_would_run_them() -> None:
    scripts = ScriptDirectory(str(resources.folder("migrations")))
    theirs = list(scripts.walk_revisions())
    files = [
        Revision(
            r.revision,
            r._versioned_down_revisions,
            to_tuple(r.dependencies, default=()),
            tuple(sorted(r._orig_branch_labels)),
            path=Path(r.path),
        )
        for r in sorted(theirs, key=lambda r: Path(r.path).name)
    ]
    revisions = newest_first(files)
    assert set(ids(revisions)) == {r.revision for r in theirs}
    path = graph.upgrade_path(revisions, (), "heads")
    in_order(ids(path), History(revisions), Direction.UPGRADE)
    assert {r.id: set(History(files).branches[r.id]) for r in files} == {
        r.revision: r.branch_labels for r in theirs
    }
    heads = tuple(History(revisions).effective_heads)
    assert sorted(heads) == sorted(scripts.get_heads(consider_depends_on=True))
    back = graph.downgrade_path(revisions, heads, "base")
    assert [r.id for r in back] == ids(path)[::-1]


LINE = [revision(id_, *down) for id_, *down in (("c300", "b200"), ("b200", "a100"), ("a100",))]
"""Newest first."""
TREE = [
    revision("left2", "left1"),
    revision("left1", "root", labels=("left",)),
    revision("right1", "root", labels=("right",), needs=("left1",)),
    revision("root", labels=("trunk",)),
]


@pytest.mark.parametrize(
    ("current", "goal", "path"),
    [
        ((), "head", ["a100", "b200", "c300"]),
        ((), "+2", ["a100", "b200"]),
        (("a100",), "b2", ["b200"]),
        (("a100",), "a100+1", ["b200"]),
        (("c300",), "head", []),
        (("c300",), "a100", []),
    ],
)
def test_upgrades(current: tuple[str, ...], goal: str, path: list[str]) -> None:
    assert ids(graph.upgrade_path(LINE, current, goal)) == path


@pytest.mark.parametrize(
    ("current", "goal", "path"),
    [
        (("c300",), "base", ["c300", "b200", "a100"]),
        (("c300",), "-1", ["c300"]),
        (("c300",), "a1", ["c300", "b200"]),
        (("c300",), "c300-2", ["c300", "b200"]),
        (("b200",), "b200", []),
        ((), "base", []),
    ],
)
def test_downgrades(current: tuple[str, ...], goal: str, path: list[str]) -> None:
    assert ids(graph.downgrade_path(LINE, current, goal)) == path


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ("head", "There are 2 heads (left2, right1): say heads for all of them, or left@head for one."),
        ("nobody", "No revision and no branch is called 'nobody'."),
        ("nobody@head", "No revision and no branch is called 'nobody'."),
        ("right@left2", "left2 is not on that branch."),
        ("left1+9", "There are not 9 revisions from left1 in that direction."),
        ("+2", "From root there are several ways (left1, right1): name a revision."),
        ("-1", "'-1' is no goal of an upgrade: it leads down."),
        ("", "No revision and no branch is called ''."),
        ("@", "No revision and no branch is called ''."),
        ("lef", "'lef' could be any of left2, left1, left."),
    ],
)
def test_a_goal_of_an_upgrade_that_means_nothing(goal: str, words: str) -> None:
    with pytest.raises(BadMigrations) as refusal:
        graph.upgrade_path(TREE, (), goal)
    assert refusal.value.sentence == words


@pytest.mark.parametrize(
    ("current", "goal", "words"),
    [
        (
            ("left2", "right1"),
            "-1",
            "'-1' could begin at left2, right1: say on which branch (label@-1), or name",
        ),
        ((), "-1", "'-1' leads nowhere: nothing of it is applied."),
        (("left1",), "+1", "'+1' is no goal of a downgrade: it leads up."),
        (("root",), "left1", "left1 is not applied: there is nothing above it to undo."),
        (("root",), "-3", "There are not 3 revisions from root in that direction."),
    ],
)
def test_a_goal_of_a_downgrade_that_means_nothing(current: tuple[str, ...], goal: str, words: str) -> None:
    with pytest.raises(BadMigrations) as refusal:
        graph.downgrade_path(TREE, current, goal)
    assert refusal.value.sentence.startswith(words)


def test_a_database_at_a_revision_without_a_file_goes_nowhere() -> None:
    lost = Revision("dead", ("b200",))
    for revisions in (LINE, [lost, *LINE]):
        for path in (graph.upgrade_path, graph.downgrade_path):
            with pytest.raises(BadMigrations, match=r"stands at dead, which no file describes"):
                path(revisions, ("dead",), "base")


def test_a_rollback_takes_what_stands_on_it_and_what_depends_on_it() -> None:
    assert ids(graph.undo(TREE, ("left2", "right1"), "left1")) == ["left2", "left1", "right1"]
    assert ids(graph.undo(TREE, ("left2", "right1"), "left2")) == ["left2"]
    assert ids(graph.undo(TREE, ("root",), "left2")) == []
    assert set(ids(graph.downgrade_path(TREE, ("left2", "right1"), "left@root"))) == {
        "left2",
        "left1",
        "right1",
    }
    assert ids(graph.downgrade_path(TREE, ("left2", "right1"), "right@root")) == ["right1"]


@pytest.mark.parametrize(
    ("goal", "direction"),
    [
        ("heads", Direction.UPGRADE),
        ("left@head", Direction.UPGRADE),
        ("+1", Direction.UPGRADE),
        ("left@+1", Direction.UPGRADE),
        ("left2", Direction.UPGRADE),
        ("root+1", Direction.UPGRADE),
        ("-1", Direction.DOWNGRADE),
        ("base", Direction.DOWNGRADE),
        ("left@base", Direction.DOWNGRADE),
        ("root", Direction.DOWNGRADE),
    ],
)
def test_in_which_direction_a_goal_lies(goal: str, direction: Direction) -> None:
    line = [r for r in TREE if r.id != "right1"]
    assert graph.direction_of(line, ("root",), goal) is direction


@pytest.mark.parametrize(
    ("current", "goal", "stands_at"),
    [
        ((), "heads", {"left2", "right1"}),
        (("left2", "right1"), "base", set()),
        (("left2",), "-1", {"left1"}),
        (("left1",), "+1", {"left2"}),
        (("dead", "left2"), "left1", {"left1"}),
        (("dead",), "root", {"root"}),
        (("left2",), "right1", {"left2", "right1"}),
        (("left2", "alone"), "right@base", {"left2", "alone"}),
        (("left1", "alone"), "left2", {"left2", "alone"}),
    ],
)
def test_what_a_stamp_makes_of_the_version_table(
    current: tuple[str, ...], goal: str, stands_at: set[str]
) -> None:
    revisions = [Revision("dead"), *TREE, revision("alone")]
    if goal == "heads":
        stands_at = {*stands_at, "alone"}
    assert set(ids(graph.stamped(revisions, current, goal))) == stands_at


def test_a_circle_is_told() -> None:
    with pytest.raises(BadMigrations, match=r"in a circle \(among one, two\)"):
        History([revision("base"), revision("one", "two"), revision("two", "one")])


def test_what_nobody_describes_is_left_out() -> None:
    history = History([revision("b", "a", "gone"), revision("a", "lost", needs=("unknown",))])
    assert history.newest_first() == ["b", "a"]
    assert history.bases == ["a"]


# Lanes --------------------------------------------------------------------------------------------------------------


def drawn(revisions: Sequence[Revision]) -> list[str]:
    rows = lanes(revisions)
    return [
        "".join(("o" if lane.is_node else lane.line) + lane.link for lane in row).rstrip() for row in rows
    ]


def test_a_branch_and_its_merge() -> None:
    assert drawn([revision("9f3c", "77ab", "0001"), revision("77ab", "0001"), revision("0001")]) == [
        "o─┐",
        "o │",
        "o─┘",
    ]
    merge = [revision("m", "a", "b"), revision("b", "r"), revision("a", "r"), revision("r")]
    assert drawn(merge) == ["o─┐", "│ o", "o │", "o─┘"]


def test_dependencies_are_dotted_and_share_a_lane() -> None:
    revisions = [
        revision("cad2", "cad1", needs=("core1",)),
        revision("cad1"),
        revision("gus1", needs=("core1",)),
        revision("core1"),
    ]
    assert drawn(revisions) == ["o┄┐", "o ┆", "o┄┤", "  o"]


@pytest.mark.parametrize("seeds", BATCHES)
def test_every_line_is_drawn_from_end_to_end(seeds: range) -> None:
    """What leaves a place by one side comes in at its neighbour's; each row has its one node."""
    for seed in seeds:
        revisions = newest_first(random_revisions(seed))
        rows = lanes(revisions)
        down_of, up_of = set("│┆┐┌┤├┬┼"), set("│┆┘└┤├┴┼")
        left_of, right_of = set("─┘┐┤┴┬┼"), set("─└┌├┴┬┼")
        assert {len(row) for row in rows} == {len(rows[0])}
        assert len(rows[0]) <= MOST_LANES
        for row in rows:
            assert sum(lane.is_node for lane in row) == 1
            for here, there in pairwise(row):
                assert here.is_node or (here.line in right_of) == (here.link != " ")
                assert there.is_node or (here.link != " ") == (there.line in left_of)
        for above, below in pairwise(rows):
            for upper, lower in zip(above, below, strict=True):
                assert upper.is_node or lower.is_node or (upper.line in down_of) == (lower.line in up_of)
