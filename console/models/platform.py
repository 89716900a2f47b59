"""The platform: its administrator, and keys that anybody could have guessed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PredictableKey:
    """An API key that a script made out of the name of an environment, so that whoever knows the script knows the key."""

    table: str
    """`arxos_core.api_keys` or `public.api_keys`."""
    id: str | None
    key: str
    """The key itself, which is no secret: `admin-key-dev`."""
    name: str | None
    user_id: str | None
    is_usable: bool
    """Whether it opens anything still: active, not revoked, not expired."""
