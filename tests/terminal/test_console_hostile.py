"""Text that a database holds is shown, never obeyed: not as markup, not as an action, not by the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.postgres import PostgresCluster
from tests.terminal.console_session import ENTER, ESCAPE, TAB, Console, has_focus
from tests.workload import Session, Workload

pytestmark = pytest.mark.xdist_group("console-screens")

ATTACK = "[red]r[/x][@click=app.quit]q[/]\x1b]0;pwned\x07\x1b[2J\x1b[3;1Hhere\x9b2J\x7f\b"
"""Markup that would not close, an action, a title, an erased screen, a moved cursor, C1, DEL and backspace."""
TRICKS = "\r\n\u202edaer\u2066\u200b\u3164\t👩‍👩‍👧 漢字 e\u0301 🇨🇭"
"""Line ends, text that runs backwards, what cannot be seen, what is wide and what combines."""
QUERY = f"SELECT /* {ATTACK} {TRICKS} {'long ' * 600} the end */ count(*) FROM pg_sleep(60)"  # noqa: S608
ROLE = "ro\x1b]0;pwned\x07\u202ele[red]"
TABLE = "ta\x1b[2Jble[/x]"

# What the painter and the driver may send: pen, moves, erasing to the end of a line, modes, character sets.
_ALLOWED = re.compile(
    r"\x1b\[[0-9;:]*[mHfABCDGdKX]|\x1b\[[0-3]?J|\x1b\[\?[0-9;]*(?:[hl]|\$p)|\x1b\[[<>=?][0-9;]*u|\x1b\[r|\x1b\[[0-9;]*[cn]"
    r"|\x1b\(B|\x1b[78=>]|\x1b\[>[0-9;]*[mq]|\x1b\]22;default\x07|[\r\n\x0f]"
)
_CLEARING = "\x1b[?25l\x1b[2J"
"""The painter clears the screen when it starts afresh, and at no other time."""


@pytest.fixture
def attacker(postgres: PostgresCluster, workload: Workload) -> Iterator[Session]:
    """A session whose every name is hostile, with an open transaction and a long, hostile query."""
    admin = workload.session("admin")
    admin.run(f"CREATE ROLE \"{ROLE}\" LOGIN SUPERUSER PASSWORD '{postgres.password}'")
    session = workload.session("app[/x]\x1b]0;pwned\x07", user=ROLE)
    session.run(f'CREATE TABLE "{TABLE}" ()')
    session.run("BEGIN")
    session.run(f'LOCK TABLE "{TABLE}"')
    session.start(QUERY)
    workload.until(
        f"EXISTS (SELECT FROM pg_stat_activity WHERE pid = {session.pid} AND wait_event = 'PgSleep')"
    )
    yield session
    workload.end_sessions()
    cleaner = workload.session("cleaner")
    cleaner.run(f'DROP OWNED BY "{ROLE}"')
    cleaner.run(f'DROP ROLE "{ROLE}"')


def test_is_shown_as_text_everywhere(
    postgres: PostgresCluster, attacker: Session, home: Path, workload: Workload
) -> None:
    url = f"postgresql://{quote(ROLE, safe='')}:{postgres.password}@127.0.0.1:{postgres.port}/postgres"
    options = ("--refresh", "0.5", "-e", "production")
    with Console(home, url, *options, columns=240, lines=50) as console:
        console.wait_live()
        console.wait_seen("ro␛]0;pwned␇‹U+202E›le[red]@127.0.0.1")
        for _ in range(3):  # broken down by user, database, client
            console.send("b")
        console.wait_seen("by client")
        console.send("bb")
        console.wait_seen("by user", "ro␛]0;pwned␇‹U+202E›le[red]")
        console.send("2")
        console.wait_seen("SELECT /* [red]r[/x][@click=app.quit]q[/]␛]0;pwned␇␛[2J␛[3;1H")
        assert_in_columns(console, attacker.pid)
        console.send(ENTER)
        console.wait_seen("here‹9B›2J␡␈", "‹U+202E›daer‹U+2066›‹U+200B›‹U+3164›", "👩‍👩‍👧 漢字", "🇨🇭")
        console.wait_seen("ta␛[2Jble[/x]", "AccessExclusiveLock")
        console.send(TAB)
        console.send("\x1b[F")  # end
        console.wait_seen("client backend", "user         ro␛]0;pwned␇")
        console.send(ESCAPE)
        console.wait_gone("AccessExclusiveLock")
        console.send("k")
        console.wait_seen("This will run:", "(ro␛]0;pwned␇‹U+202E›le[red],", "ta␛[2Jble[/x]")
        console.wait_for(lambda screen: has_focus(screen, "Cancel"))
        console.send(ENTER)
        console.wait_gone("This will run:")
        console.send("y")
        console.wait_seen("clipboard")
        console.quit()
    assert_clean(console, clipboards=1)


def test_is_shown_as_text_in_a_refusal(postgres: PostgresCluster, home: Path) -> None:
    """The server's words quote the names back."""
    url = f"postgresql://{quote(ATTACK, safe='')}:wrong@127.0.0.1:{postgres.port}/{quote(ATTACK, safe='')}"
    with Console(home, url) as console:
        console.wait_seen("Password of role", "[red]r[/x]")
        console.send(ESCAPE)
        console.wait_seen("refused", "Press r to try again", "[red]r[/x]")
        console.send("q")
        assert console.wait_exit() == 3
        console.assert_restored()
    assert_clean(console)


def assert_in_columns(console: Console, pid: int) -> None:
    """The statement begins where its title stands, whatever stands before it."""
    lines = console.screen.text.splitlines()
    title = next(line for line in lines if "statement" in line)
    row = next(line for line in lines if f" {pid} " in line)
    assert row.index("SELECT /*") == title.index("statement")


def assert_clean(console: Console, clipboards: int = 0) -> None:
    """Nothing but what the painter says reached the terminal, and no control character among it."""
    output = console.output.decode()
    copied = re.findall(r"\x1b\]52;c;[A-Za-z0-9+/=]*(?:\x07|\x1b\\)", output)
    assert len(copied) == clipboards
    for text in copied:
        output = output.replace(text, "")
    assert output.count("\x1b[2J") == output.count(_CLEARING)
    rest = _ALLOWED.sub("", output)
    controls = re.findall(r".{0,20}[\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\u3164].{0,20}", rest)
    assert controls == []
