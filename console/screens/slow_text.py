"""What the screen Slow queries says in words: which statements are shown, what is missing, why there are none."""

from __future__ import annotations

from textual.content import Content

from console.models.statements import Extension, Scope, Selection, StatementsSnapshot
from console.terminal.safe_text import visible
from console.units import count, duration, latency, percent

USUAL_COLUMNS = "time"
"""What needs no word: these columns are shown first."""


def summary(selection: Selection, snapshot: StatementsSnapshot, columns: str) -> Content:
    """The line above the table: over which span, which statements, what is left out, and which columns."""
    view = selection.view
    if not snapshot.entries:
        return Content("")
    minimum = f"min {latency(view.min_mean)}" if view.min_mean else "no minimum"
    line = Content.styled(f"{view.scope.value}{_age(selection, snapshot)}", "$accent")
    line += f" · {minimum} · {view.kind.value if view.kind else 'all kinds'}"
    line += f" · {count(len(selection.statements))} shown"
    if selection.left_out:
        share = percent(selection.left_out_share, 0)
        line += Content.styled(f" · {count(selection.left_out)} ({share}) left out", "$text-muted")
    if selection.own_left_out:
        line += Content.styled(f" · {count(selection.own_left_out)} own hidden", "$text-muted")
    if snapshot.evictions:
        line += Content.styled(f" · evicted {count(snapshot.evictions)} times", "$warning")
    if columns != USUAL_COLUMNS:
        line += f" · {columns}"
    off = [name for name, is_on in _SETTINGS.get(columns, {}).items() if not getattr(snapshot, is_on)]
    return line + (Content.styled(f" · {', '.join(off)} is off", "$warning") if off else "")


_SETTINGS = {
    "I/O and WAL": {"track_io_timing": "track_io_timing"},
    "planning and JIT": {"pg_stat_statements.track_planning": "track_planning"},
}
"""What a set of columns needs to be on, and the snapshot's field that tells whether it is."""


def _age(selection: Selection, snapshot: StatementsSnapshot) -> str:
    if selection.since is None:
        return ""
    return f" {duration((snapshot.at - selection.since).total_seconds())}"


def missing(extension: Extension) -> Content:
    """What is wrong with the extension, and the statements that mend it."""
    notice = Content.styled(f"▲ {visible(extension.problem)}", "$warning")
    for statement in extension.remedy:
        notice += Content(f"\n    {visible(statement)};")
    return notice


def nothing_to_show(selection: Selection, snapshot: StatementsSnapshot) -> Content:
    """Why there is no row."""
    view = selection.view
    if view.scope is Scope.INTERVAL and snapshot.before_at is None:
        return Content("The first interval ends with the next sample.")
    span = {
        Scope.RESET: "since the statistics were reset",
        Scope.OPENED: "since this screen was opened",
        Scope.INTERVAL: "in the last interval",
    }[view.scope]
    if not selection.left_out:
        return Content(f"No statement was counted {span}.")
    kind = f"{view.kind.value.upper()} " if view.kind else ""
    return Content(
        f"No {kind}statement took {latency(view.min_mean)} a call or more {span}. "
        f"m shows faster ones{', k other kinds' if view.kind else ''}."
    )


def nothing_found(selection: Selection) -> Content:
    """Why no row passes the filter: what is left out is not looked through."""
    if not selection.left_out:
        return Content("No statement matches the filter.")
    return Content(
        f"No statement that is shown matches the filter; {count(selection.left_out)} more are left out: m shows "
        f"faster ones{', k other kinds' if selection.view.kind else ''}."
    )
