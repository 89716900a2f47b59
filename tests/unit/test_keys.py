"""API keys: made, recognised, and the ones that could be guessed."""

from __future__ import annotations

import hashlib
import re

import pytest

from console.data.keys import hash_of, is_well_formed, make_key, predictable, predictable_hashes


def test_a_new_key_is_ours_and_no_other_is_like_it() -> None:
    made = [make_key("production") for _ in range(200)]
    keys = [new.key.get_secret_value() for new in made]
    assert all(re.fullmatch(r"dbc_production_[0-9A-Za-z]{36}", key) for key in keys)
    assert all(is_well_formed(key) for key in keys)
    assert len(set(keys)) == len({new.key_hash for new in made}) == 200


def test_what_is_kept_does_not_give_the_key_away() -> None:
    new = make_key("test")
    key = new.key.get_secret_value()
    assert new.key_hash == hashlib.sha256(key.encode()).hexdigest() == hash_of(key)
    assert key.startswith(new.key_prefix)
    assert len(new.key_prefix) <= 32, "the width of the column"
    assert len(key) - len(new.key_prefix) >= 24, "what is not shown cannot be guessed"
    assert key not in repr(new)
    assert key not in str(new)


@pytest.mark.parametrize(
    ("environment", "start"),
    [
        ("Production", "dbc_production_"),
        ("eu-west.2", "dbc_euwest2_"),
        ("--", "dbc_other_"),
        ("a-very-long-environment", "dbc_averylongenv_"),
    ],
)
def test_the_environment_is_a_part_that_a_double_click_selects(environment: str, start: str) -> None:
    key = make_key(environment).key.get_secret_value()
    assert key.startswith(start)
    assert re.fullmatch(r"\w+", key, re.ASCII)


def test_a_misspelt_key_is_told_from_a_right_one() -> None:
    key = make_key("live").key.get_secret_value()
    for place, letter in enumerate(key):
        for other in "aZ0_":
            if other != letter:
                assert not is_well_formed(f"{key[:place]}{other}{key[place + 1 :]}")
    for wrong in ("", "dbc_live_", key[:-1], f"{key}0", f" {key}", f"{key}\n", "admin-key-dev", "é" * 46):
        assert not is_well_formed(wrong)


def test_the_check_does_not_change_between_versions() -> None:
    assert is_well_formed(f"dbc_test_{'0' * 30}10IXmR")


def test_keys_that_a_script_made_are_recognised_in_every_form() -> None:
    for word in ("dev", "staging", "production", "local", "test"):
        digits = hashlib.sha256(f"admin-key-{word}".encode()).hexdigest()
        for form in (digits, digits.upper(), f"\\x{digits}", f"\\x{digits}"[:64]):
            assert predictable(form) == f"admin-key-{word}"
            assert form in predictable_hashes()


def test_other_keys_are_not_suspected() -> None:
    assert predictable(make_key("dev").key_hash) is None
    assert predictable(hash_of("admin-key-")) is None
    assert predictable("") is None
    assert predictable("\\x") is None
