"""Targets: what each way of naming a server means, and what is refused with which sentence."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from console import targets
from console.errors import BadTarget
from console.models.target import SessionKind, Target, Tcp, Tls
from console.targets import resolve

ME = pwd.getpwuid(os.geteuid()).pw_name
SECRET = "s3cret"


@pytest.fixture(autouse=True)
def no_local_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A place where the tests find no local server unless they put its socket there."""
    monkeypatch.setattr(targets, "SOCKET_DIRECTORIES", (str(tmp_path / "none"), str(tmp_path)))
    return tmp_path


def parts(target: Target) -> tuple[str, int, str, str, str | None]:
    """Host, port, user, database and password."""
    password = target.password.get_secret_value() if target.password else None
    return target.host, target.port, target.user, target.database, password


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("postgresql://app:s3cret@db1:6000/shop", ("db1", 6000, "app", "shop", SECRET)),
        ("postgres://app@db1/shop", ("db1", 5432, "app", "shop", None)),
        ("postgresql+asyncpg://app@db1/shop", ("db1", 5432, "app", "shop", None)),
        (" postgresql://app@db1/shop\n", ("db1", 5432, "app", "shop", None)),
        ("postgresql://app:p%40s%2Fs%25@db1/my%20shop", ("db1", 5432, "app", "my shop", "p@s/s%")),
        ("postgresql://app:p#s?s&=[x@db1/shop", ("db1", 5432, "app", "shop", "p#s?s&=[x")),
        ("postgresql://app:a:b@db1", ("db1", 5432, "app", "app", "a:b")),
        ("postgresql://app@[::1]:6000/shop", ("::1", 6000, "app", "shop", None)),
        ("postgresql://app@[fe80::1%25eth0]/shop", ("fe80::1%eth0", 5432, "app", "shop", None)),
        ("postgresql://app@/shop?host=/run/x&port=5433", ("/run/x", 5433, "app", "shop", None)),
        ("postgresql://app@%2Frun%2Fx:5433/shop", ("/run/x", 5433, "app", "shop", None)),
        ("postgresql://db1/shop?user=app&password=s3cret", ("db1", 5432, "app", "shop", SECRET)),
        ("postgresql://db1?dbname=shop&user=app", ("db1", 5432, "app", "shop", None)),
        ("postgresql://", ("localhost", 5432, ME, ME, None)),
        ("postgresql:///shop", ("localhost", 5432, ME, "shop", None)),
        ("shop", ("localhost", 5432, ME, "shop", None)),
        ("größe", ("localhost", 5432, ME, "größe", None)),
        ("host=db1 port = 6000  user='app' dbname='my shop'", ("db1", 6000, "app", "my shop", None)),
        (r"host=db1 user=app password='it\'s \\ it'", ("db1", 5432, "app", "app", r"it's \ it")),
        (r"host=db1 user=app password=a\ b", ("db1", 5432, "app", "app", "a b")),
        ("host=db1 user=app password='' dbname=''", ("db1", 5432, "app", "app", None)),
        ("hostaddr=10.0.0.7 user=app", ("10.0.0.7", 5432, "app", "app", None)),
        (
            "postgresql://app@db1/shop?application_name=x&connect_timeout=3&target_session_attrs=any"
            "&krbsrvname=pg&min_protocol_version=3.0&max_protocol_version=latest&sslcertmode=allow&replication=0&gssencmode=disable&channel_binding=prefer&sslnegotiation=postgres&client_encoding=utf8",
            ("db1", 5432, "app", "shop", None),
        ),
    ],
)
def test_arguments_mean_what_they_mean_to_psql(
    argument: str, expected: tuple[str, int, str, str, str | None]
) -> None:
    target = resolve(argument, {})
    assert parts(target) == expected
    assert target.origin == "argument"


