"""SCRAM-SHA-256 verifiers: what a server keeps of a password, computed here so that it never gets the password.

RFC 5802 and RFC 7677; the form is that of `pg_authid.rolpassword`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from base64 import b64encode
from collections.abc import Callable

from pydantic import SecretStr

from console.errors import BadInput

ITERATIONS = 4096
"""How often PostgreSQL hashes where it has no `scram_iterations` (before 16)."""

_SALT_BYTES = 16

_PROHIBITED: tuple[Callable[[str], bool], ...] = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def check_password(password: SecretStr) -> None:
    """Raises `BadInput` for what cannot be a password; the sentence does not tell it."""
    text = password.get_secret_value()
    if not text:
        raise BadInput("An empty password opens nothing; give one, or none at all.")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise BadInput(
            "A password must have no line break, NUL or other control character: prompts and ~/.pgpass cannot carry it."
        )
    if any(unicodedata.category(character) == "Cs" for character in text):
        raise BadInput("The password is not valid text: it cannot be written in UTF-8.")


def verifier(password: SecretStr, iterations: int = ITERATIONS, salt: bytes | None = None) -> SecretStr:
    """`SCRAM-SHA-256$iterations:salt$stored:server` of a password, with a new salt unless one is given.

    Not the password, but enough to guess it by trying: a secret, too. Takes 1 ms for 4096 iterations.
    Raises `BadInput` as `check_password`.
    """
    check_password(password)
    salt = secrets.token_bytes(_SALT_BYTES) if salt is None else salt
    prepared = saslprep(password.get_secret_value()).encode()
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [b64encode(part).decode("ascii") for part in (salt, stored_key, server_key)]
    return SecretStr(f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}")


def saslprep(text: str) -> str:
    """The text as SASLprep (RFC 4013) has it; as it is where that prohibits it, which is what PostgreSQL does.

    Like PostgreSQL, and unlike the RFC, it looks for what is prohibited before it normalises, not after
    (`pg_saslprep` in src/common/saslprep.c).
    """
    if text.isascii():
        return text
    # U+200B is in both tables: it becomes a space.
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if stringprep.in_table_c12(character) or not stringprep.in_table_b1(character)
    )
    if not mapped or any(is_in(character) for character in mapped for is_in in _PROHIBITED):
        return text
    if any(map(stringprep.in_table_d1, mapped)) and not (
        stringprep.in_table_d1(mapped[0])
        and stringprep.in_table_d1(mapped[-1])
        and not any(map(stringprep.in_table_d2, mapped))
    ):
        return text
    return unicodedata.normalize("NFKC", mapped)
