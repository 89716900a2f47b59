"""API keys: how one is made, how one is recognised, and which ones anybody could have guessed.

A key is `dbc_ENVIRONMENT_`, 30 random characters and 6 that check the rest, after GitHub's format: a double click selects
it, a scanner for leaked secrets finds it, and a misspelt one is told without asking a database. Of a key only its
SHA-256 is kept: with 178 random bits there is nothing to guess, so a slow hash would protect nothing (NIST SP
800-63B 5.1.2.2, OWASP ASVS 5.0 11.5.1).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from functools import cache

from pydantic import SecretStr

PREFIX = "dbc"

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 30
_CHECK_CHARACTERS = 6
_SHOWN_CHARACTERS = 6
"""Of the random ones; the 24 others are 142 bits."""
_ENVIRONMENT_CHARACTERS = 12
_FORMAT = re.compile(
    rf"{PREFIX}_[a-z0-9]{{1,{_ENVIRONMENT_CHARACTERS}}}_[0-9A-Za-z]{{{_RANDOM_CHARACTERS + _CHECK_CHARACTERS}}}"
)

_GUESSABLE = "admin-key-"
_ENVIRONMENT_WORDS = (
    *("dev", "development", "local", "localhost", "test", "testing", "ci", "qa", "uat", "sandbox", "demo"),
    *("preview", "stage", "staging", "preprod", "prod", "production", "live"),
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. Nobody can ever see it again but from here."""

    key: SecretStr
    key_hash: str
    key_prefix: str


def make_key(environment: str | None) -> NewKey:
    """A new key for an environment, whose name stands in it as far as it is letters and digits; else "other"."""
    word = re.sub("[^a-z0-9]", "", (environment or "").lower())[:_ENVIRONMENT_CHARACTERS] or "other"
    start = f"{PREFIX}_{word}_"
    random = "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_CHARACTERS))
    key = f"{start}{random}{_check(start + random)}"
    return NewKey(SecretStr(key), hash_of(key), f"{start}{random[:_SHOWN_CHARACTERS]}")


def hash_of(key: str) -> str:
    """What is kept of a key: the SHA-256 of all of it, 64 hexadecimal digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def is_well_formed(key: str) -> bool:
    """Whether this can be a key of ours. Whether it is one, only the database knows."""
    return _FORMAT.fullmatch(key) is not None and hmac.compare_digest(
        key[-_CHECK_CHARACTERS:], _check(key[:-_CHECK_CHARACTERS])
    )


def predictable(key_hash: str) -> str | None:
    """The key that this is the hash of, where it is one that a script made out of the name of an environment."""
    return _predictable_hashes().get(key_hash.lower())


def predictable_hashes() -> list[str]:
    """All that can stand in a column `key_hash` for a key that can be guessed, for a query to look for."""
    return [form for lower in _predictable_hashes() for form in (lower, _upper(lower))]


def kept_forms(key_hash: str) -> list[str]:
    """All that can stand in a column `key_hash` for a hash: older scripts wrote it in one of several ways."""
    return [form for lower in _forms(key_hash) for form in (lower, _upper(lower))]


@cache
def _predictable_hashes() -> dict[str, str]:
    keys = [f"{_GUESSABLE}{word}" for word in _ENVIRONMENT_WORDS]
    return {form: key for key in keys for form in _forms(hash_of(key))}


def _forms(digits: str) -> tuple[str, ...]:
    """In lower case: as hex, as `bytea` is printed, and so cut to the 64 characters of the column."""
    return digits, f"\\x{digits}", f"\\x{digits}"[:64]


def _upper(lower: str) -> str:
    return lower.upper().replace("\\X", "\\x")


def _check(text: str) -> str:
    """The CRC-32 in base 62. It finds misspellings, and proves nothing: anybody can compute it."""
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECK_CHARACTERS):
        number, digit = divmod(number, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits
