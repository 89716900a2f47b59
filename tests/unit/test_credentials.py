"""Which password is given at which place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from console.credentials.known import with_passwords
from console.models.target import Target
from console.targets import resolve


@pytest.fixture
def passfile(tmp_path: Path) -> Path:
    """A password file with a line for one of two hosts, and one for an address."""
    file = tmp_path / "pgpass"
    file.write_text("db2:5433:shop:app:second\n10.0.0.3:*:*:*:third\n")
    file.chmod(0o600)
    return file


def passwords(target: Target) -> list[str | None]:
    """What is given at each place."""
    return [place.password.get_secret_value() if place.password else None for place in target.endpoints]


def test_each_place_has_its_own(passfile: Path) -> None:
    target = resolve(
        f"host=db1,db2, hostaddr=10.0.0.3,10.0.0.3,10.0.0.3 port=5433 user=app dbname=shop passfile={passfile}",
        {},
    )
    assert passwords(with_passwords(target, {}, pytest.fail)) == [None, "second", "third"]


def test_the_password_of_the_target_wins_everywhere(passfile: Path) -> None:
    target = resolve("postgresql://app:own@db1,db2:5433/shop", {"PGPASSFILE": str(passfile)})
    assert passwords(with_passwords(target, {}, pytest.fail)) == ["own", "own"]
    own = replace(target, password=SecretStr("other"))
    assert with_passwords(own, {}, pytest.fail) == own


def test_a_file_that_is_open_to_others_is_complained_of_once(passfile: Path) -> None:
    passfile.chmod(0o644)
    warnings: list[str] = []
    target = resolve("postgresql://app@db1,db2:5433/shop", {"PGPASSFILE": str(passfile)})
    assert passwords(with_passwords(target, {}, warnings.append)) == [None, None]
    assert len(warnings) == 1