@pytest.mark.parametrize(
    ("argument", "tls"),
    [
        ("postgresql://db1", Tls("prefer")),
        ("postgresql://db1?sslmode=verify-ca", Tls("verify-ca")),
        ("postgresql://db1?ssl=true", Tls("require")),
        ("postgresql://db1?sslrootcert=system", Tls("verify-full", "system")),
        ("host=db1 sslmode=require sslrootcert={file} sslcert={file} sslkey={file} sslcrl={file} sslcrldir={directory}"
         " sslpassword=s3cret ssl_min_protocol_version=tlsv1.3 sslsni=0 sslnegotiation=direct sslcertmode=disable",
         Tls("require", "{file}", "{file}", "{file}", SecretStr(SECRET), "{file}", "{directory}", minimum="TLSv1.3",
             names_server=False, is_direct=True, presents_certificate=False)),
    ],
)  # fmt: skip
def test_tls_is_asked_for_in_libpqs_words(argument: str, tls: Tls, tmp_path: Path) -> None:
    places = {"file": tmp_path / "certificate", "directory": tmp_path}
    places["file"].touch()
    files = ("root_certificate", "certificate", "key", "revocations", "revocations_directory")
    there = {name: value.format(**places) for name in files if (value := getattr(tls, name))}
    assert resolve(argument.format(**places), {}).tls == replace(tls, **there)


@pytest.mark.parametrize(
    ("argument", "environ", "places"),
    [
        ("postgresql://db1:1,[::1],:3/shop", {}, [("db1", 1, None), ("::1", 5432, None), ("localhost", 3, None)]),
        ("postgresql://db1,db2/shop", {"PGPORT": "1"}, [("db1", 5432, None), ("db2", 5432, None)]),
        ("postgresql://db1/shop", {"PGPORT": "1"}, [("db1", 1, None)]),
        ("host=db1,db2", {"PGPORT": "1"}, [("db1", 1, None), ("db2", 1, None)]),
        ("host=db1,/run/x port=1,2", {}, [("db1", 1, None), ("/run/x", 2, None)]),
        ("host=db1, hostaddr=10.0.0.7,::1", {}, [("db1", 5432, "10.0.0.7"), ("::1", 5432, None)]),
        ("host=/run/x hostaddr=10.0.0.7", {}, [("10.0.0.7", 5432, None)]),
        (f"host=/{'x' * 90}", {}, [(f"/{'x' * 90}", 5432, None)]),
        ("host=db1", {"PGHOSTADDR": "10.0.0.7"}, [("db1", 5432, "10.0.0.7")]),
    ],
)  # fmt: skip
def test_several_places(
    argument: str, environ: dict[str, str], places: list[tuple[str, int, str | None]]
) -> None:
    target = resolve(argument, environ)
    assert [(place.host, place.port, place.hostaddr) for place in target.endpoints] == places


def test_what_else_can_be_asked_for() -> None:
    target = resolve(
        "host=db1,db2 user=app target_session_attrs=prefer-standby load_balance_hosts=random keepalives=0"
        " keepalives_idle=60 keepalives_count=0 tcp_user_timeout=5000 application_name=nightly options='-c jit=off'",
        {"PGPASSFILE": "/etc/pgpass"},
    )
    assert target.session is SessionKind.PREFER_STANDBY
    assert target.is_shuffled
    assert target.tcp == Tcp(False, 60, None, None, 5000)
    assert (target.application_name, target.options, target.passfile) == (
        "nightly",
        "-c jit=off",
        "/etc/pgpass",
    )
    assert str(target) == "app@db1:5432,db2:5432/app"


LIBPQ = {"PGHOST": "pg1", "PGPORT": "6001", "PGUSER": "pguser", "PGPASSWORD": SECRET, "PGDATABASE": "pgdb"}


