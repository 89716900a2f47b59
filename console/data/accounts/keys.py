"""API keys: pages of them, making, rotating, revoking, and what is wrong with them."""

from __future__ import annotations

from console.data.accounts.key_audit import KeyAudit
from console.data.accounts.key_changes import KeyChanges
from console.data.accounts.key_permissions import KeyPermissions
from console.data.accounts.key_revoking import KeyRevoking
from console.data.accounts.key_rotation import KeyRotation


class Keys(KeyChanges, KeyPermissions, KeyRotation, KeyRevoking, KeyAudit):
    """All that is asked and done about API keys; each part of it has a room of its own."""
