"""Where each revision stands, from what the files, the version table and the ledger say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from console.data.migrations import sql_files
from console.data.migrations.history import History
from console.models.migrations import LedgerEntry, Revision, RevisionState, SourceKind, Step

UPGRADE, DOWNGRADE, STAMP = "upgrade", "downgrade", "stamp"
"""The directions that the ledger knows."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to tell it from."""

    kind: SourceKind
    revisions: tuple[Revision, ...]
    """As the files have them, in their order."""
    current: tuple[str, ...]
    """What the version table names."""
    is_dirty: bool
    """Whether golang-migrate left the current version unfinished."""
    ledger: tuple[LedgerEntry, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What came out of it."""

    steps: tuple[Step, ...]
    """Newest first."""
    heads: tuple[str, ...]
    lost: tuple[str, ...]
    """Current revisions of which neither a file nor the ledger says what they followed."""


def standing(evidence: Evidence) -> Standing:
    """Every revision and its state. Raises `BadMigrations` where revisions stand on each other in a circle."""
    past = _Past(evidence.ledger)
    missing = _missing(evidence, past)
    # In front, and so on top: what the database has and nobody knows.
    history = History([*missing, *evidence.revisions])
    applied = _Applied(evidence, past, history)
    steps = []
    for id_ in history.newest_first():
        revision = history.by_id[id_]
        state = applied.state(revision)
        steps.append(
            Step(
                revision,
                state,
                branch=next(iter(history.branches[id_]), ""),
                is_current=id_ in evidence.current,
                is_head=revision.path is not None and not history.next[id_],
                entry=past.explanation(id_, is_applied=bool(history.bit(id_) & applied.bits)),
            )
        )
    return Standing(tuple(steps), tuple(history.heads), applied.lost)


class _Past:
    """The ledger by revision."""

    def __init__(self, entries: Iterable[LedgerEntry]) -> None:
        self.last: dict[str, LedgerEntry] = {}
        """The last entry of each, whatever came of it."""
        self.last_done: dict[str, LedgerEntry] = {}
        for entry in entries:
            self.last[entry.revision] = entry
            if entry.done:
                self.last_done[entry.revision] = entry

    def applied(self, id_: str) -> LedgerEntry | None:
        """How it came into the database, if the ledger has it there."""
        entry = self.last_done.get(id_)
        return entry if entry is not None and entry.direction != DOWNGRADE else None

    def explanation(self, id_: str, is_applied: bool) -> LedgerEntry | None:
        """How it got to where it stands; None where the ledger says something else, or nothing."""
        if is_applied:
            return self.applied(id_)
        entry = self.last.get(id_)
        return entry if entry is not None and (entry.direction == DOWNGRADE or not entry.done) else None


def _missing(evidence: Evidence, past: _Past) -> list[Revision]:
    """What the database has and no file describes: named by the version table, or by others and the ledger."""
    known = {revision.id: revision for revision in evidence.revisions}
    found: dict[str, Revision] = {}
    named = list(evidence.current)
    if evidence.kind is SourceKind.SQL_PAIRS:
        named += [id_ for id_ in past.last_done if past.applied(id_)]
    named += [
        name
        for name in chain.from_iterable(
            (*revision.down, *revision.depends_on) for revision in evidence.revisions
        )
        if past.applied(name)
    ]
    for id_ in named:
        if id_ in known or id_ in found:
            continue
        entry = past.applied(id_)
        if entry is not None:
            found[id_] = Revision(id_, entry.previous)
            named += entry.previous
        elif evidence.kind is SourceKind.ALEMBIC:
            found[id_] = Revision(id_)
        else:
            found[id_] = Revision(id_, _number_before(id_, known))
    return list(found.values())


def _number_before(id_: str, known: Iterable[str]) -> tuple[str, ...]:
    number = sql_files.number_of(id_) or 0
    before = [(found, other) for other in known if (found := sql_files.number_of(other) or 0) < number]
    return (max(before)[1],) if before else ()


class _Applied:
    """Which revisions the database has."""

    def __init__(self, evidence: Evidence, past: _Past, history: History) -> None:
        self._evidence = evidence
        self._past = past
        self.lost = tuple(
            id_
            for id_ in evidence.current
            if history.by_id[id_].path is None and not history.below[id_] and past.applied(id_) is None
        )
        self.bits = history.union(evidence.current, history.ancestors)
        in_ledger = history.union(id_ for id_ in history.by_id if past.applied(id_))
        if self.lost:
            self.bits |= in_ledger
        if evidence.kind is SourceKind.SQL_PAIRS:
            self.slipped_in = self.bits & ~in_ledger
        else:
            self.slipped_in = self._slipped_in(history) & self.bits & ~in_ledger
        self._history = history

    def _slipped_in(self, history: History) -> int:
        """What stands below a revision by now and did not when that one ran."""
        bits = 0
        for id_ in history.members(self.bits):
            entry = self._past.applied(id_)
            revision = history.by_id[id_]
            if entry is None or entry.direction != UPGRADE or set(entry.previous) == set(revision.down):
                continue
            then = history.union(
                (name for name in entry.previous if name in history.by_id), history.ancestors
            )
            now = history.union(history.down[id_], history.ancestors)
            bits |= now & ~then
        return bits

    def state(self, revision: Revision) -> RevisionState:
        """Where a revision stands."""
        bit = self._history.bit(revision.id)
        if revision.path is None:
            return RevisionState.MISSING
        if self._evidence.is_dirty and revision.id in self._evidence.current:
            return RevisionState.FAILED
        if bit & self.slipped_in:
            return RevisionState.OUT_OF_ORDER
        if bit & self.bits:
            entry = self._past.applied(revision.id)
            is_edited = entry is not None and entry.checksum not in ("", revision.checksum)
            return RevisionState.EDITED if is_edited else RevisionState.APPLIED
        last = self._past.last.get(revision.id)
        if last is not None and not last.done and last.direction == UPGRADE:
            return RevisionState.FAILED
        return RevisionState.PENDING


def current_of(entries: Sequence[LedgerEntry]) -> tuple[str, ...]:
    """The version where only the ledger keeps it: the newest revision that is applied, by its number."""
    past = _Past(entries)
    applied = [id_ for id_ in past.last_done if past.applied(id_)]
    return (max(applied, key=_rank),) if applied else ()


def _rank(id_: str) -> tuple[int, str]:
    return sql_files.number_of(id_) or 0, id_
