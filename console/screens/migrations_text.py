"""Where the database stands, in words: the lines above the revisions, and one revision in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from textual.content import Content

from console.models.migrations import (
    InvalidIndex,
    LedgerEntry,
    LockHolder,
    MigrationStatus,
    RevisionState,
    Source,
    Step,
)
from console.screens.migrations_columns import local
from console.terminal.safe_text import visible
from console.units import UNKNOWN, bytes_binary, duration, latency
from console.widgets.detail import Section

_MOST_HEADS = 4
_LONGEST_PATH = 40
_AMONG_APPLIED = ((RevisionState.EDITED, "$warning"), (RevisionState.MISSING, "$error"))
_AMONG_PENDING = ((RevisionState.OUT_OF_ORDER, "$warning"), (RevisionState.FAILED, "$error"))
_MEANINGS = {
    RevisionState.MISSING: "The database has it, and no file describes it.",
    RevisionState.EDITED: "Its file has been changed since it was applied: the database has what it said before.",
    RevisionState.OUT_OF_ORDER: "It is not applied, though a later one is.",
    RevisionState.FAILED: "Its last run failed.",
}


# Above the revisions ------------------------------------------------------------------------------------------------


def headline(status: MigrationStatus) -> Content:
    """What runs the migrations, where they are, how many are pending, what the heads are."""
    if status.source is None:
        return Content("no migrations")
    parts = [
        Content.styled(status.source.kind.value, "bold"),
        Content(visible(_short(status.source.directory))),
        _pending(status),
    ]
    parts += _counted(status, _AMONG_APPLIED)
    if heads := _heads(status):
        shown = ", ".join(heads[:_MOST_HEADS]) + (
            f" +{len(heads) - _MOST_HEADS}" if len(heads) > _MOST_HEADS else ""
        )
        parts.append(Content(visible(f"heads: {shown}" if len(heads) > 1 else f"head: {shown}")))
    return Content(" · ").join(parts)


def _counted(status: MigrationStatus, states: Sequence[tuple[RevisionState, str]]) -> list[Content]:
    numbers = [(sum(step.state is state for step in status.steps), state, colour) for state, colour in states]
    return [Content.styled(f"{number} {state.value}", colour) for number, state, colour in numbers if number]


def _pending(status: MigrationStatus) -> Content:
    if pending := status.pending:
        counted = Content.styled(f"{pending:,} pending", "bold $accent")
        special = Content(", ").join(_counted(status, _AMONG_PENDING))
        return Content.assemble(counted, " (", special, ")") if special else counted
    if status.steps:
        return Content("nothing pending")
    return (
        Content.styled("not known where it stands", "$warning") if status.problem else Content("no revisions")
    )


def _short(directory: Path) -> str:
    """A directory as one would name it from here; of a long path only its end."""
    for start, sign in ((Path.cwd(), ""), (Path.home(), "~/")):
        if directory != start and directory.is_relative_to(start):
            return f"{sign}{directory.relative_to(start)}/"
    return f"{directory}/" if len(str(directory)) <= _LONGEST_PATH else f"…/{'/'.join(directory.parts[-2:])}/"


def _heads(status: MigrationStatus) -> list[str]:
    """By their branch where that says which one is meant."""
    steps = [step for step in status.steps if step.is_head]
    branches = [step.branch for step in steps]
    return [
        step.branch if step.branch and branches.count(step.branch) == 1 else step.revision.id[:12]
        for step in steps
    ]


def remarks(status: MigrationStatus, *, runs_here: bool = False) -> Iterator[str]:
    """What else a person should know, a sentence each. With `runs_here` the lock is the console's own."""
    if status.problem and status.steps:
        yield status.problem
    if status.lock is not None and not runs_here:
        yield _lock_sentence(status.lock, status.at)
    unknown = [
        step.revision.id for step in status.steps if step.state is RevisionState.MISSING and step.is_current
    ]
    if unknown:
        yield (
            f"The database stands at {', '.join(unknown)}, which no file describes: bring the file back, or stamp (T) "
            "where the database really is."
        )
    yield from _index_sentences(status.invalid_indexes)
    yield from _several_heads(status.steps)
    if status.ledger_problem:
        yield f"Who applied what and when cannot be read: {status.ledger_problem}"


