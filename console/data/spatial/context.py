"""What everything about maps works with on one server."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from console.clock import SYSTEM_CLOCK, Clock
from console.data.audit import AuditFile
from console.data.server import Server
from console.data.spatial.line import MapLine
from console.settings import Settings

if TYPE_CHECKING:
    from console.data.changes import Changes


class SpatialContext:
    """The server, the way to it, and how changes are made on it."""

    def __init__(
        self,
        server: Server,
        settings: Settings,
        audit: AuditFile,
        line: MapLine,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.server = server
        self.settings = settings
        self.audit = audit
        self.clock = clock
        self.line = line

    @cached_property
    def changes(self) -> Changes:
        """Made when something is to be changed: it imports SQLAlchemy, which the first picture must not pay for."""
        from console.data.changes import Changes

        return Changes(self.server, self.settings, self.audit)
