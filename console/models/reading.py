"""What a feed hands to whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from console.models.server import Link, LinkState

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one snapshot that are kept for charts, by name; none of them while the link was lost."""

    at: datetime
    values: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Reading(Generic[S]):
    """The newest snapshot there is, and how things stand.

    `snapshot` is None until the first one came. `problem` is why the last sample failed although the link is live:
    a privilege that is missing, a statement that took too long.
    """

    snapshot: S | None
    taken_at: datetime | None
    """When the snapshot came, on the console's own clock."""
    link: Link
    interval: float
    """Seconds between samples as they are now."""
    history: tuple[Point, ...] = ()
    """What is kept of the snapshots so far, oldest first."""
    problem: str | None = None
    paused: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the snapshot is as new as it can be."""
        return self.link.state is LinkState.LIVE and self.problem is None
