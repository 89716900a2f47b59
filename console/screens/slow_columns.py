"""How statements are drawn: the columns of the table in four sets, and what makes a row stand out."""

from __future__ import annotations

from collections.abc import Callable

from console.models.statements import Figures, Statement
from console.units import UNKNOWN, bytes_binary, compact, latency, percent, rate
from console.widgets.bars import share_bar, sparkline
from console.widgets.columns import Cell, Column
from console.widgets.tones import Tone

BLOCK = 8192
"""Bytes of a block, as PostgreSQL is built almost everywhere."""

DOMINANT = 0.25
"""Share of all time from which on a statement stands out."""


def statement_tone(statement: Statement) -> Tone | None:
    """What a row should say at a glance."""
    if statement.share >= DOMINANT:
        return "warning"
    return "muted" if statement.is_own or statement.is_hidden else None


def one_line(statement: Statement) -> Cell:
    """The statement on one line, for a table."""
    if statement.text is None:
        return ("…", "muted")
    if statement.is_hidden:
        return (f"{statement.text} of {statement.user} in {statement.database}", "muted")
    return " ".join(statement.text.split()) or ("(the server has lost its text)", "muted")


def milliseconds(seconds: float | None) -> str:
    """An exact time for exports, in milliseconds as `pg_stat_statements` has them."""
    return "" if seconds is None else f"{seconds * 1000:.3f}"


def _time(
    key: str,
    title: str,
    value: Callable[[Figures], float | None],
    priority: int,
    width: int = 7,
) -> Column[Statement]:
    return Column(
        key,
        title,
        lambda s: latency(value(s.figures)),
        width,
        align="right",
        sort=lambda s: value(s.figures),
        descending_first=True,
        priority=priority,
        exact=lambda s: milliseconds(value(s.figures)),
    )


def _number(
    key: str,
    title: str,
    value: Callable[[Statement], float | None],
    priority: int,
    say: Callable[[float | None], str] = compact,
    width: int = 7,
) -> Column[Statement]:
    return Column(
        key,
        title,
        lambda s: say(value(s)),
        width,
        align="right",
        sort=value,
        descending_first=True,
        priority=priority,
        exact=lambda s: _exact(value(s)),
    )


def _exact(number: float | None) -> str:
    return "" if number is None else str(number) if isinstance(number, int) else f"{number:.6g}"


def _blocks(key: str, title: str, value: Callable[[Figures], int | None], priority: int) -> Column[Statement]:
    """Blocks as the bytes that they are; exports have the number of blocks."""
    return Column(
        key,
        title,
        lambda s: _size(value(s.figures)),
        8,
        align="right",
        sort=lambda s: value(s.figures),
        descending_first=True,
        priority=priority,
        exact=lambda s: _exact(value(s.figures)),
    )


def _size(blocks: int | None) -> str:
    return bytes_binary(None if blocks is None else blocks * BLOCK)


