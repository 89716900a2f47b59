"""The command line: which word is what, and how each way to fail ends."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from console import __version__, cli
from console.commands import activity, launch, pools
from console.commands.as_json import as_json
from console.commands.plain_table import plain_table
from console.errors import AuthenticationFailed, BadTarget, DemoFailed, OperationRefused
from console.models.activity import ActivitySnapshot, Session, SessionKey, SessionState, StateCounts
from console.models.health import Vitals

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, dict[str, Any]]]:
    """Records what the console would be opened with: the target's words and the options that were given."""
    calls: list[tuple[str | None, dict[str, Any]]] = []

    def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
        calls.append((argument, {name: value for name, value in options.items() if value is not None}))
        return 0

    monkeypatch.setattr(launch, "open_console", open_console)
    return calls


ALL = ["--read-only", "--screen", "activity", "--refresh", "5", "--theme", "light", "-e", "prod"]
ALL_OPTIONS = {
    "read_only": True,
    "screen": "activity",
    "refresh": "5",
    "theme": "light",
    "environment": "prod",
}


@pytest.mark.parametrize(
    ("arguments", "target", "options"),
    [
        ([], None, {}),
        (["postgresql://db1/shop"], "postgresql://db1/shop", {}),
        (["shop"], "shop", {}),
        ([*ALL, "shop"], "shop", ALL_OPTIONS),
        (["shop", *ALL], "shop", ALL_OPTIONS),
        (ALL, None, ALL_OPTIONS),
        (["dbname=pools"], "dbname=pools", {}),
    ],
)
def test_a_first_word_that_is_no_command_is_the_target(
    arguments: list[str],
    target: str | None,
    options: dict[str, Any],
    opened: list[tuple[str | None, dict[str, Any]]],
) -> None:
    assert cli.run(arguments) == 0
    assert opened == [(target, options)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["activty"], "There is no command 'activty'; did you mean 'activity'? "
         "A database of that name is reached with dbname=activty."),
        (["pool", "--json"], "There is no command 'pool'; did you mean 'pools'? "
         "A database of that name is reached with dbname=pool."),
        (["--refresh", "1", "pools"], "A command comes first, its options after it: dbconsole pools …"),
        (["shop", "more"], "Got unexpected extra argument (more)"),
        (["--jsn"], "No such option '--jsn'."),
        (["--refresh"], "Option '--refresh' requires an argument."),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'."),
        (["demo", "sideways"], "No such command 'sideways'."),
    ],
)  # fmt: skip
def test_wrong_usage_is_said_and_ends_with_2(
    arguments: list[str],
    sentence: str,
    opened: list[tuple[str | None, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(arguments) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.out == ""
    assert opened == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadTarget("The target is odd."), 2),
        (AuthenticationFailed("The password is wrong."), 3),
        (OperationRefused("Nothing was done."), 1),
        (DemoFailed("It did not start."), 1),
    ],
)
def test_what_went_wrong_is_one_sentence_and_its_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
        raise error

    monkeypatch.setattr(launch, "open_console", open_console)
    assert cli.run([]) == code
    assert capsys.readouterr() == ("", f"dbconsole: {error}\n")


def test_a_servers_words_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
        raise AuthenticationFailed("no \x1b[31mred")

    monkeypatch.setattr(launch, "open_console", open_console)
    assert cli.run([]) == 3
    assert capsys.readouterr().err == "dbconsole: no ␛[31mred\n"


