"""Passwords of the platform's users, kept as argon2id (RFC 9106) with the parameters that argon2-cffi recommends.

argon2 is imported when a password is first set or checked, and works in a thread: it is meant to be slow (some 50 ms).
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from console.errors import BadInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_CHARACTERS = 12
MOST_CHARACTERS = 1024
"""More is no password, but a file that somebody has pasted."""


def check_password(password: SecretStr, *names: str | None) -> None:
    """Raises `BadInput`, which does not tell the password, where it is too short or one of the user's names."""
    text = password.get_secret_value()
    if len(text) < LEAST_CHARACTERS:
        raise BadInput(f"A password has at least {LEAST_CHARACTERS} characters; this one has {len(text)}.")
    if len(text) > MOST_CHARACTERS:
        raise BadInput(f"A password has at most {MOST_CHARACTERS} characters; this one has {len(text)}.")
    if any(text.strip().casefold() == name.strip().casefold() for name in names if name):
        raise BadInput("The password is the user's own name or address; choose another one.")
    if len(set(text)) == 1:
        raise BadInput("The password is one character over and over; choose another one.")


async def hash_password(password: SecretStr) -> str:
    """What is kept of a password: `$argon2id$…`, with its parameters and its salt."""
    return await asyncio.to_thread(lambda: _hasher().hash(password.get_secret_value()))


async def verify_password(password_hash: str, password: SecretStr) -> bool:
    """Whether it is the password. False also for what is no argon2 hash."""
    return await asyncio.to_thread(_verify, password_hash, password)


def needs_rehash(password_hash: str) -> bool:
    """Whether it was made with other parameters than those of today, or in another way altogether."""
    from argon2.exceptions import InvalidHashError

    try:
        return _hasher().check_needs_rehash(password_hash)
    except InvalidHashError:
        return True


def _verify(password_hash: str, password: SecretStr) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password.get_secret_value())
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()
