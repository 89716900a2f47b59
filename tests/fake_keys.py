"""API keys from memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from console.models.accounts import ApiKey

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def api_key(name: str | None = "ci-deploy", number: int = 1, **changes: Any) -> ApiKey:
    """An active key that was made 41 days ago; `changes` are other fields of `ApiKey`."""
    return replace(
        ApiKey(
            id=UUID(int=number),
            user_id=UUID(int=1000 + number),
            owner="ops@example.com",
            owner_is_active=True,
            prefix=f"dbc_live_9Kx{number:03}",
            name=name,
            permissions={"scopes": ["deploy", "read"]},
            environment="live",
            is_active=True,
            expires_at=NOW + timedelta(days=90),
            last_used_at=NOW - timedelta(minutes=2),
            created_at=NOW - timedelta(days=41),
            created_by="dba",
            updated_at=NOW - timedelta(days=41),
            revoked_at=None,
            revoked_by=None,
            revoke_reason=None,
            replaced_by=None,
        ),
        **changes,
    )