@pytest.mark.parametrize(
    ("argument", "environ", "expected", "origin"),
    [
        (None, {}, ("localhost", 5432, ME, ME, None), "default"),
        (None, LIBPQ, ("pg1", 6001, "pguser", "pgdb", SECRET), "PGHOST"),
        (None, {"PGUSER": "pguser"}, ("localhost", 5432, "pguser", "pguser", None), "PGUSER"),
        (None, {"PGHOSTADDR": "10.0.0.7"}, ("10.0.0.7", 5432, ME, ME, None), "PGHOSTADDR"),
        ("hostaddr=10.0.0.7", {"PGHOST": "db1"}, ("db1", 5432, ME, ME, None), "argument"),
        ("host='' port='' user=app password=''", LIBPQ, ("localhost", 5432, "app", "pgdb", None), "argument"),
        ("host=db1 user=app dbname=x", {"PGPORT": "", "PGREQUIREAUTH": ""}, ("db1", 5432, "app", "x", None), "argument"),
        (None, {"PGHOST": "", "PGPORT": ""}, ("localhost", 5432, ME, ME, None), "default"),
        ("postgresql://db1", LIBPQ, ("db1", 6001, "pguser", "pgdb", SECRET), "argument"),
        ("postgresql://db1", {"PGHOSTADDR": "10.0.0.7"}, ("db1", 5432, ME, ME, None), "argument"),
        ("shop", LIBPQ, ("pg1", 6001, "pguser", "shop", SECRET), "argument"),
        ("shop", {"DATABASE_URL": "postgresql://db2"}, ("localhost", 5432, ME, "shop", None), "argument"),
        (None, LIBPQ | {"DATABASE_URL": "postgres://app@db2/shop"}, ("db2", 6001, "app", "shop", SECRET), "DATABASE_URL"),
        (None, {"DATABASE_URL": "postgres://app@db2/shop", "DB_HOST": "db3"}, ("db2", 5432, "app", "shop", None),
         "DATABASE_URL"),
        (None, LIBPQ | {"DB_HOST": "db3"}, ("db3", 5432, "postgres", "postgres", None), "DB_HOST"),
        (None, {"DB_NAME": "shop"}, ("localhost", 5432, "postgres", "shop", None), "DB_NAME"),
        (None, {"DB_HOST": "db3", "DB_PORT": "6003", "DB_USER": "app", "DB_PASSWORD": SECRET, "DB_NAME": "shop"},
         ("db3", 6003, "app", "shop", SECRET), "DB_HOST"),
        (None, {"DB_PASSWORD": SECRET, "DB_PORT": "1"}, ("localhost", 5432, ME, ME, None), "default"),
    ],
)  # fmt: skip
def test_the_first_place_that_names_a_server_wins(
    argument: str | None,
    environ: dict[str, str],
    expected: tuple[str, int, str, str, str | None],
    origin: str,
) -> None:
    target = resolve(argument, environ)
    assert parts(target) == expected
    assert target.origin == origin


def test_services_do_not_encrypt_unless_they_say_so() -> None:
    assert resolve(None, {"DB_HOST": "db1", "PGSSLMODE": "require"}).tls == Tls("disable")
    assert resolve(None, {"DB_HOST": "db1", "DB_SSL_MODE": "verify-full"}).tls == Tls("verify-full")


def test_the_local_servers_socket_is_found_by_its_port(no_local_server: Path) -> None:
    (no_local_server / ".s.PGSQL.5433").touch()
    assert resolve("port=5433", {}).host == str(no_local_server)
    assert resolve("port=5434", {}).host == "localhost"


