"""Passwords: where they were found, and what is asked of a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Password:
    """One that was found."""

    secret: SecretStr = field(repr=False)
    where: str
    """It was found, for a person: "the keyring"."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, as things stand."""

    role: str
    address: str
    problem: str
    """The sentence that says why a password is wanted."""
    reasons: tuple[str, ...] = ()
    """Why none was found elsewhere, each without a capital letter and a full stop."""
    waiting_for: str | None = None
    """What is looked into meanwhile: "the keyring"."""
    is_found: bool = False
    """Whether there is one by now, so that nobody has to answer."""
    can_store: bool = False
    """Whether there is a keyring to put the password into."""
    was_stored: bool = False
    """Whether the keyring has one, which was refused."""
    is_refusal: bool = False
    """Whether one was given, and it was wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person typed."""

    secret: SecretStr = field(repr=False)
    store: bool
    """Whether to put it into the keyring once the server has taken it."""