def _both(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def rows_per_call(figures: Figures) -> float | None:
    """Rows that a call gives or changes on average."""
    return figures.rows / figures.calls if figures.calls else None


def hit_ratio(figures: Figures) -> float | None:
    """Shared blocks found in shared buffers, of all that were wanted."""
    if figures.shared_hit is None or figures.shared_read is None:
        return None
    wanted = figures.shared_hit + figures.shared_read
    return figures.shared_hit / wanted if wanted else None


TOTAL = _time("total", "total", lambda f: f.total, 12)
SHARE = Column[Statement](
    "share",
    "share",
    lambda s: percent(s.share, 0),
    5,
    align="right",
    sort=lambda s: s.share,
    descending_first=True,
    priority=7,
    exact=lambda s: f"{s.share:.6f}",
)
BAR = Column[Statement](
    "bar", "", lambda s: (share_bar(s.share), "accent"), 8, priority=4, exact=lambda s: ""
)
MEAN = _time("mean", "mean", lambda f: f.mean, 11)
CALLS = _number("calls", "calls", lambda s: s.figures.calls, 6)
RATE = _number("rate", "calls/s", lambda s: s.calls_per_second, 9, rate)
TREND = Column[Statement](
    "trend",
    "load, 2 min",
    lambda s: (sparkline(s.trend), "accent") if s.trend else UNKNOWN,
    12,
    align="left",
    sort=lambda s: sum(s.trend),
    descending_first=True,
    priority=5,
    exact=lambda s: " ".join(f"{value:.3f}" for value in s.trend),
)
DATABASE = Column[Statement]("db", "db", lambda s: s.database, 10, 6, sort=lambda s: s.database, priority=3)
USER = Column[Statement]("user", "user", lambda s: s.user, 10, 6, sort=lambda s: s.user, priority=4)
STATEMENT = Column[Statement](
    "statement",
    "statement",
    one_line,
    120,
    24,
    flexible=True,
    share=0.34,
    sort=lambda s: s.text,
    priority=12,
    exact=lambda s: s.text or "",
)

TIMES = (
    TOTAL,
    SHARE,
    BAR,
    MEAN,
    RATE,
    _number("rows", "rows/call", lambda s: rows_per_call(s.figures), 8, compact, 9),
    TREND,
    CALLS,
    _time("least", "min", lambda f: f.least, 1),
    _time("most", "max", lambda f: f.most, 3),
    _time("deviation", "stddev", lambda f: f.deviation, 2),
    USER,
    DATABASE,
    STATEMENT,
)
BUFFERS = (
    TOTAL,
    MEAN,
    CALLS,
    _number("hit_ratio", "cache hit", lambda s: hit_ratio(s.figures), 9, percent, 9),
    _blocks("shared_hit", "hit", lambda f: f.shared_hit, 7),
    _blocks("shared_read", "read", lambda f: f.shared_read, 10),
    _blocks("shared_dirtied", "dirtied", lambda f: f.shared_dirtied, 6),
    _blocks("shared_written", "written", lambda f: f.shared_written, 5),
    _blocks("temp", "temp", lambda f: _both(f.temp_read, f.temp_written), 8),
    _blocks("local", "local", lambda f: _both(f.local_hit, f.local_read), 2),
    USER,
    DATABASE,
    STATEMENT,
)
INPUT_OUTPUT = (
    TOTAL,
    MEAN,
    CALLS,
    _time("io", "I/O", lambda f: f.io_time, 10),
    _time("read_time", "reading", lambda f: f.read_time, 8),
    _time("write_time", "writing", lambda f: f.write_time, 7),
    _time("temp_read_time", "temp rd", lambda f: f.temp_read_time, 4),
    _time("temp_write_time", "temp wr", lambda f: f.temp_write_time, 4),
    _number("wal_bytes", "WAL", lambda s: s.figures.wal_bytes, 9, bytes_binary, 8),
    _number("wal_records", "WAL rec", lambda s: s.figures.wal_records, 5),
    _number("wal_full_pages", "full pg", lambda s: s.figures.wal_full_pages, 5),
    USER,
    DATABASE,
    STATEMENT,
)
PLANNING = (
    TOTAL,
    MEAN,
    CALLS,
    _number("plans", "plans", lambda s: s.figures.plans, 8),
    _time("planning", "planning", lambda f: f.planning, 9, 9),
    _number("jit_functions", "JIT fn", lambda s: s.figures.jit_functions, 6),
    _time("jit_time", "JIT", lambda f: f.jit_time, 8),
    _number("workers_planned", "workers", lambda s: s.figures.workers_planned, 6),
    _number("workers_launched", "started", lambda s: s.figures.workers_launched, 6),
    _number("rows_in_all", "rows Σ", lambda s: s.figures.rows, 5),
    USER,
    DATABASE,
    STATEMENT,
)

COLUMN_SETS: tuple[tuple[str, tuple[Column[Statement], ...]], ...] = (
    ("time", TIMES),
    ("buffers", BUFFERS),
    ("I/O and WAL", INPUT_OUTPUT),
    ("planning and JIT", PLANNING),
)
