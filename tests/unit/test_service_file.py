"""Service files are read as libpq reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import service_file
from console.errors import BadTarget
from console.service_file import service_files, services_in
from console.targets import resolve

OWN = """# services of the shop
  [shop]
host=db1
port=6000
dbname=my shop
password=a%b#c;d'e\\f=g
user=app
port=7000
 # not a value
[shop]
host=db2

[staging] of the shop
host=db3
sslmode=require
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a service file, on a system that has none."""
    monkeypatch.setattr(service_file, "_SYSTEM_DIRECTORIES", (str(tmp_path / "etc"), str(tmp_path / "usr")))
    (tmp_path / ".pg_service.conf").write_text(OWN)
    return tmp_path


def test_a_service_is_the_first_group_of_its_name(home: Path) -> None:
    target = resolve("service=shop", {"HOME": str(home)})
    assert str(target) == "app@db1:6000/my shop"
    assert target.password is not None
    assert target.password.get_secret_value() == r"a%b#c;d'e\f=g"
    assert target.origin == "argument"
    assert services_in(home / ".pg_service.conf") == ["shop", "shop", "staging"]


def test_what_is_given_wins_over_the_service_and_that_over_variables(home: Path) -> None:
    environ = {
        "HOME": str(home),
        "PGSERVICE": "staging",
        "PGHOST": "db9",
        "PGPORT": "x",
        "PGSSLMODE": "disable",
    }
    target = resolve("postgresql://me@/?port=1", environ)
    assert (str(target), target.tls.mode) == ("me@db3:1/me", "require")
    assert resolve("postgresql://me@/?service=shop", environ).host == "db1"
    assert resolve("host='' port=1 user=me", environ).host == "localhost"
    assert resolve(None, environ | {"PGPORT": ""}).origin == "PGSERVICE"


def test_the_systems_file_knows_what_the_persons_does_not(home: Path) -> None:
    (home / "usr").mkdir()
    system = home / "usr" / "pg_service.conf"
    system.write_text("[shop]\nhost=db7\n[central]\nhost=db8\n")
    environ = {"HOME": str(home)}
    assert service_files(None, environ) == [home / ".pg_service.conf", system]
    assert resolve("service=central user=me", environ).host == "db8"
    assert resolve("service=shop", environ).host == "db1"
    other = home / "other.conf"
    other.write_text("[shop]\nhost=db5\n")
    assert resolve(f"service=shop user=me servicefile={other}", environ).host == "db5"
    assert resolve("service=shop user=me", environ | {"PGSERVICEFILE": str(other)}).host == "db5"
    assert (
        resolve("service=central user=me", {"HOME": "/nowhere", "PGSYSCONFDIR": str(home / "usr")}).host
        == "db8"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[shop]\nhost", "Line 2 of {file} is not name=value, without spaces around the '='."),
        ("[shop]\n\nhost = db1", "Line 3 of {file} is not name=value, without spaces around the '='."),
        ("[shop]\nhots=db1", "hots in line 2 of {file}: there is no such option; did you mean host?"),
        ("[shop]\nservice=other", "Line 2 of {file} names another service, which a service cannot do: take it out."),
        ("[shop]\nldap://ldap/dc=x", "Line 2 of {file} asks an LDAP server, which is not supported: write the options there."),
        ("[shop]\nrequire_auth=md5", "require_auth in line 2 of {file} is not supported: leave it out."),
        ("[shop]\nport=s3cret", "port in line 2 of {file} is not a whole number between 1 and 65535."),
        ("[shop]\nuser=\udcff", "Line 2 of {file} is not text in UTF-8."),
        ("[other]\n" + "x" * 1022, "Line 2 of the service file {file} is longer than 1021 bytes."),
        ("[shops]\n[shop", "There is no service 'shop' in {file}; did you mean 'shops'?"),
        ("#[shop]", "There is no service 'shop' in {file}; write it there, or name another one."),
    ],
)  # fmt: skip
def test_what_a_file_cannot_say(text: str, sentence: str, home: Path) -> None:
    file = home / ".pg_service.conf"
    file.write_bytes(text.encode(errors="surrogateescape"))
    assert refused({"HOME": str(home)}) == sentence.format(file=file)


def test_files_that_are_not_there_are_named(home: Path) -> None:
    missing = home / "missing"
    assert refused({"HOME": str(missing)}) == (
        f"There is no service 'shop': {missing}/.pg_service.conf is not there, "
        f"nor is {home}/etc/pg_service.conf or {home}/usr/pg_service.conf."
    )
    assert refused({"PGSERVICEFILE": str(missing)}) == (
        f"The service file {missing} is not there: name another one, or none."
    )
    assert refused({"PGSERVICEFILE": str(home)}) == f"The service file {home} cannot be read: Is a directory."


def test_a_line_in_another_group_is_nobodys_business(home: Path) -> None:
    (home / ".pg_service.conf").write_bytes(b"[caf\xe9]\nhots db1\n[shop]\nhost=db1\nuser=me")
    assert str(resolve("service=shop", {"HOME": str(home)})) == "me@db1:5432/me"


def refused(environ: dict[str, str]) -> str:
    """The sentence about the service `shop`."""
    with pytest.raises(BadTarget) as caught:
        resolve(None, environ | {"PGSERVICE": "shop"})
    return caught.value.sentence
