"""The password file is read as libpq reads it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from console.models.target import Target
from console.pgpass import pgpass_password

SHOP = Target("db1", 5432, "app", "shop")


def password(
    lines: str, tmp_path: Path, target: Target = SHOP, mode: int = 0o600
) -> tuple[str | None, list[str]]:
    """The password that a file with these lines gives, and the warnings on the way."""
    file = tmp_path / "pgpass"
    file.write_text(lines)
    file.chmod(mode)
    warnings: list[str] = []
    found = pgpass_password(replace(target, passfile=str(file)), {}, warnings.append)
    return (found.get_secret_value() if found else None), warnings


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("db1:5432:shop:app:secret\n", "secret"),
        ("*:*:*:*:secret", "secret"),
        ("# db1:5432:shop:app:no\n\ndb1:5432:shop:app:yes\n", "yes"),
        ("db1:5432:other:app:no\ndb1:5432:shop:app:first\ndb1:*:*:*:second\n", "first"),
        (r"db1:5432:shop:app:a\:b\\c", r"a:b\c"),
        ("db1:5432:shop:app:secret\r\n", "secret"),
        ("db1:5432:shop:app:a:b", "a"),
        ("db1:5432:shop:app: a b \\", " a b \\"),
        ("db1:5433:shop:app:no", None),
        ("db1:5432:shop:no", None),
        ("db1:5432:shop:app:", None),
        (r"\*:*:*:*:no", None),
    ],
)
def test_the_first_line_that_matches_gives_the_password(
    lines: str, expected: str | None, tmp_path: Path
) -> None:
    assert password(lines, tmp_path) == (expected, [])


@pytest.mark.parametrize(
    ("host", "in_file", "matches"),
    [
        ("/var/run/postgresql", "localhost", True),
        ("/tmp", "localhost", True),
        ("/run/demo", "localhost", False),
        ("/run/demo", "/run/demo", True),
        ("::1", r"\:\:1", True),
    ],
)
def test_hosts_with_other_names(host: str, in_file: str, matches: bool, tmp_path: Path) -> None:
    found, _ = password(f"{in_file}:*:*:*:secret", tmp_path, Target(host, 5432, "app", "shop"))
    assert found == ("secret" if matches else None)


def test_escaped_fields_match_what_they_stand_for(tmp_path: Path) -> None:
    found, _ = password(r"*:*:a\:b:c\\d:secret", tmp_path, Target("db1", 5432, r"c\d", "a:b"))
    assert found == "secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_not_used(mode: int, tmp_path: Path) -> None:
    found, warnings = password("*:*:*:*:secret", tmp_path, mode=mode)
    assert found is None
    assert warnings == [
        f"The password file {tmp_path}/pgpass is not used: others may read it; chmod 600 makes it private."
    ]


def test_a_directory_is_not_a_password_file(tmp_path: Path) -> None:
    warnings: list[str] = []
    target = replace(SHOP, passfile=str(tmp_path))
    assert pgpass_password(target, {}, warnings.append) is None
    assert warnings == [f"The password file {tmp_path} is not used: it is not a plain file."]


def test_the_file_in_the_home_directory_is_the_default(tmp_path: Path) -> None:
    file = tmp_path / ".pgpass"
    file.write_text("*:*:*:*:secret")
    os.chmod(file, 0o600)
    assert pgpass_password(SHOP, {"HOME": str(tmp_path)}, pytest.fail) == SecretStr("secret")


def test_no_file_is_no_password(tmp_path: Path) -> None:
    assert pgpass_password(SHOP, {"HOME": str(tmp_path)}, pytest.fail) is None
