"""What the screen Accounts and its commands ask. Imports SQLAlchemy: it is made when it is first needed."""

from __future__ import annotations

from console.clock import SYSTEM_CLOCK, Clock
from console.data.accounts.context import AccountsContext
from console.data.accounts.keys import Keys
from console.data.accounts.sessions import LoginSessions
from console.data.accounts.trail import TrailService
from console.data.accounts.users import Users
from console.data.audit import AuditFile
from console.data.server import Server
from console.data.vitals import VitalsReader
from console.models.accounts import AccountsSnapshot
from console.settings import Settings


class AccountsService:
    """Users, keys, sessions and the trail of one server."""

    def __init__(
        self,
        server: Server,
        settings: Settings,
        audit: AuditFile,
        vitals: VitalsReader | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Without `vitals` its snapshots raise no alerts."""
        self.context = AccountsContext(server, settings, audit, clock)
        self.users = Users(self.context)
        self.keys = Keys(self.context)
        self.sessions = LoginSessions(self.context)
        self.trail = TrailService(self.context)
        self._vitals = vitals

    async def sample(self) -> AccountsSnapshot:
        """Which tables there are and how much is in them, by the planner's estimates. Lists are asked for by themselves.

        Raises `ConnectionLost`, `QueryTimedOut` or another `QueryFailed`.
        """
        vitals = await self._vitals.now() if self._vitals is not None else None
        place = await self.context.place(again=True)
        return AccountsSnapshot(
            at=self.context.clock.now(),
            server_ms=0.0,
            tables=place.summary,
            estimates=dict(place.estimates),
            vitals=vitals,
        )
