"""Settings: which source wins, and the one sentence that says what is wrong and where."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.errors import BadSetting
from console.models.health import Thresholds
from console.setting_sources import unchecked
from console.settings import Settings, load_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config file's place; nothing is there yet."""
    return tmp_path / "config.toml"


def refusal(file: Path, environ: dict[str, str] | None = None, options: dict[str, str] | None = None) -> str:
    """The sentence that these sources are refused with."""
    with pytest.raises(BadSetting) as caught:
        load_settings(options or {}, environ or {}, file)
    assert caught.value.exit_code == 2
    return caught.value.sentence


def test_nothing_given_is_the_defaults(file: Path) -> None:
    settings = load_settings({}, {}, file)
    assert settings == Settings()
    assert (settings.refresh, settings.theme, settings.screen, settings.environment) == (
        2,
        None,
        "pools",
        None,
    )
    assert (settings.timeouts.connect, settings.timeouts.statement, settings.timeouts.lock) == (5, 5, 0.5)
    assert settings.pool.max_open == 3
    assert not settings.read_only


def test_option_over_environment_over_services_over_file_over_default(file: Path) -> None:
    file.write_text(
        'refresh = 1\nscreen = "activity"\ntheme = "file"\nhistory_minutes = 30\n[pool]\nmax_open = 1\nmax_idle = 1\n'
    )
    environ = {"DBCONSOLE_REFRESH": "3", "DBCONSOLE_SCREEN": "pools", "DB_MAX_OPEN_CONNS": "2"}
    environ |= {"DBCONSOLE_POOL__MAX_IDLE": "3", "DB_MAX_IDLE_CONNS": "2"}
    settings = load_settings({"refresh": "4", "theme": None}, environ, file)
    assert (settings.refresh, settings.screen, settings.theme, settings.history_minutes) == (
        4,
        "pools",
        "file",
        30,
    )
    assert (settings.pool.max_open, settings.pool.max_idle) == (2, 3)


def test_a_section_may_come_from_several_sources(file: Path) -> None:
    file.write_text("[alerts]\nconnections_percent = 70\n")
    environ = {"DBCONSOLE_ALERTS__QUERY_SECONDS": "1m30s"}
    assert load_settings({}, environ, file).thresholds == Thresholds(70, 90, 10)


def test_the_services_variables_are_understood(file: Path) -> None:
    environ = {
        "DB_MAX_OPEN_CONNS": "200",
        "DB_MAX_IDLE_CONNS": "20",
        "DB_CONN_MAX_LIFETIME": "1h30m",
        "DB_CONN_MAX_IDLE_TIME": "500ms",
        "DB_AUTO_MIGRATE": "true",
        "DB_MIGRATE_PATH": "db/migrations",
        "AUDIT_RETENTION_DAYS": "30",
    }
    settings = load_settings({}, environ, file)
    assert (settings.pool.max_open, settings.pool.max_idle) == (3, 3)
    assert (settings.pool.max_lifetime, settings.pool.max_idle_time) == (5400, 0.5)
    assert settings.migrations.auto
    assert settings.migrations.path == Path("db/migrations")
    assert settings.accounts.audit_retention_days == 30


def test_no_limit_on_a_services_pool_is_our_limit(file: Path) -> None:
    settings = load_settings({}, {"DB_MAX_OPEN_CONNS": "0", "DB_MAX_IDLE_CONNS": "0"}, file)
    assert (settings.pool.max_open, settings.pool.max_idle) == (3, 0)


@pytest.mark.parametrize(("value", "seconds"), [("10", 10), ("0", 5), ("", 5)])
def test_libpqs_connect_timeout_is_honoured_except_for_ever(file: Path, value: str, seconds: float) -> None:
    assert load_settings({}, {"PGCONNECT_TIMEOUT": value}, file).timeouts.connect == seconds


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("prod", "production"),
        ("Staging", "staging"),
        ("dev", "development"),
        ("PRODUCTION", "production"),
        ("qa", "qa"),
    ],
)
def test_environments_have_one_name(file: Path, given: str, known: str) -> None:
    assert load_settings({"environment": given}, {}, file).environment == known


def test_keys_are_named_by_the_ids_of_bindings(file: Path) -> None:
    file.write_text('[keys]\n"pools.refresh" = "f5"\nactivity.cancel = "x,ctrl+x"\n')
    assert load_settings({}, {}, file).keys == {"pools.refresh": "f5", "activity.cancel": "x,ctrl+x"}


