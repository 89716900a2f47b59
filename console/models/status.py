"""What the header line of every screen says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.models.server import Capabilities, Cost, Link


@dataclass(frozen=True, slots=True)
class Status:
    """Where the console is, how things stand there, and what it costs."""

    target: str
    environment: str | None
    read_only: bool
    link: Link
    capabilities: Capabilities | None = None
    cost: Cost | None = None
    taken_at: datetime | None = None
    """When the data on screen came, on the console's own clock."""
    interval: float = 2.0
    """Seconds between two samples as they are now."""
    paused: bool = False
    colour: str | None = None
    """Of the environment's name, where the settings say one."""
    problem: str | None = None
    """Why there is no newer data although the link is live."""
