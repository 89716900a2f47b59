"""Users: pages of them, one with all that hangs on it, and changing them."""

from __future__ import annotations

from console.data.accounts.context import AccountsContext


class Users:
    """Users: pages of them, one with all that hangs on it, and changing them."""

    def __init__(self, context: AccountsContext) -> None:
        self._context = context
