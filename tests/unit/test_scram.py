"""SCRAM verifiers without a server; tests/integration/test_role_changes.py compares them with a server's own."""

from __future__ import annotations

import base64

import pytest
from pydantic import SecretStr

from console.data.scram import check_password, saslprep, verifier
from console.errors import BadInput


def test_the_example_of_rfc_7677() -> None:
    """Its exchange (user, pencil) follows from these two keys."""
    made = verifier(SecretStr("pencil"), 4096, base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert made.get_secret_value() == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_every_verifier_has_a_salt_of_its_own_and_shows_itself_to_nobody() -> None:
    first, second = verifier(SecretStr("pencil")), verifier(SecretStr("pencil"))
    assert first.get_secret_value() != second.get_secret_value()
    assert "SCRAM" not in f"{first} {first!r}"
    salt = first.get_secret_value().split(":")[1].split("$")[0]
    assert len(base64.b64decode(salt)) == 16


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("pencil \x7f", "pencil \x7f"),
        ("I\u00adX", "IX"),
        ("\u2168", "IX"),
        ("Café", "Caf\u00e9"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("a\u00a0b", "a b"),
        ("a\u200bb", "a b"),
        ("a\u200db", "ab"),
        ("\u00ad", "\u00ad"),
        ("\ufb01\u0007", "\ufb01\u0007"),
        ("\ue000\ufb01", "\ue000\ufb01"),
        ("\U0001f600\ufb01", "\U0001f600\ufb01"),
        ("\u0627\u00aa", "\u0627\u00aa"),
        ("\u0627\u00b2", "\u0627\u00b2"),
        ("\u0627\u00b2\u0628", "\u0627" + "2\u0628"),
    ],
    ids=[
        *("ASCII as it is", "to nothing", "NFKC", "composed", "composes", "a space", "both tables: a space"),
        *("a joiner: nothing", "nothing left", "a control", "private use", "younger than Unicode 3.2"),
        *("both directions", "ends the other way", "right to left"),
    ],
)
def test_saslprep_as_postgresql_does_it(text: str, prepared: str) -> None:
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text", ["", "hunter2\n", "hunter2\0", "\x1bhunter2", "hunter2\x85", "hunter2\udcff"]
)
def test_what_is_no_password_is_said_without_it(text: str) -> None:
    for refusing in (check_password, verifier):
        with pytest.raises(BadInput) as refused:
            refusing(SecretStr(text))
        assert "hunter2" not in refused.value.sentence
