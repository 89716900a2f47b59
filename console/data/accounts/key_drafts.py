"""What a person may write about an API key, and the permissions that are kept of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from console.errors import BadInput
from console.models.api_keys import KeyDraft, is_admin

NAME_CHARACTERS = 255
MOST_SCOPES = 64
SCOPE_CHARACTERS = 100
DOCUMENT_CHARACTERS = 64 * 1024
"""Of raw JSON."""
REASON_CHARACTERS = 1000

_SCOPE = re.compile(r"[A-Za-z0-9_.:*/-]+")
_ENVIRONMENT = re.compile(r"[\w.-]{1,24}")


def checked_name(name: str) -> str:
    """A key's name. Raises `BadInput`."""
    if not name.strip() or len(name) > NAME_CHARACTERS or not name.isprintable():
        raise BadInput(
            f"{_shown(name)} is no name for a key; it takes 1 to {NAME_CHARACTERS} printable characters."
        )
    return name.strip()


def checked_expiry(expires_at: datetime | None, now: datetime) -> datetime | None:
    """When a key ends; None is never. Raises `BadInput` for a time that has passed, or one without a zone."""
    if expires_at is None:
        return None
    if expires_at.tzinfo is None:
        raise BadInput("The expiry has no time zone.")
    if expires_at <= now:
        raise BadInput(
            f"The expiry {expires_at:%Y-%m-%d %H:%M %Z} has passed; give one that is still to come."
        )
    return expires_at


def checked_environment(environment: str | None) -> str | None:
    """The name of an environment. Raises `BadInput`."""
    if environment is not None and not _ENVIRONMENT.fullmatch(environment):
        raise BadInput(f"{_shown(environment)} is no environment; it takes one word of at most 24 letters.")
    return environment


def checked_reason(reason: str) -> str:
    """Why something is done, in words. Raises `BadInput`."""
    if not reason.strip():
        raise BadInput("There is no reason; say why: a word at least.")
    if len(reason) > REASON_CHARACTERS or not reason.isprintable():
        raise BadInput(
            f"{_shown(reason)} is no reason; it takes at most {REASON_CHARACTERS:,} printable characters."
        )
    return reason.strip()


def checked_permissions(draft: KeyDraft) -> Any:
    """The `permissions` document of a new key. Raises `BadInput` with what is wrong with it.

    Scopes become `{"scopes": [...]}`, and the scope `admin` the `"admin": true` that the platform's services ask for.
    Raw JSON is kept as it is written.
    """
    if draft.permissions is None:
        return permissions_of(draft.scopes)
    document = draft.permissions
    if isinstance(document, list):
        _check_scopes(document)
    elif isinstance(document, dict):
        scopes = document.get("scopes", [])
        if not isinstance(scopes, list):
            raise BadInput(f'"scopes" is to be a list of words, and is {_shown(scopes)}.')
        _check_scopes(scopes)
        if not isinstance(document.get("admin", False), bool):
            raise BadInput(f'"admin" is to be true or false, and is {_shown(document["admin"])}.')
    else:
        raise BadInput(f"Permissions are a JSON object or a list of scopes, and not {_shown(document)}.")
    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput(f"The permissions are no JSON: {error}.") from None
    if len(text) > DOCUMENT_CHARACTERS:
        raise BadInput(f"The permissions have {len(text):,} characters; {DOCUMENT_CHARACTERS:,} are allowed.")
    if "\\u0000" in text:
        raise BadInput(
            "The permissions have a character with the code 0 in them, which PostgreSQL keeps nowhere."
        )
    return document


def permissions_of(scopes: Sequence[str]) -> dict[str, Any]:
    """The document that is written for some scopes. Raises `BadInput` for one that is none."""
    _check_scopes(scopes)
    unique = list(dict.fromkeys(scopes))
    if not is_admin(unique):
        return {"scopes": unique}
    others = [scope for scope in unique if scope != "admin"]
    return {"admin": True, "scopes": others} if others else {"admin": True}


def _check_scopes(scopes: Sequence[Any]) -> None:
    for scope in scopes:
        if not isinstance(scope, str):
            raise BadInput(f"A scope is a word in quotes, and {_shown(scope)} is none.")
        if not _SCOPE.fullmatch(scope) or len(scope) > SCOPE_CHARACTERS:
            raise BadInput(
                f"{_shown(scope)} is no scope; it takes 1 to {SCOPE_CHARACTERS} of the characters A-Z a-z 0-9 _ . : * / -."
            )
    if len(scopes) > MOST_SCOPES:
        raise BadInput(f"There are {len(scopes)} scopes; a key takes at most {MOST_SCOPES}.")


def _shown(value: Any) -> str:
    """What was given, as far as a sentence has room for it, with its control characters in words."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
