"""The audit trail: searching it, whether its chain is whole, and letting go of its old end."""

from __future__ import annotations

from console.data.accounts.context import AccountsContext


class TrailService:
    """The audit trail: searching it, whether its chain is whole, and letting go of its old end."""

    def __init__(self, context: AccountsContext) -> None:
        self._context = context
