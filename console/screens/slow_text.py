"""What the screen Slow queries says in words: which statements are shown, what is missing, why there are none."""

from __future__ import annotations

from textual.content import Content

from console.models.statements import Extension, Scope, Selection, StatementsSnapshot
from console.terminal.safe_text import visible
from console.units import count, duration, latency


def summary(selection: Selection, snapshot: StatementsSnapshot, columns: str) -> Content:
    """The line above the table: over which span, which statements, and what is left out."""
    view = selection.view
    if not snapshot.entries:
        return Content("")
    minimum = f"min {latency(view.min_mean)}" if view.min_mean else "no minimum"
    line = Content.styled(f"{view.scope.value}{_age(selection, snapshot)}", "$accent")
    line += f" · {minimum} · {view.kind.value if view.kind else 'all kinds'} · {columns}"
    line += f"   {count(len(selection.statements))} shown"
    if selection.left_out:
        line += Content.styled(f" · {count(selection.left_out)} left out", "$text-muted")
    if selection.own_left_out:
        line += Content.styled(f" · {count(selection.own_left_out)} own hidden", "$text-muted")
    if snapshot.evictions:
        line += Content.styled(f" · evicted {count(snapshot.evictions)} times", "$warning")
    return line


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
