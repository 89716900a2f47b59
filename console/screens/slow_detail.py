"""One statement in full, as sections of the detail panes."""

from __future__ import annotations

from collections import Counter

from textual.content import Content

from console.data.loads import Tally
from console.models.statements import Figures, Scope, Statement, StatementDetail
from console.screens.slow_columns import BLOCK, rows_per_call
from console.units import UNKNOWN, bytes_binary, count, duration, latency, percent, rate
from console.widgets.detail import Section

LONGEST = 20_000
"""Characters of a text that are shown: the rest is for copying, exporting and the plan."""


def text_section(detail: StatementDetail, laid_out: str | Content | None) -> Section:
    """The statement's text, in colours where `laid_out` has them."""
    statement = detail.statement
    if statement.is_hidden:
        return Section("", (("", "Other statements of this user, whose texts are not for this role."),))
    if not detail.text:
        return Section("", (("", "The server has lost the text of this statement."),))
    lines: list[tuple[str, str | Content]] = [("", laid_out or detail.text[:LONGEST])]
    if len(detail.text) > LONGEST:
        lines.append(("", f"… {count(len(detail.text))} characters in all; y copies them."))
    return Section("", tuple(lines))


def figure_sections(statement: Statement, scope: Scope) -> tuple[Section, ...]:
    """What it has cost over the span: only what there is something to say of."""
    figures = statement.figures
    since = f" {statement.since.astimezone():%Y-%m-%d %H:%M:%S}" if statement.since else ""
    times = [
        (
            "total",
            f"{latency(figures.total)}, {percent(statement.share)} of all time, {_calls(figures.calls)}",
        ),
        ("a call", _a_call(figures)),
    ]
    if statement.calls_per_second is not None:
        times.append(("calls", f"{rate(statement.calls_per_second)} a second"))
    times.append(("rows", f"{count(figures.rows)}, {_rows(figures)} a call"))
    if figures.plans:
        each = None if figures.planning is None else figures.planning / figures.plans
        times.append(
            ("planning", f"{count(figures.plans)} times, {latency(figures.planning)}, {latency(each)} each")
        )
    blocks = [
        ("shared", _blocks(figures.shared_hit, figures.shared_read, figures.shared_dirtied, figures.shared_written)),
        ("local", _blocks(figures.local_hit, figures.local_read, figures.local_dirtied, figures.local_written)),
        ("temp", _blocks(None, figures.temp_read, None, figures.temp_written)),
        ("I/O", _io(figures)),
        ("WAL", _wal(figures)),
        ("JIT", f"{count(figures.jit_functions)} functions, {latency(figures.jit_time)}" if figures.jit_functions else ""),
        ("workers", f"{count(figures.workers_launched)} of {count(figures.workers_planned)} planned" if figures.workers_planned else ""),
    ]  # fmt: skip
    who = (
        ("user", statement.user),
        ("database", statement.database),
        ("query id", str(statement.key.query_id) if statement.key.query_id else UNKNOWN),
        ("level", "top" if statement.key.is_toplevel else "called by another statement or function"),
    )
    return (
        Section(f"{scope.value}{since}", tuple(times)),
        Section("blocks", tuple((label, value) for label, value in blocks if value)),
        Section("statement", who),
    )


def activity_sections(tally: Tally, seconds: float) -> tuple[Section, ...]:
    """Who was seen running it, and what it did or waited for, in the samples of the last `seconds`."""
    if not tally.samples:
        return (Section("seen running", (("", "The first sample comes in a second."),)),)
    seen: Counter[str] = Counter()
    for one in tally.activities:
        seen[f"{one.user} · {one.application or '(unnamed)'} · {one.database}"] += one.sessions
    origins = [(rate(sessions / tally.samples), who) for who, sessions in seen.most_common()]
    events = [(percent(one.load.share, 0), str(one.event)) for one in tally.events()]
    return (
        Section(f"sessions on average, last {duration(seconds)}", tuple(origins) or (("", "nobody ran it"),)),
        *((Section("what they did, or waited for", tuple(events)),) if events else ()),
    )


def _calls(number: int) -> str:
    return f"{count(number)} call{'' if number == 1 else 's'}"


def _a_call(figures: Figures) -> str:
    words = [latency(figures.mean)]
    if figures.deviation is not None:
        words.append(f"± {latency(figures.deviation)}")
    if figures.least is not None:
        words.append(f"from {latency(figures.least)} to {latency(figures.most)}")
    return " ".join(words)


def _rows(figures: Figures) -> str:
    rows = rows_per_call(figures)
    return UNKNOWN if rows is None else f"{rows:,.1f}" if rows < 100 else count(rows)


def _blocks(hit: int | None, read: int | None, dirtied: int | None, written: int | None) -> str:
    names = (("hit", hit), ("read", read), ("dirtied", dirtied), ("written", written))
    words = [f"{name} {bytes_binary(blocks * BLOCK)}" for name, blocks in names if blocks]
    ratio = hit / (hit + read) if hit and read else None
    return " · ".join(words) + (f" ({percent(ratio)} from cache)" if ratio is not None else "")


def _io(figures: Figures) -> str:
    names = (
        ("reading", figures.read_time),
        ("writing", figures.write_time),
        ("temporary files", (figures.temp_read_time or 0.0) + (figures.temp_write_time or 0.0)),
    )
    return " · ".join(f"{name} {latency(seconds)}" for name, seconds in names if seconds)


def _wal(figures: Figures) -> str:
    if not figures.wal_bytes:
        return ""
    return (
        f"{bytes_binary(figures.wal_bytes)}, {count(figures.wal_records)} records, "
        f"{count(figures.wal_full_pages)} full pages"
    )
