"""Passwords of users: what is refused, what is kept, and when it must be hashed anew."""

from __future__ import annotations

import subprocess
import sys

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr

from console.data.passwords import check_password, hash_password, needs_rehash, verify_password
from console.errors import BadInput

GOOD = SecretStr("correct horse battery")


async def test_a_password_is_kept_as_argon2id_and_recognised() -> None:
    kept = await hash_password(GOOD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert len(kept) < 255, "it fits the column"
    assert GOOD.get_secret_value() not in kept
    assert kept != await hash_password(GOOD), "each with a salt of its own"
    assert await verify_password(kept, GOOD)
    assert not await verify_password(kept, SecretStr("correct horse battery "))
    assert not needs_rehash(kept)


@pytest.mark.parametrize("kept", ["", "!", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19$m=8", "GOOD"])
async def test_what_is_no_argon2_hash_opens_nothing(kept: str) -> None:
    assert not await verify_password(kept, GOOD)
    assert needs_rehash(kept)


async def test_older_parameters_want_a_new_hash() -> None:
    older = PasswordHasher(time_cost=1, memory_cost=1024).hash(GOOD.get_secret_value())
    assert await verify_password(older, GOOD)
    assert needs_rehash(older)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least 12"),
        ("short-secret"[:11], "at least 12"),
        ("x" * 1025, "at most 1024"),
        ("ADA@Example.com", "own name or address"),
        (" ada@example.com ", "own name or address"),
        ("ada-lovelace", "own name or address"),
        ("z" * 12, "over and over"),
    ],
)
def test_what_is_refused_is_told_without_telling_it(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as refused:
        check_password(SecretStr(text), "ada@example.com", "Ada-Lovelace", None)
    assert not text or text.strip() not in refused.value.sentence


def test_any_characters_may_be_in_a_password() -> None:
    for text in ("correct horse battery", "пароль-достаточный", "[bold]\x1b'\"; DROP TABLE", "🔑" * 11 + "x"):
        check_password(SecretStr(text), "ada@example.com")


def test_argon2_is_imported_only_when_a_password_is_hashed() -> None:
    program = "import console.data.passwords, sys; sys.exit('argon2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
