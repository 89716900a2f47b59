"""Environments: what the config file says of them, which server is meant, and changing the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from console import targets
from console.commands import launch
from console.commands.environment_file import add_environments, remove_environment
from console.commands.environment_servers import check_address, listed
from console.commands.environment_yaml import Imported
from console.destinations import all_destinations, destination_of, password_in_the_open, target_of
from console.errors import BadInput, BadSetting, BadTarget
from console.models.environments import Kind
from console.settings import load_environments, load_settings

CONFIG = """
# Mine.
refresh = 5
read_only = true
[alerts]
query_seconds = 9  # long enough

[environments.prod]
primary = "postgresql://dba@db1/shop"
replicas = ["host=db2 user=dba dbname=shop"]
pooler = "postgresql://dba@db1:6432/shop"
provider = "fly"
password_command = "pass show 'db/prod one'"
refresh = 10
read_only = false
alerts.query_seconds = 1
pool = { max_open = 1 }

[environments.live]  # the other one
primary = "host=db9 user=dba dbname=shop"
confirm = "typed"
colour = "#3344aa"

[environments.badge]
colour = "red"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The config file; nothing is there yet, nor any other server."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(targets, "SOCKET_DIRECTORIES", ())
    monkeypatch.setattr("console.destinations.SOCKET_DIRECTORIES", ())
    (tmp_path / "dbconsole").mkdir()
    return tmp_path / "dbconsole" / "config.toml"


def environ(tmp_path: Path, **variables: str) -> Mapping[str, str]:
    return {"HOME": str(tmp_path), "PGSYSCONFDIR": str(tmp_path), **variables}


# What the file says ---------------------------------------------------------------------------------------------------


def test_an_environment_has_settings_of_its_own(file: Path) -> None:
    file.write_text(CONFIG)
    general = load_settings({}, {}, file)
    assert (general.refresh, general.read_only, general.types_names) == (5, True, False)
    production = load_settings({"environment": "Prod"}, {}, file)
    assert (production.environment, production.refresh, production.read_only) == ("production", 10, False)
    assert (production.alerts.query_seconds, production.pool.max_open) == (1, 1)
    assert production.types_names
    over = load_settings(
        {"environment": "prod", "refresh": "3"}, {"DBCONSOLE_ALERTS__QUERY_SECONDS": "2"}, file
    )
    assert (over.refresh, over.alerts.query_seconds) == (3, 2)
    live = load_settings({}, {"DBCONSOLE_ENVIRONMENT": "live"}, file)
    assert (live.types_names, live.colour, live.refresh, live.read_only) == (True, "#3344aa", 5, True)
    unnamed = load_settings({}, {"DBCONSOLE_ENVIRONMENT": "live"}, file, is_named=False)
    assert (unnamed.environment, unnamed.types_names) == (None, False)


def test_an_environment_that_is_gone_since_it_was_offered_is_not_opened_without_its_settings(
    file: Path,
) -> None:
    file.write_text("[environments.prod]\nprimary = 'host=db1'\nread_only = true\n")
    (chosen,) = all_destinations(None, None, environ(file.parent))[:1]
    assert launch._services(chosen, {}, print).settings.read_only
    file.write_text("")
    with pytest.raises(BadSetting, match="There is no environment production in"):
        launch._services(chosen, {}, print)


