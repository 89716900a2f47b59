"""One session in full, as sections of the detail pane."""

from __future__ import annotations

from console.models.activity import SessionDetail
from console.units import duration
from console.widgets.detail import Section


def sections(detail: SessionDetail) -> tuple[Section, ...]:
    """Who it is, what it does and for how long, who waits, its whole query, its locks."""
    session = detail.session
    who = [
        ("user", session.user or "–"),
        ("database", session.database or "–"),
        ("application", session.application or "(unnamed)"),
        ("client", session.client or "–"),
        ("type", session.backend_type or "–"),
    ]
    if session.key.backend_start is not None:
        who.append(("connected", f"{session.key.backend_start.astimezone():%Y-%m-%d %H:%M:%S}"))
    now = [
        ("state", f"{session.state.value} for {duration(session.state_age)}"),
        ("wait", session.wait or "–"),
        ("transaction", duration(session.transaction_age)),
        ("query", duration(session.query_age)),
    ]
    if session.blocked_by:
        pids = ", ".join(str(pid) if pid else "a prepared transaction" for pid in session.blocked_by)
        now.append(("blocked by", f"{pids} for {duration(session.wait_age)}"))
    if detail.waiters:
        now.append(("blocks", ", ".join(map(str, detail.waiters))))
    if detail.query_id is not None:
        now.append(("query id", str(detail.query_id)))
    locks = [
        (
            "held" if lock.granted else "WAITS FOR",
            f"{lock.mode}  {lock.object}" + (f"  ×{lock.count}" if lock.count > 1 else ""),
        )
        for lock in detail.locks
    ]
    query = [("", detail.query or "–")]
    if detail.is_cut:
        query.append(("", "… the server keeps no more of it: see track_activity_query_size."))
    return (
        Section("", tuple(query)),
        Section("now", tuple(now)),
        Section(f"locks ({sum(lock.count for lock in detail.locks)})", tuple(locks) or (("", "none"),)),
        Section("session", tuple(who)),
    )
