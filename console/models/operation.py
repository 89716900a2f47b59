"""A change to a server, as it is shown before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

READ_ONLY = (
    "The console is read-only, by --read-only or the setting read_only: it changes nothing on the server."
)
"""Why a change is not even asked about; an environment may have that setting."""


class Danger(Enum):
    """How much a change can hurt."""

    NOTICEABLE = "noticeable"
    """Somebody's work is interrupted and can be repeated."""
    DESTRUCTIVE = "destructive"
    """Work or data is lost."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a person is asked to confirm.

    `statements` are the exact SQL with its parameters written out, for reading; what runs has them bound.
    """

    title: str
    action: str
    """The confirming button's word: "Terminate"."""
    object_name: str
    """What must be typed in production: "pid 8123"."""
    statements: tuple[str, ...]
    consequences: tuple[str, ...]
    """What will be lost or interrupted, a sentence each."""
    danger: Danger


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an operation, one for each object that it was about."""

    object_name: str
    done: bool
    sentence: str