def _several_heads(steps: Sequence[Step]) -> Iterator[str]:
    heads: dict[str, list[str]] = {}
    for step in steps:
        if step.is_head and step.state is not RevisionState.MISSING:
            heads.setdefault(step.branch, []).append(step.revision.id)
    for branch, ids in heads.items():
        if len(ids) > 1:
            where = f"The branch {branch}" if branch else "The history"
            shown = ", ".join(ids[:_MOST_HEADS]) + (" …" if len(ids) > _MOST_HEADS else "")
            yield f"{where} has {len(ids)} heads ({shown}): U upgrades to all of them, a merge revision joins them."


def _lock_sentence(lock: LockHolder, now: datetime) -> str:
    who = f"{lock.role or 'somebody'}@{lock.client or 'local'}"
    application = f", {lock.application}" if lock.application else ""
    since = f" since {duration((now - lock.since).total_seconds())}" if lock.since else ""
    return f"pid {lock.pid} ({who}{application}) migrates this database{since}"


def _index_sentences(indexes: Sequence[InvalidIndex]) -> Iterator[str]:
    building = [index for index in indexes if index.in_progress]
    invalid = [index for index in indexes if not index.in_progress]
    for index in building[:1]:
        yield f"{index.name} on {index.table} is being built."
    if invalid:
        first, others = invalid[0], len(invalid) - 1
        more = f" and {others} more" if others else ""
        yield (
            f"{len(invalid)} invalid index{'es' if others else ''}: {first.name} on {first.table} "
            f"({bytes_binary(first.size)}){more} (i repairs, I drops)"
        )


# One revision -------------------------------------------------------------------------------------------------------


def revision_sections(step: Step, source: Source | None) -> tuple[Section, ...]:
    """A revision in full: where it stands, what the ledger says, what its files say."""
    revision = step.revision
    said = [
        ("", revision.message or "(no message)"),
        ("state", f"{step.state.value}{', the database stands here' if step.is_current else ''}"),
    ]
    if meaning := _MEANINGS.get(step.state):
        said.append(("", meaning))
    file = [
        ("file", _path(revision.path, source)),
        *([("rollback", _path(revision.rollback_path, source))] if revision.rollback_path else []),
        ("checksum", revision.checksum or UNKNOWN),
        ("created", local(revision.created)),
        ("follows", ", ".join(revision.down) or "nothing: it is a base"),
        *([("depends on", ", ".join(revision.depends_on))] if revision.depends_on else []),
        ("branch", step.branch or UNKNOWN),
        *([("labels", ", ".join(revision.labels))] if revision.labels else []),
        *([("head", "nothing follows it")] if step.is_head else []),
    ]
    return (
        Section("", tuple(said)),
        *_ledger_sections(step),
        Section("files", tuple(file)),
    )


def _ledger_sections(step: Step) -> Iterator[Section]:
    entry = step.entry
    if entry is None:
        if step.is_applied:
            yield Section("ledger", (("", "Nobody wrote down who applied it, nor when."),))
        return
    yield Section("ledger", tuple(_entry_lines(entry)))
    if entry.problem:
        yield Section("what the server said", (("", entry.problem),))


def _entry_lines(entry: LedgerEntry) -> Iterator[tuple[str, str]]:
    yield entry.direction, "done" if entry.done else "FAILED"
    yield "began", f"{entry.started_at.astimezone():%Y-%m-%d %H:%M:%S}"
    yield "took", latency(entry.seconds)
    yield "role", entry.role
    yield "person", entry.person
    if entry.checksum:
        yield "checksum then", entry.checksum


def _path(path: Path | None, source: Source | None) -> str:
    if path is None:
        return "missing"
    if source is not None and path.is_relative_to(source.directory):
        return str(path.relative_to(source.directory.parent))
    return str(path)