def test_an_environment_has_servers(file: Path) -> None:
    file.write_text(CONFIG)
    production, live, badge = load_environments(file)
    assert [part for part, _ in production.servers] == ["primary", "replica 1", "pooler"]
    assert production.password_command == ("pass", "show", "db/prod one")
    assert (production.provider, production.types_names, live.types_names) == ("fly", True, True)
    assert production.origin == f"environments.prod in {file}, line 8"
    assert list(badge.servers) == []
    assert "db1" not in repr(production)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[environments.qa]\nprimry = 'x'", "environments.qa.primry in {file}, line 2: there is no such setting; did you mean primary?"),
        ("[environments.qa]\ntheme = 'x'", "environments.qa.theme in {file}, line 2: there is no such setting."),
        ("[environments.qa]\nprimary = ['postgresql://a:s3cret@b']", "environments.qa.primary in {file}, line 2: what is given is not text."),
        ("[environments.qa]\nreplicas = 's3cret'", "environments.qa.replicas in {file}, line 2: what is given is not a list."),
        ("[environments.qa]\nprovider = 'azure'", "environments.qa.provider in {file}, line 2: \"azure\" is not 'local', 'fly', 'aws' or 'gcp'."),
        ("[environments.qa]\npassword_command = \"pass 's3cret\"", "environments.qa.password_command in {file}, line 2: what is given has a quote that is not closed."),
        ("[environments.qa]\npassword_command = ''", "environments.qa.password_command in {file}, line 2: what is given is empty."),
        ("[environments.qa]\ncolour = 'pink'", 'environments.qa.colour in {file}, line 2: "pink" is neither red, yellow, green nor a colour such as #b3323a.'),
        ("[environments.qa]\nconfirm = 'no'", "environments.qa.confirm in {file}, line 2: \"no\" is not 'typed'."),
        ("[environments.qa]\nalerts.query_seconds = 'x'", 'environments.qa.alerts.query_seconds in {file}, line 2: "x" is not a number of seconds, nor a duration such as 30s, 1h30m or 500ms.'),
        ("[environments.prod]\n[environments.Production]", "environments.Production in {file}, line 2: there is another environment production, environments.prod in {file}, line 1; rename one."),
        ("[environments.qa]\n[environments.qa]", "{file} is not TOML: cannot declare ('environments', 'qa') twice (at line 2, column 17)."),
        ("[environments]\n'two words' = {}", "environments.two words in {file}, line 2: \"two words\" is not one word of at most 24 letters, digits, dots, hyphens and underscores."),
        ("[environments]\nqa = 'postgresql://a:s3cret@b'", "environments.qa in {file}, line 2 is not a table of names and values."),
        ("environments = 1", "environments in {file}, line 1 is not a table of environments."),
        ("a = " + "[" * 5000, "{file} is not TOML: it is nested too deeply."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_environment_is_said(file: Path, text: str, sentence: str) -> None:
    file.write_text(text)
    with pytest.raises(BadSetting) as caught:
        load_environments(file)
    assert caught.value.sentence == sentence.format(file=file)
    assert caught.value.exit_code == 2


def test_a_config_file_that_others_may_write_is_not_used(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("theme = 'dark'")
    for mode in (0o620, 0o602):
        file.chmod(mode)
        with pytest.raises(BadSetting, match="others may write to it; chmod go-w"):
            load_settings({}, {}, file)
    file.chmod(0o644)
    assert load_settings({}, {}, file).theme == "dark"
    if os.geteuid() == 0:
        os.chown(file, 4711, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 4712)
    with pytest.raises(BadSetting, match="belongs to another user"):
        load_settings({}, {}, file)


# Which server is meant ------------------------------------------------------------------------------------------------


def test_which_server_the_command_line_means(file: Path, tmp_path: Path) -> None:
    def meant(argument: str | None, environment: str | None, **variables: str) -> tuple[str, str | None]:
        found = destination_of(argument, environment, environ(tmp_path, **variables))
        return target_of(found, environ(tmp_path, PGUSER="me", **variables)).label, found.environment

    assert meant(None, "qa", DATABASE_URL="host=a dbname=b") == ("me@a:5432/b", "qa")
    assert meant(None, None, DBCONSOLE_ENVIRONMENT="qa")[1] == "qa"
    with pytest.raises(BadSetting, match=r"There is no environment qa in .*; there is none\.$"):
        meant(None, "qa")
    file.write_text(CONFIG)
    assert meant("host=a dbname=b", "prod") == ("me@a:5432/b", "production")
    assert meant("host=a dbname=b", "qa") == ("me@a:5432/b", "qa")
    assert meant(None, "prod", DATABASE_URL="host=a dbname=b") == ("dba@db1:5432/shop", "production")
    assert meant(None, "badge", DATABASE_URL="host=a dbname=b") == ("me@a:5432/b", "badge")
    assert meant(None, None, DATABASE_URL="host=a dbname=b", DBCONSOLE_ENVIRONMENT="prod")[0] == "me@a:5432/b"
    assert meant(None, None, DBCONSOLE_ENVIRONMENT="live") == ("dba@db9:5432/shop", "live")
    with pytest.raises(BadSetting, match="there is no primary; write one there, or give TARGET"):
        meant(None, "badge")
    with pytest.raises(BadSetting) as caught:
        meant(None, "prodction")
    assert caught.value.sentence == f"There is no environment prodction in {file}; did you mean production?"
    with pytest.raises(BadSetting, match=r"there is production, live, badge\.$"):
        meant(None, "zzz", DATABASE_URL="host=a")


def test_variables_of_one_server_are_not_for_another(file: Path, tmp_path: Path) -> None:
    file.write_text("[environments.qa]\nprimary = 'host=db1 user=dba dbname=shop'")

    def password(**variables: str) -> str | None:
        found = destination_of(None, "qa", environ(tmp_path, **variables))
        secret = target_of(found, environ(tmp_path, **variables)).password
        return secret.get_secret_value() if secret is not None else None

    assert password(PGPASSWORD="s3cret") == "s3cret"
    assert password(PGPASSWORD="s3cret", PGHOST="staging") is None
    assert password(PGPASSWORD="s3cret", PGSERVICE="staging") is None
    variables = environ(tmp_path, PGPASSWORD="s3cret", PGPORT="7", PGOPTIONS="-c x=y")
    (found, *_) = all_destinations(None, None, variables)
    gone_to = target_of(found, variables)
    assert (found.name, gone_to.password, gone_to.port, gone_to.options) == ("qa", None, 5432, None)


def test_everything_that_can_be_opened_is_found(file: Path, tmp_path: Path) -> None:
    file.write_text(CONFIG.replace("host=db9", "host=${DB_HOST} password=s3cret"))
    (tmp_path / ".pg_service.conf").write_text("[my shop]\nhost=db5\nuser=x\ndbname=y\n[bad]\nport=x\n")
    found = all_destinations(
        "dbname=given", "prod", environ(tmp_path, DATABASE_URL="postgresql://u:s3cret@h/d")
    )
    assert [(one.title, one.kind) for one in found if one.kind is not Kind.DEMO] == [
        ("TARGET", Kind.ARGUMENT),
        ("PRODUCTION", Kind.ENVIRONMENT),
        ("PRODUCTION · replica 1", Kind.ENVIRONMENT),
        ("PRODUCTION · pooler", Kind.ENVIRONMENT),
        ("live", Kind.ENVIRONMENT),
        ("as DATABASE_URL says", Kind.VARIABLES),
        ("my shop", Kind.SERVICE),
        ("bad", Kind.SERVICE),
    ]
    (said_of, *_) = [
        one
        for one in all_destinations(None, "badge", environ(tmp_path, PGHOST="h"))
        if one.kind is Kind.VARIABLES
    ]
    assert (said_of.name, said_of.environment) == ("as PGHOST says", "badge")
    by_name = {one.name: one for one in found}
    assert by_name["production · pooler"].address == "dba@db1:6432/shop"
    assert by_name["as DATABASE_URL says"].address == "u@h:5432/d"
    assert by_name["my shop"].address == "x@db5:5432/y"
    assert "${DB_HOST} is a placeholder" in (by_name["live"].problem or "")
    assert "port" in (by_name["bad"].problem or "")
    assert "s3cret" not in repr(found)


def test_an_environment_without_servers_is_listed(file: Path) -> None:
    assert listed(as_json=False).startswith("There is no environment yet; ")
    file.write_text(
        "[environments.badge]\ncolour = 'red'\n[environments.qa]\nprimary = 'host=a user=b dbname=c'"
    )
    assert [line.split() for line in listed(as_json=False).splitlines()[1:]] == [
        ["badge", "–", "–", "–"],
        ["qa", "primary", "b@a:5432/c", "–"],
    ]


def test_an_address_is_looked_at_as_it_is_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = tmp_path / "services"
    services.write_text("[shop]\nhost=db1\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    monkeypatch.setenv("PGPORT", "of another server")
    check_address("service=shop")
    for address, why in (("service=ship", "did you mean 'shop'"), ("host=a port=x", "port in TARGET")):
        with pytest.raises(BadTarget, match=why):
            check_address(address)
    for secret in ("password", "sslpassword"):
        with pytest.raises(BadInput, match="A password is not written into the config file"):
            check_address(f"host=a {secret}=s3cret")


def test_a_password_in_a_file_that_others_may_read_is_warned_of(file: Path, tmp_path: Path) -> None:
    file.write_text("[environments.qa]\nprimary = 'postgresql://a:s3cret@b/c'\nreplicas = ['host=d']")
    file.chmod(0o644)
    primary, replica, *_ = all_destinations(None, None, environ(tmp_path))
    assert (
        password_in_the_open(primary)
        == f"{file} holds a password and others may read it; chmod 600 makes it private."
    )
    assert password_in_the_open(replica) is None
    file.chmod(0o600)
    assert password_in_the_open(primary) is None
    file.write_text("[environments.qa]\nprimary = 'postgresql://a:s3cret@b:x/c'")
    with pytest.raises(BadTarget) as caught:
        target_of(destination_of(None, "qa", {}), {})
    assert caught.value.sentence.startswith(f"environments.qa in {file}, line 1: port in TARGET")


# Changing the file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        CONFIG,
        "",
        "theme = 'dark' # mine",
        '[environments]\n# one\nqa.primary = \'host=a\'\n[keys]\n"quit" = "x"\n',
        "environments = { qa = { primary = 'host=a' } } # inline",
        "environments.qa.primary = 'host=a'\n\n[alerts]\nquery_seconds = 3\n",
        "[environments.qa]\nprimary = 'host=a'\n[alerts]\nquery_seconds = 3\n[environments.qb]\nprimary='host=b'\n",
    ],
    ids=["usual", "empty", "none", "header", "inline", "dotted", "scattered"],
)
def test_environments_are_added_and_removed_and_all_else_stays(file: Path, text: str) -> None:
    file.write_text(text)
    before = load_environments()
    general = load_settings({}, {})
    assert add_environments({"new": {"primary": "host=n", "replicas": ["host=m"]}}) == file
    assert file.stat().st_mode & 0o777 == 0o600
    assert {one.name for one in load_environments()} == {*(one.name for one in before), "new"}
    assert load_settings({}, {}) == general
    for comment in ("# Mine.", "# long enough", "# the other one", "# one", "# mine", "# inline"):
        assert (comment in text) == (comment in file.read_text())
    remove_environment("NEW")
    assert [one.name for one in load_environments()] == [one.name for one in before]
    assert load_settings({}, {}) == general
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_added_or_removed_changes_nothing(file: Path, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"There is no environment x in .*; there is none"):
        remove_environment("x")
    add_environments({"qa": {"primary": "host=a"}})
    before = file.read_text()
    with pytest.raises(BadSetting, match=r"There is an environment qa: .*; remove it first"):
        add_environments({"QA": {"primary": "host=b"}})
    with pytest.raises(BadSetting) as caught:
        add_environments({"qb": {"primary": "host=b", "colour": "pink"}})
    assert caught.value.sentence.startswith(f"Nothing was changed: environments.qb.colour in {file}, line ")
    assert file.read_text() == before
    kept = tmp_path / "kept.toml"
    file.rename(kept)
    file.symlink_to(kept)
    add_environments({"qb": {"primary": "host=b"}})
    assert file.is_symlink()
    assert "qb" in kept.read_text()


# Importing ------------------------------------------------------------------------------------------------------------

GAIA = """
dev:
  provider: fly
  host: ${DB_HOST}
  port: 5432
  database: "my shop"
  username: gaia
  password: s3cret
  pool_size: 1
  max_overflow: 1
  colour: mauve
production:
  provider: azure
  url: postgresql://postgres:s3cret@gaia-db-prod.internal:5432/postgres?sslmode=require&sslpassword=s3cret
  pool_size: 20
  max_overflow: 40
  read_replicas:
    - host: gaia-db-prod-replica1.internal
    - gaia-db-prod-replica2.internal
qa:
  primary: {host: gaia-db-qa.internal}
"""


def test_yaml_becomes_environments_without_passwords(file: Path, tmp_path: Path) -> None:
    source = tmp_path / "database.yaml"
    source.write_text(GAIA)
    imported = Imported(source)
    assert imported.tables == {
        "development": {
            "primary": "host=${DB_HOST} port=5432 dbname='my shop' user=gaia",
            "provider": "fly",
            "pool": {"max_open": 2},
        },
        "production": {
            "primary": "user=postgres host=gaia-db-prod.internal port=5432 dbname=postgres sslmode=require",
            "replicas": [
                f"user=postgres host=gaia-db-prod-replica{n}.internal port=5432 dbname=postgres sslmode=require"
                for n in (1, 2)
            ],
        },
        "qa": {},
    }
    assert [note.partition(";")[0] for note in imported.notes] == [
        "development: host is the placeholder ${DB_HOST}",
        "development: the password was left out",
        "development: colour was left out, which the console has no use for.",
        "production: the password was left out",
        "production: sslpassword was left out",
        "production: provider was left out, which the console has no use for.",
        "qa: neither host nor url says where it is",
        "qa: primary was left out, which the console has no use for.",
    ]
    add_environments(imported.tables)
    assert [one.name for one in load_environments()] == ["development", "production", "qa"]
    assert "s3cret" not in file.read_text()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: [", "{file} is not YAML that can be imported: line 1: expected the node content, but found '<stream end>'."),
        ("a: !!python/object/apply:os.system ['id']", "{file} is not YAML that can be imported: line 1: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.system'."),
        ("- a\n- b", "{file} has no environments: it is not a table of their names."),
        ("", "{file} has no environments: it is not a table of their names."),
        ("{}", "{file} has no environments."),
        ("dev: {primary: {host: a}}", "{file} names no server: an environment has its host or its url there."),
        ("dev: {}\ndevelopment: {}", "{file}: there are two environments development; rename one."),
        ("dev:\n  host: a\n  host: b", "{file} is not YAML that can be imported: line 3: host is there twice."),
        ("dev: 1", "{file}: development is not a table of names and values."),
        ("dev: {host: [s3cret]}", "{file}: development.host is neither a word nor a number."),
        ("dev: {url: 'mysql://u:s3cret@h'}", "{file}: development.url begins with mysql://, where only postgresql:// or postgres:// is understood."),
        ("dev: {pool_size: many}", "{file}: development.pool_size and development.max_overflow have to be whole numbers."),
        ("dev: {read_replicas: x}", "{file}: development.read_replicas is not a list."),
        ("two words: {}", '{file}: "two words" is not one word of at most 24 letters, digits, dots, hyphens and underscores.'),
        ("x" * 1_000 + ": {}", '{file}: "' + "x" * 38 + "… is not one word of at most 24 letters, digits, dots, hyphens and underscores."),
        ("dev: " + "[" * 5000, "{file} is not YAML that can be imported."),
        ("dev: \x01", "{file} is not YAML that can be imported."),
        ("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ndev: {host: *c}", "{file}: a is not a table of names and values."),
        ("x" * 1_000_001, "{file} is not imported: it has more than 1,000,000 bytes."),
    ],
    ids=range(19),
)  # fmt: skip
def test_broken_and_hostile_yaml_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    source = tmp_path / "database.yaml"
    source.write_text(text)
    with pytest.raises(BadInput) as caught:
        Imported(source)
    assert caught.value.sentence == sentence.format(file=source)
