"""API keys: pages of them, making, rotating, revoking, and what is wrong with them."""

from __future__ import annotations

from console.data.accounts.context import AccountsContext


class Keys:
    """API keys: pages of them, making, rotating, revoking, and what is wrong with them."""

    def __init__(self, context: AccountsContext) -> None:
        self._context = context
