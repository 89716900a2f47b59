"""Login sessions: who is logged in, and ending that."""

from __future__ import annotations

from console.data.accounts.context import AccountsContext


class LoginSessions:
    """Login sessions: who is logged in, and ending that."""

    def __init__(self, context: AccountsContext) -> None:
        self._context = context
