"""One user, one login session and one row of the audit trail in full, as sections of the detail pane."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from textual.content import Content

from console.models.accounts import LoginSession, Project, TrailEntry, User, UserDetail
from console.models.api_keys import ApiKey, KeyState
from console.screens.accounts_columns import SAID_ELSEWHERE, ago, object_of, one_line, session_state, until
from console.terminal.safe_text import visible
from console.units import UNKNOWN
from console.widgets.detail import Section

_WORDS_OF_TOKEN = "… (no more of it is ever read)"


def user_sections(detail: UserDetail, now: datetime) -> tuple[Section, ...]:
    """Who it is, with which keys and logins, what it owns, and what was last done."""
    user = detail.user
    return (
        Section("", (*_fields(user, now), ("id", str(user.id)))),
        _listed("keys", [_key_line(key, now) for key in detail.keys]),
        _listed("logins", [_session_line(session, now) for session in detail.sessions]),
        _listed("projects", [_project_line(project) for project in detail.projects]),
        _listed("last actions", [_entry_line(entry) for entry in detail.actions]),
    )


def _fields(user: User, now: datetime) -> tuple[tuple[str, str], ...]:
    return (
        ("state", user.state.value + (f" {ago(user.deleted_at, now)}" if user.deleted_at else "")),
        ("e-mail", user.email or UNKNOWN),
        ("username", user.username or UNKNOWN),
        ("name", user.name or UNKNOWN),
        ("telephone", user.phone_number or UNKNOWN),
        ("status", user.status or UNKNOWN),
        ("password", "set" if user.has_password else "none: nobody gets in with one"),
        ("last login", moment(user.last_login_at, now, "never")),
        ("created", moment(user.created_at, now)),
        ("changed", moment(user.updated_at, now)),
    )


def moment(at: datetime | None, now: datetime, never: str = UNKNOWN) -> str:
    """A moment in full, with how far off it is."""
    return never if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S} ({until(at, now)})"


def _listed(title: str, lines: Sequence[tuple[str, str]]) -> Section:
    return Section(title, tuple(lines) or (("", "none"),))


def _key_line(key: ApiKey, now: datetime) -> tuple[str, str]:
    state = key.state(now)
    glyph = "●" if state is KeyState.ACTIVE else "○"
    scopes = " ".join(key.scopes) or "no scopes"
    used = f"used {ago(key.last_used_at, now)}" if key.last_used_at else "never used"
    return key.name or "(unnamed)", (
        f"{glyph} {state.value}  {key.prefix or UNKNOWN}…  {scopes}  {used}  expires {until(key.expires_at, now)}"
    )


def _session_line(session: LoginSession, now: datetime) -> tuple[str, str]:
    cell = session_state(session, now)
    state = cell if isinstance(cell, str) else cell[0]
    return session.ip_address or UNKNOWN, (
        f"{state}  active {ago(session.last_activity, now)}  expires {until(session.expires_at, now)}  "
        f"{session.user_agent or ''}"
    )


def _project_line(project: Project) -> tuple[str, str]:
    return "", f"{project.name}  {project.id}"


def _entry_line(entry: TrailEntry) -> tuple[str, str]:
    what = f"{entry.action}  by {entry.by}  {one_line(entry.details)}"
    return f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}", what


def session_sections(session: LoginSession, now: datetime) -> tuple[Section, ...]:
    """A login, without its token."""
    cell = session_state(session, now)
    return (
        Section(
            "",
            (
                ("state", cell if isinstance(cell, str) else cell[0]),
                ("user", session.user),
                ("address", session.ip_address or UNKNOWN),
                ("agent", session.user_agent or UNKNOWN),
                ("opened", moment(session.created_at, now)),
                ("last active", moment(session.last_activity, now)),
                ("expires", moment(session.expires_at, now, "never")),
                ("token", session.token_beginning + _WORDS_OF_TOKEN),
                ("id", str(session.id)),
                ("user's id", str(session.user_id or UNKNOWN)),
            ),
        ),
    )


def entry_sections(entry: TrailEntry, now: datetime) -> tuple[Section, ...]:
    """A row of the trail: what it says, what was before and after, and how it hangs in the chain."""
    details = dict(entry.details)
    before, after = details.pop("before", None), details.pop("after", None)
    who = [(name, str(details.pop(name))) for name in SAID_ELSEWHERE if name in details]
    sections = [
        Section(
            "",
            (
                ("time", moment(entry.at, now)),
                ("action", entry.action),
                ("object", entry.resource_type or UNKNOWN),
                ("object's id", str(entry.resource_id or UNKNOWN)),
                *who,
                ("user's id", str(entry.user_id or UNKNOWN)),
                ("address", entry.ip_address or UNKNOWN),
            ),
        )
    ]
    for title, value in (("before", before), ("after", after), ("details", details or None)):
        if value is not None:
            sections.append(Section(title, (("", as_json(value)),)))
    chain = (
        ("number", str(entry.sequence) if entry.sequence is not None else "none: this trail is no chain"),
        ("hash", entry.hash or UNKNOWN),
        ("hash before", entry.prev_hash or UNKNOWN),
    )
    return (*sections, Section("chain", chain))


def entry_title(entry: TrailEntry) -> str:
    """A row of the trail in a few words."""
    return f"{entry.action}: {object_of(entry)}"


def as_json(value: Any) -> Content:
    """A document laid out for reading."""
    return Content(visible(json.dumps(value, ensure_ascii=False, indent=2, default=str), multiline=True))