def test_other_variables_of_ours_and_empty_ones_are_no_settings(file: Path) -> None:
    assert load_settings({}, {"DBCONSOLE_DEBUG": "1", "DBCONSOLE_REFRESH": ""}, file) == Settings()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("refreh = 1", "refreh in {file}, line 1: there is no such setting; did you mean refresh?"),
        ("theme = 'x'\nzzz = 1", "zzz in {file}, line 2: there is no such setting."),
        ("\n[alert]\nx = 1", "alert in {file}, line 2: there is no such setting; did you mean alerts?"),
        (
            "[alerts]\n# seconds\nquery_second = 1",
            "alerts.query_second in {file}, line 3: there is no such setting; did you mean alerts.query_seconds?",
        ),
        ("refresh = 99", "refresh in {file}, line 1: 99 is more than 60, the most allowed."),
        ("refresh = 0.1", "refresh in {file}, line 1: 0.1 is less than 0.5, the least allowed."),
        ("refresh = true", "refresh in {file}, line 1: true is not a number of seconds."),
        ("refresh = nan", "refresh in {file}, line 1: NaN is not a number of seconds."),
        ("[pool]\nmax_open = 4", "pool.max_open in {file}, line 2: 4 is more than 3, the most allowed."),
        ("history_minutes = 1.5", "history_minutes in {file}, line 1: 1.5 is not a whole number."),
        ("alerts = 3", "alerts in {file}, line 1: 3 is not a table of names and values."),
        ("[keys]\na = 1", "keys.a in {file}, line 2: 1 is not text."),
        ("screen = 'pool'", "screen in {file}, line 1: \"pool\" is not 'pools', 'activity', 'slow', 'migrations', 'accounts' or 'spatial'."),
        ("alerts.query_seconds = 'x y'", 'alerts.query_seconds in {file}, line 1: "x y" is not a number of seconds, '
         "nor a duration such as 30s, 1h30m or 500ms."),
        ("refresh = 1\nrefresh", "{file} is not TOML: expected '=' after a key in a key/value pair (at end of document)."),
        ("x = [\n1,,\n]", "{file} is not TOML: invalid value (at line 2, column 3)."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_said_with_its_line(file: Path, text: str, sentence: str) -> None:
    file.write_text(text)
    assert refusal(file) == sentence.format(file=file)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, file: Path) -> None:
    os.mkfifo(file)
    for place, reason in ((tmp_path, "Is a directory"), (file, "it is no file")):
        assert refusal(place) == f"{place} cannot be read: {reason}."
        assert unchecked("theme", {}, {}, place) is None


def test_a_byte_order_mark_is_no_setting(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbftheme = 'light'\n")
    assert load_settings({}, {}, file).theme == "light"
    assert unchecked("theme", {}, {}, file) == "light"


def test_a_file_in_another_encoding_is_said(file: Path) -> None:
    file.write_bytes("theme = 'größe'".encode("latin-1"))
    assert refusal(file) == f"{file} is not TOML: it is not UTF-8 text."


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("DBCONSOLE_REFRSH", "1", "DBCONSOLE_REFRSH: there is no such setting; did you mean DBCONSOLE_REFRESH?"),
        ("DBCONSOLE_REFRESH", "100", 'DBCONSOLE_REFRESH: "100" is more than 60, the most allowed.'),
        ("DBCONSOLE_REFRESH", "inf", 'DBCONSOLE_REFRESH: "inf" is not a number of seconds.'),
        ("DBCONSOLE_READ_ONLY", "maybe", 'DBCONSOLE_READ_ONLY: "maybe" is neither true nor false.'),
        ("DBCONSOLE_KEYS", "a", 'DBCONSOLE_KEYS: "a" is not a table of names and values.'),
        ("DBCONSOLE_HISTORY_MINUTES", "x" * 99, f'DBCONSOLE_HISTORY_MINUTES: "{"x" * 38}… is not a whole number.'),
        ("DBCONSOLE_POOL__MAX_OPEN", "9", 'DBCONSOLE_POOL__MAX_OPEN: "9" is more than 3, the most allowed.'),
        ("DB_MAX_OPEN_CONNS", "many", 'DB_MAX_OPEN_CONNS: "many" is not a whole number.'),
        ("DB_AUTO_MIGRATE", "perhaps", 'DB_AUTO_MIGRATE: "perhaps" is neither true nor false.'),
        ("AUDIT_RETENTION_DAYS", "0", 'AUDIT_RETENTION_DAYS: "0" is less than 1, the least allowed.'),
        ("DB_CONN_MAX_LIFETIME", "1d", 'DB_CONN_MAX_LIFETIME: "1d" is not a number of seconds, '
         "nor a duration such as 30s, 1h30m or 500ms."),
        ("DB_CONN_MAX_LIFETIME", "-1h", 'DB_CONN_MAX_LIFETIME: "-1h" is not a number of seconds, '
         "nor a duration such as 30s, 1h30m or 500ms."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_environment_is_said(
    file: Path, variable: str, value: str, sentence: str
) -> None:
    assert refusal(file, {variable: value}) == sentence


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        (
            "refresh",
            "fast",
            '--refresh: "fast" is not a number of seconds, nor a duration such as 30s, 1h30m or 500ms.',
        ),
        (
            "screen",
            "sloth",
            "--screen: \"sloth\" is not 'pools', 'activity', 'slow', 'migrations', 'accounts' or 'spatial'.",
        ),
        (
            "environment",
            "two words",
            '--environment: "two words" is not one word of at most 24 letters, digits, dots, hyphens and underscores.',
        ),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(
    file: Path, option: str, value: str, sentence: str
) -> None:
    assert refusal(file, options={option: value}) == sentence


def test_the_config_directory_is_the_persons_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dbconsole").mkdir()
    (tmp_path / "dbconsole" / "config.toml").write_text('theme = "mine"')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_settings({}, {}).theme == "mine"
