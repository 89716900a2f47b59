"""The four choices of sessions on the Activity screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from console.models.activity import ActivitySnapshot, Session
from console.screens.activity_columns import SESSION_COLUMNS
from console.widgets.columns import Column

View: TypeAlias = Literal["running", "all", "waiting", "blocking"]

NOBODY: dict[View, str] = {
    "running": "No client is running anything. a shows the idle ones too.",
    "all": "Nobody is connected.",
    "waiting": "Nobody waits for a lock.",
    "blocking": "Nobody blocks anybody.",
}
"""What is said where a choice has nobody."""


def columns_of(view: View) -> Sequence[Column[Session]]:
    """All of them; but what type of process it is, is no question where only clients are shown."""
    return [column for column in SESSION_COLUMNS if view == "all" or column.key != "type"]


def in_view(snapshot: ActivitySnapshot, view: View) -> Sequence[Session]:
    """The sessions of a choice; of the tree there are none here."""
    if view == "running":
        return [session for session in snapshot.sessions if session.is_running or session.blocks]
    if view == "waiting":
        return [session for session in snapshot.sessions if session.is_waiting]
    return snapshot.sessions
