"""The revisions of a source in their order: who follows whom, and what stands on what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from console.errors import BadMigrations
from console.models.migrations import Revision


class History:
    """What can be told of revisions from what they follow and depend on, as Alembic tells it.

    What a revision names and nobody describes is as if it were not named; where an id occurs twice, the later one
    counts. Sets of revisions are integers with a bit for each: all ancestors of each of a thousand revisions are
    known within a millisecond.

    Raises `BadMigrations` where revisions stand on each other in a circle.
    """

    def __init__(self, revisions: Sequence[Revision]) -> None:
        self.by_id = {revision.id: revision for revision in revisions}
        self.labelled = {label: revision.id for revision in self.by_id.values() for label in revision.labels}
        self._place = {id_: place for place, id_ in enumerate(self.by_id)}
        self.down: dict[str, list[str]] = {}
        """Those that each one follows."""
        self.below: dict[str, list[str]] = {}
        """Those that each one follows or depends on."""
        self.next: dict[str, list[str]] = {id_: [] for id_ in self.by_id}
        """Those that follow each one."""
        self.above: dict[str, list[str]] = {id_: [] for id_ in self.by_id}
        """Those that follow or depend on each one."""
        for id_, revision in self.by_id.items():
            down = [name for name in dict.fromkeys(revision.down) if name in self.by_id]
            needed = [found for name in revision.depends_on if (found := self.named(name)) is not None]
            self.down[id_], self.below[id_] = down, list(dict.fromkeys(down + needed))
            for name in down:
                self.next[name].append(id_)
            for name in self.below[id_]:
                self.above[name].append(id_)
        self._oldest_first = self._sorted()
        self.ancestors = self._gathered(self._oldest_first, self.below)
        """Each one with all that it stands on, dependencies included."""

    def named(self, name: str) -> str | None:
        """The id that is an id or a branch label; None where there is none."""
        return name if name in self.by_id else self.labelled.get(name)

    # Sets -------------------------------------------------------------------------------------------------------

    @cached_property
    def descendants(self) -> Mapping[str, int]:
        """Each one with all that stands on it, dependents included."""
        return self._gathered(reversed(self._oldest_first), self.above)

    @cached_property
    def lineage(self) -> Mapping[str, int]:
        """Each one with those that it follows and those that follow it, whatever depends on it."""
        down = self.followed
        up = self._gathered(reversed(self._oldest_first), self.next)
        return {id_: down[id_] | up[id_] for id_ in self.by_id}

    @cached_property
    def followed(self) -> Mapping[str, int]:
        """Each one with those that it follows."""
        return self._gathered(self._oldest_first, self.down)

    def bit(self, id_: str) -> int:
        """The set of one revision."""
        return 1 << self._place[id_]

    def union(self, ids: Iterable[str], sets: Mapping[str, int] | None = None) -> int:
        """The set of revisions, or of all that `sets` has of each."""
        bits = 0
        for id_ in ids:
            bits |= self.bit(id_) if sets is None else sets[id_]
        return bits

    def members(self, bits: int) -> list[str]:
        """The revisions of a set, in the order in which they were given."""
        return [id_ for id_, place in self._place.items() if bits >> place & 1]

    def _gathered(self, order: Iterable[str], neighbours: Mapping[str, Sequence[str]]) -> dict[str, int]:
        sets: dict[str, int] = {}
        for id_ in order:
            bits = 1 << self._place[id_]
            for neighbour in neighbours[id_]:
                bits |= sets[neighbour]
            sets[id_] = bits
        return sets

    # Order ------------------------------------------------------------------------------------------------------

    def _sorted(self) -> list[str]:
        waits_for = {id_: len(below) for id_, below in self.below.items()}
        found = [id_ for id_, count in waits_for.items() if not count]
        for id_ in found:
            for above in self.above[id_]:
                waits_for[above] -= 1
                if not waits_for[above]:
                    found.append(above)
        if len(found) < len(self.by_id):
            some = ", ".join([id_ for id_, count in waits_for.items() if count][:5])
            raise BadMigrations(f"Some revisions stand on each other in a circle (among {some}).")
        return found

    def newest_first(self) -> list[str]:
        """Every revision before those that it follows or depends on, branch by branch, as `alembic history` has it.

        It goes down a branch for as long as nothing else has to come before, then along the branch that has to.
        """
        waits_for = {id_: len(above) for id_, above in self.above.items()}
        named_below = self._named_below()
        tips = [id_ for id_, count in waits_for.items() if not count]
        waiting = set(tips)
        found = []
        here = 0
        while tips:
            tip = tips[here]
            if waits_for[tip]:
                bit = self.bit(tip)
                here = next(i for i, other in enumerate(tips) if i != here and self.ancestors[other] & bit)
                continue
            found.append(tip)
            for below in self.below[tip]:
                waits_for[below] -= 1
            waiting.discard(tip)
            further = [below for below in named_below[tip] if below not in waiting]
            waiting.update(further)
            if further:
                tips[here] = further[0]
                tips += further[1:]
            else:
                del tips[here]
                here = max(here - 1, 0)
        return found

    def _named_below(self) -> dict[str, list[str]]:
        """What each one follows or depends on, without the dependencies that one of those that it follows has too."""
        needed = {
            id_: self.union(name for name in self.below[id_] if name not in self.down[id_])
            for id_ in self.by_id
        }
        inherited = self._inherited(needed)
        return {
            id_: [name for name in below if name in self.down[id_] or not inherited[id_] & self.bit(name)]
            for id_, below in self.below.items()
        }

    def _inherited(self, needed: Mapping[str, int]) -> dict[str, int]:
        inherited: dict[str, int] = {}
        for id_ in self._oldest_first:
            bits = 0
            for down in self.down[id_]:
                bits |= inherited[down] | needed[down]
            inherited[id_] = bits
        return inherited

    # Heads and branches -----------------------------------------------------------------------------------------

    @cached_property
    def heads(self) -> list[str]:
        """Those of the files that no other follows."""
        return [id_ for id_, following in self.next.items() if not following and self.by_id[id_].path]

    @cached_property
    def effective_heads(self) -> list[str]:
        """Those of the files that no other follows or depends on: what the version table names when all is applied."""
        return [id_ for id_, above in self.above.items() if not above and self.by_id[id_].path]

    @cached_property
    def bases(self) -> list[str]:
        """Those of the files that follow no other."""
        return [id_ for id_, down in self.down.items() if not down and self.by_id[id_].path]

    @cached_property
    def branches(self) -> Mapping[str, Sequence[str]]:
        """The branch labels of each one, its own and the nearest first.

        A label counts for all that follow, and down to where the branch left another.
        """
        labels = {id_: list(revision.labels) for id_, revision in self.by_id.items()}
        labelled = [id_ for id_ in reversed(self._oldest_first) if self.by_id[id_].labels]
        following = self._gathered(reversed(self._oldest_first), self.next) if labelled else {}
        for id_ in labelled:
            for member in [*self.members(following[id_]), *self._stem(id_)]:
                labels[member] += [label for label in self.by_id[id_].labels if label not in labels[member]]
        return labels

    def _stem(self, id_: str) -> Iterable[str]:
        """What a branch goes through before its label, if it is a plain line from there to its tip."""
        while len(self.next[id_]) == 1:
            id_ = self.next[id_][0]
        if self.next[id_]:
            return
        while len(self.above[id_]) <= 1 and len(self.down[id_]) <= 1:
            yield id_
            if not self.down[id_]:
                return
            id_ = self.down[id_][0]
