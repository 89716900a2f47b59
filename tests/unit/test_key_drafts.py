"""What may be written about an API key, and what is kept of its permissions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from console.data.accounts.key_drafts import (
    checked_environment,
    checked_expiry,
    checked_name,
    checked_permissions,
    checked_reason,
    permissions_of,
)
from console.errors import BadInput
from console.models.api_keys import KeyDraft, is_admin, scopes_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def permissions(document: Any = None, *scopes: str) -> Any:
    return checked_permissions(KeyDraft(UUID(int=1), "x", scopes, document))


@pytest.mark.parametrize(
    ("scopes", "document"),
    [
        ((), {"scopes": []}),
        (("read", "files:write", "read"), {"scopes": ["read", "files:write"]}),
        (("admin",), {"admin": True}),
        (("read", "admin"), {"admin": True, "scopes": ["read"]}),
        (("*",), {"admin": True, "scopes": ["*"]}),
        (("a/b.c-d_*",), {"scopes": ["a/b.c-d_*"]}),
    ],
)
def test_scopes_are_written_as_the_services_read_them(scopes: tuple[str, ...], document: Any) -> None:
    assert permissions_of(scopes) == permissions(None, *scopes) == document
    assert is_admin(document) == any(scope in ("admin", "*") for scope in scopes)
    assert set(scopes) <= set(scopes_of(document))


@pytest.mark.parametrize(
    "document",
    [{}, [], ["read"], {"admin": True}, {"read": True, "scopes": []}, {"limits": {"a": [1, None, 2.5]}}],
)
def test_json_is_kept_as_it_is_written(document: Any) -> None:
    assert permissions(document) == document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("read", "a JSON object or a list"),
        (7, "a JSON object or a list"),
        (["read", 7], "and 7 is none"),
        (["read", None], "and None is none"),
        ([["read"]], r"and \['read'\] is none"),
        ([""], "'' is no scope"),
        ([" read"], "' read' is no scope"),
        (["re ad\n"], r"'re ad\\n' is no scope"),
        (["x" * 101], "is no scope; it takes 1 to 100"),
        (["[/foo]"], "is no scope"),
        (["ünï"], "is no scope"),
        (["read"] * 65, "There are 65 scopes"),
        ({"scopes": "read"}, '"scopes" is to be a list'),
        ({"scopes": ["read", True]}, "and True is none"),
        ({"admin": "yes"}, '"admin" is to be true or false'),
        ({"limit": float("nan")}, "are no JSON"),
        ({"limit": {1, 2}}, "are no JSON"),
        ({"note": "a\0b"}, "code 0"),
        ({"note": "x" * 70_000}, "65,536 are allowed"),
    ],
)
def test_what_is_no_permission(document: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        permissions(document)
    assert len(caught.value.sentence) < 200
    assert caught.value.sentence.isprintable()


@pytest.mark.parametrize("name", ["x", "CI pipeline", "ünï", "[/foo]", "'; DROP TABLE x", "x" * 255])
def test_what_is_a_name(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 256, "x" * 10_000, "a\nb", "\x1b[31m", "a\u202eb", "\0", "\ud800"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a key") as caught:
        checked_name(name)
    assert caught.value.sentence.isprintable()


def test_an_expiry_is_still_to_come() -> None:
    assert checked_expiry(None, NOON) is None
    later = datetime(2026, 3, 1, 14, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    assert checked_expiry(later, NOON) == later
    for past in (NOON, NOON - timedelta(days=1), later - timedelta(seconds=1)):
        with pytest.raises(BadInput, match="has passed"):
            checked_expiry(past, NOON)
    with pytest.raises(BadInput, match="time zone"):
        checked_expiry(later.replace(tzinfo=None), NOON)


def test_environments_and_reasons() -> None:
    assert checked_environment(None) is None
    assert checked_environment("eu-west.2") == "eu-west.2"
    for wrong in ("", "a b", "x" * 25, "live\n"):
        with pytest.raises(BadInput, match="is no environment"):
            checked_environment(wrong)
    assert checked_reason("  found in a log, 'twice' ") == "found in a log, 'twice'"
    for wrong in ("x" * 1001, "a\x1b"):
        with pytest.raises(BadInput, match="is no reason"):
            checked_reason(wrong)