def test_a_mistake_of_ours_is_a_sentence_unless_the_trace_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(launch, "open_console", open_console)
    monkeypatch.delenv("DBCONSOLE_DEBUG", raising=False)
    assert cli.run([]) == 1
    assert capsys.readouterr().err == (
        "dbconsole: internal error: ZeroDivisionError: by zero (DBCONSOLE_DEBUG=1 shows where)\n"
    )
    monkeypatch.setenv("DBCONSOLE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run([])


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_console(argument: str | None, options: Mapping[str, Any]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(launch, "open_console", open_console)
    assert cli.run([]) == 130


def test_the_exit_code_of_the_console_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "open_console", lambda argument, options: 3)
    assert cli.run([]) == 3


def dbconsole(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The program itself, with no terminal and nothing of ours in its environment but `environ`."""
    return subprocess.run(
        [sys.executable, "-c", "from console.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environ},
    )


def test_version_and_help() -> None:
    assert dbconsole("--version").stdout == f"dbconsole {__version__}\n"
    for flag in ("--help", "-h"):
        text = dbconsole(flag).stdout
        for word in (
            "TARGET",
            "PGPASSWORD",
            "activity",
            "pools",
            "demo",
            "completion",
            "--read-only",
            "3  could not connect",
        ):
            assert word in text


def test_help_in_a_locale_without_our_characters() -> None:
    done = dbconsole("--help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Exit codes" in done.stdout


def test_without_a_terminal_the_console_names_the_commands_for_that() -> None:
    done = dbconsole("postgresql://db1/shop")
    assert (done.returncode, done.stdout) == (2, "")
    assert "dbconsole pools --json" in done.stderr


@pytest.mark.parametrize("command", ["pools", "activity"])
@pytest.mark.parametrize(
    ("arguments", "environ", "code", "sentence"),
    [
        (["postgresql://app:s3cret@db1:99999"], {}, 2, "port in TARGET is not a whole number between 1 and 65535."),
        ([], {"DATABASE_URL": "mysql://app:s3cret@db1"}, 2,
         "DATABASE_URL begins with mysql://, where only postgresql:// or postgres:// is understood."),
        ([], {"DBCONSOLE_REFRESH": "0"}, 2, 'DBCONSOLE_REFRESH: "0" is less than 0.5, the least allowed.'),
    ],
)  # fmt: skip
def test_bad_input_of_a_headless_command(
    command: str, arguments: list[str], environ: dict[str, str], code: int, sentence: str
) -> None:
    done = dbconsole(command, *arguments, "--json", **environ)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", f"dbconsole: {sentence}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_us_back(shell: str) -> None:
    assert f"_DBCONSOLE_COMPLETE={shell}_complete" in dbconsole("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (
            "dbconsole ",
            [
                "activity",
                "audit",
                "completion",
                "demo",
                "env",
                "explain",
                "keys",
                "login",
                "logout",
                "migrate",
                "platform",
                "pools",
                "slow",
                "spatial",
                "users",
            ],
        ),
        ("dbconsole po", ["pools"]),
        ("dbconsole --re", ["--read-only", "--refresh"]),
        ("dbconsole pools --", ["--no-password", "--environment", "--json", "--help"]),
        ("dbconsole demo ", ["down", "up"]),
    ],
)
def test_words_are_completed(words: str, found: list[str]) -> None:
    position = len(words.split(" ")) - 1
    done = dbconsole(_DBCONSOLE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(position))
    assert [line.partition(",")[2] for line in done.stdout.splitlines()] == found


SESSION = Session(
    key=SessionKey(8123, AT),
    database="shop",
    user="app",
    application="shop-web",
    client="local",
    backend_type="client backend",
    is_client=True,
    state=SessionState.ACTIVE,
    wait_event_type="Lock",
    wait_event="transactionid",
    connection_age=60.0,
    transaction_age=3.0,
    query_age=2.0,
    state_age=2.0,
    wait_age=1.0,
    blocked_by=(7,),
    blocks=0,
    query="UPDATE t\n   SET a = '\x1b[31m[red]ü'",
    is_hidden=False,
)
SNAPSHOT = ActivitySnapshot(
    at=AT,
    server_ms=0.5,
    sessions=(SESSION, dataclasses.replace(SESSION, state=SessionState.UNKNOWN, is_client=False)),
    counts=StateCounts(active=1, idle=2, in_transaction=3, waiting=1),
    blocking=(),
    vitals=Vitals(6, 100, 2.0, 8123, None, None),
)


def test_json_says_what_the_models_say() -> None:
    shown = json.loads(as_json(SNAPSHOT))
    assert shown["at"] == "2026-01-02T03:04:05Z"
    assert shown["counts"] == {"active": 1, "idle": 2, "in_transaction": 3, "waiting": 1, "other": 0}
    session, process = shown["sessions"]
    assert session["key"] == {"pid": 8123, "backend_start": "2026-01-02T03:04:05Z"}
    assert (session["state"], process["state"]) == ("active", None)
    assert session["blocked_by"] == [7]
    assert session["query"] == SESSION.query
    assert as_json(SNAPSHOT).isascii()


def test_json_times_are_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert as_json(there) == '"2026-01-02T03:04:05Z"'


def test_the_table_has_one_safe_line_for_a_session() -> None:
    head, blank, headings, line = activity.as_text(SNAPSHOT).splitlines()
    assert head == "1 active, 2 idle, 3 idle in transaction, 1 waiting"
    assert blank == ""
    assert headings.split() == [
        "pid",
        "state",
        "wait",
        "tx",
        "query",
        "blocked",
        "by",
        "database",
        "user",
        "application",
        "query",
    ]
    assert line.startswith("8123  active  Lock:transactionid")
    assert line.endswith("UPDATE t SET a = '␛[31m[red]ü'")


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    assert plain_table(["name", ">n", "text"], [["日本", "1", "a"], ["x", "10", "b"]]) == (
        "name   n  text\n日本   1  a\nx     10  b"
    )


def test_pools_summary_counts_waiting() -> None:
    assert pools.summary(StateCounts(1, 2, 3, 1)) == "1 active, 2 idle, 3 idle in transaction, 1 waiting"


@pytest.mark.parametrize("arguments", [["demo", "up"], ["demo", "down"]], ids=" ".join)
def test_the_demo_says_which_extra_is_missing(arguments: list[str]) -> None:
    program = "import sys; sys.modules['psutil'] = None; from console.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr
        == "dbconsole: The demo is not installed; install it with: pip install 'dbconsole[demo]'\n"
    )