BRACKETS = "TARGET: an IPv6 address stands in brackets, as in postgresql://[::1]:5432/database."
ESCAPES = "TARGET: a '@' in a name or password is written %40, and a '/' %2F."
KEYWORDS = (
    "TARGET: keywords are written name=value with spaces between; "
    "a value with a space or a quote stands between single quotes."
)
MODES = "{} can only be disable, allow, prefer, require, verify-ca or verify-full."
NEITHER = (
    "TARGET is neither a URL (postgresql://host/database), nor keywords (host=… dbname=…), "
    "nor the name of a database."
)
PERCENT = "TARGET: two hexadecimal digits come after a '%'; a '%' itself is written %25."
PORT = "port in TARGET is not a whole number between 1 and 65535."
SCHEME = "TARGET begins with {}://, where only postgresql:// or postgres:// is understood."
UNKNOWN = "TARGET has an unknown option after the password; is a character to be escaped?"


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("", "TARGET is empty."),
        ("  ", "TARGET is empty."),
        ("postgresq://app:s3cret@db1/shop", SCHEME.format("postgresq")),
        ("http://app:s3cret@db1/shop", SCHEME.format("http")),
        ("postgresql:/app:s3cret@db1/shop", "TARGET: two slashes come after the scheme, as in postgresql://host/database."),
        ("postgres:db1", "TARGET: two slashes come after the scheme, as in postgresql://host/database."),
        ("app:s3cret@db1/shop", NEITHER),
        ("db1/shop", NEITHER),
        ("postgresql://app:s3cret@x@db1/shop", ESCAPES),
        ("postgresql://app:s3cret/x@db1/shop", ESCAPES),
        ("postgresql://app:5432/s3cret@db1/shop", ESCAPES),
        ("postgresql://app:s3cret", PORT),
        ("postgresql://app:s3cret@db1:99999/shop", PORT),
        ("postgresql://db1:0/shop", PORT),
        ("postgresql://db1:-1/shop", PORT),
        ("postgresql://db1:５４３２/shop", PORT),
        ("host=db1 password=s3cret port=54e2", PORT),
        ("host=db1,db2 hostaddr=10.0.0.7", "host in TARGET and hostaddr in TARGET are not as many: "
         "every host has one address, in the same order."),
        ("host=db1,db2,db3 port=1,2", "port in TARGET does not fit the hosts: there is one for all of them, or one for each."),
        ("postgresql://db1,db2:54e2/shop", PORT),
        ("host=db1 hostaddr=db2", "hostaddr in TARGET is not an address such as 10.0.0.7: a name goes into host."),
        ("postgresql://app:s3cret@db1..example/shop", "host in TARGET is not the name of a host: a part is empty or too long."),
        ("host=@abstract", "host in TARGET names an abstract socket, which is not supported."),
        ("postgresql://::1/shop", BRACKETS),
        ("postgresql://[::1/shop", BRACKETS),
        ("postgresql://[::1]5432/shop", BRACKETS),
        ("postgresql://app:s3cret%zz@db1/shop", PERCENT),
        ("postgresql://db1/shop%", PERCENT),
        ("postgresql://db1/%ff", "TARGET is not text in UTF-8."),
        ("postgresql://db1/sh%00op", "dbname in TARGET is not text in UTF-8."),
        ("postgresql://app:s3cret%00@db1", "password in TARGET is not text in UTF-8."),
        ("shop\udcff", "dbname in TARGET is not text in UTF-8."),
        ("postgresql://db1/shop?sslmode", "TARGET: an option after the '?' has no '='."),
        ("postgresql://db1/shop?slmode=require", "slmode in TARGET: there is no such option; did you mean sslmode?"),
        ("postgresql://db1/shop?zzz=1", "zzz in TARGET: there is no such option."),
        ("hots=db1", "hots in TARGET: there is no such option; did you mean host?"),
        ("postgresql://db1/shop?password=x&s3cret=y", UNKNOWN),
        ("host=db1 password=x s3cret=y", UNKNOWN),
        ("host=db1 password=x s3cret", KEYWORDS),
        ("host='db1", KEYWORDS),
        ("host='db1'x", KEYWORDS),
        ("postgresql://db1?sslmode=requre", MODES.format("sslmode in TARGET")),
        ("sslmode='' host=db1", MODES.format("sslmode in TARGET")),
        ("postgresql://db1?sslrootcert=system&sslmode=require",
         "sslmode in TARGET can only be verify-full where the root certificates are the system's."),
        ("postgresql://db1?sslrootcert=/nowhere/ca.pem",
         "sslrootcert in TARGET names a file that is not there: /nowhere/ca.pem."),
        ("postgresql://db1?sslnegotiation=direct",
         "sslnegotiation in TARGET can only be direct where sslmode is require or stricter."),
        ("host=db1 sslmode=verify-full sslsni=0", "sslsni in TARGET can only be 1 where sslmode is verify-full."),
        ("host=db1 ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=tlsv1.2",
         "ssl_min_protocol_version in TARGET is newer than ssl_max_protocol_version in TARGET."),
        ("host=db1 ssl_min_protocol_version=SSLv3",
         "ssl_min_protocol_version in TARGET is none of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3."),
        ("host=db1 sslcrldir=/nowhere", "sslcrldir in TARGET names a directory that is not there: /nowhere."),
        ("host=db1 keepalives_count=128", "keepalives_count in TARGET is more than 127."),
        ("host=db1 keepalives_idle=soon", "keepalives_idle in TARGET is not a whole number."),
        ("host=db1 require_auth=scram-sha-256", "require_auth in TARGET is not supported: leave it out."),
        ("host=/run/x requirepeer=postgres", "requirepeer in TARGET is not supported: leave it out."),
        ("postgresql://db1?channel_binding=require", "channel_binding in TARGET can only be disable or prefer."),
        ("postgresql://db1?gssencmode=require", "gssencmode in TARGET can only be disable or prefer."),
        ("postgresql://db1?target_session_attrs=master", "target_session_attrs in TARGET can only be "
         "any, read-write, read-only, primary, standby or prefer-standby."),
        ("postgresql://db1?load_balance_hosts=yes", "load_balance_hosts in TARGET can only be disable or random."),
        ("host=db1 replication=database", "replication in TARGET can only be false, off, no or 0."),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(argument: str, sentence: str) -> None:
    with pytest.raises(BadTarget) as caught:
        resolve(argument, {})
    assert caught.value.sentence == sentence
    assert caught.value.exit_code == 2
    assert SECRET not in sentence


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"DATABASE_URL": "mysql://app:s3cret@db1"},
         "DATABASE_URL begins with mysql://, where only postgresql:// or postgres:// is understood."),
        ({"DATABASE_URL": "postgres://db1:x"}, "port in DATABASE_URL is not a whole number between 1 and 65535."),
        ({"DB_HOST": "db1", "DB_PORT": "70000"}, "DB_PORT is not a whole number between 1 and 65535."),
        ({"DB_HOST": "db1", "DB_SSL_MODE": "on"}, MODES.format("DB_SSL_MODE")),
        ({"PGPORT": "x"}, "PGPORT is not a whole number between 1 and 65535."),
        ({"PGREQUIREAUTH": "none"}, "PGREQUIREAUTH is not supported: leave it out."),
        ({"PGMINPROTOCOLVERSION": "3.2"}, "PGMINPROTOCOLVERSION can only be 3.0."),
        ({"PGCHANNELBINDING": "require"}, "PGCHANNELBINDING can only be disable or prefer."),
        ({"PGSSLROOTCERT": "/nowhere"}, "PGSSLROOTCERT names a file that is not there: /nowhere."),
    ],
)  # fmt: skip
def test_a_variable_that_cannot_be_used_is_refused_by_name(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadTarget) as caught:
        resolve(None, environ)
    assert caught.value.sentence == sentence


def test_a_password_is_nowhere_to_be_read() -> None:
    target = resolve("postgresql://app:s3cret@db1/shop", {})
    assert SECRET not in f"{target} {target!r} {target.password}"


def test_a_connect_timeout_counts() -> None:
    assert resolve("postgresql://app@db1/shop?connect_timeout=3", {}).connect_timeout == 3
    assert resolve("postgresql://app@db1/shop?connect_timeout=0", {}).connect_timeout is None
    with pytest.raises(BadTarget, match=r"connect_timeout .*whole number of seconds"):
        resolve("postgresql://app@db1/shop?connect_timeout=soon", {})
