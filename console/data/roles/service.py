"""What the roles tab of the screen Accounts asks."""

from __future__ import annotations

from console.data.audit import AuditFile
from console.data.changes import Changes
from console.data.server import Server
from console.settings import Settings


class RolesService:
    """The roles of one server."""

    def __init__(self, server: Server, settings: Settings, audit: AuditFile) -> None:
        self._server = server
        self._changes = Changes(server, settings, audit)
