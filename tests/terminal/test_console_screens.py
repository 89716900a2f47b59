"""What a person sees and does on the two screens, on a real server with a lock chain."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.terminal.conftest import Chain
from tests.terminal.console_session import ENTER, ESCAPE, Console, is_live
from tests.terminal.emulator import Emulator

pytestmark = pytest.mark.xdist_group("console-screens")


@pytest.fixture
def console(postgres: PostgresCluster, chain: Chain, home: Path) -> Iterator[Console]:
    """The console beside a lock chain, with data on its first screen."""
    with Console(home, postgres.url(), "--refresh", "0.5") as console:
        console.wait_live()
        console.wait_seen("shop-hold", "1 blocker holds 2")
        yield console


def pids(chain: Chain) -> list[str]:
    return [str(session.pid) for session in (chain.holder, chain.first, chain.second)]


def lines_with(screen: Emulator, *words: str) -> list[str]:
    """The lines of the table with one of these words, from top to bottom."""
    return [line for line in screen.text.splitlines()[4:] if any(word in line for word in words)]


def test_pools_then_activity_in_its_four_views(console: Console, chain: Chain) -> None:
    console.wait_seen("by application", "commit/s", "waiting 2", "in tx 1", "/ 100")
    console.send("2")
    console.wait_seen("showing running", *pids(chain))
    console.send("b")
    console.wait_seen(
        "showing blocking", f"▲{chain.holder.pid}", f"└─ {chain.first.pid}", f"   └─ {chain.second.pid}"
    )
    console.send("w")
    console.wait_seen("showing waiting", "shop-first", "shop-next")
    console.wait_gone("shop-hold")
    console.send("a")
    console.wait_seen("showing all", "checkpointer", "shop-hold")
    console.send("a")
    console.wait_seen("showing running")
    console.wait_gone("checkpointer")
    console.send("1")
    console.wait_seen("by application")
    console.quit()


def test_the_detail_has_the_whole_query_and_its_locks(console: Console, chain: Chain) -> None:
    console.send("2")
    console.choose("shop-next")
    console.send(ENTER)
    console.wait_seen(f"pid {chain.second.pid}", "AND state <> 'by the next'", "WAITS FOR", "public.orders")
    console.wait_seen(f"blocked by   {chain.first.pid}")
    console.send(ESCAPE)
    console.wait_gone("WAITS FOR")
    console.quit()


def test_the_filter_narrows_as_one_types_and_escape_clears_it(console: Console, chain: Chain) -> None:
    console.send("2")
    console.wait_seen(*pids(chain))

    def has_first(screen: Emulator) -> bool:
        return re.search(rf"^.▲ +{chain.first.pid} ", screen.text, re.MULTILINE) is not None

    console.wait_for(has_first)
    console.send("/shop !shop-first")
    console.wait_for(lambda screen: not has_first(screen))
    assert lines_with(console.screen, "shop-hold")
    console.send(ESCAPE)
    console.wait_seen("shop-first", "shop-hold", "shop-next", "sort")
    console.choose("nobody has this")
    console.wait_seen("No row matches the filter.")
    console.send(ESCAPE)
    console.wait_seen("shop-first")
    console.quit()


def test_sorts_by_any_column_and_the_other_way_round(
    postgres: PostgresCluster, chain: Chain, home: Path
) -> None:
    def order(screen: Emulator) -> list[str]:
        return [line.split()[1] for line in lines_with(screen, *pids(chain))]

    def titles(screen: Emulator) -> str:
        return next((line for line in screen.text.splitlines() if " pid" in line), "")

    with Console(home, postgres.url(), "--screen", "activity", "--refresh", "0.5", columns=220) as console:
        console.wait_seen("query▼", "client", *pids(chain))
        for _ in titles(console.screen).split():
            before = titles(console.screen)
            if "pid▲" in before:
                break
            console.send("s")
            console.wait_for(lambda screen, before=before: titles(screen) != before)  # type: ignore[misc]
        console.wait_for(lambda screen: order(screen) == sorted(pids(chain), key=int))
        console.send("S")
        console.wait_for(lambda screen: order(screen) == sorted(pids(chain), key=int, reverse=True))
        assert "pid▼" in titles(console.screen)
        console.quit()


def test_a_pause_holds_the_picture_and_a_new_interval_is_said(console: Console, chain: Chain) -> None:
    console.send("2")
    console.wait_seen("showing running", *pids(chain))
    console.send(" ")
    console.wait_seen("paused")
    held = lines_with(console.screen, *pids(chain))
    console.wait_seen("data 2")  # seconds old: several samples would have come
    assert lines_with(console.screen, *pids(chain)) == held
    console.send(" ")
    console.wait_for(is_live)
    console.wait_for(lambda screen: lines_with(screen, *pids(chain)) != held)
    console.send("+")
    console.wait_seen("every 1 s")
    console.send("=")
    console.wait_seen("every 2 s")
    console.send("-")
    console.wait_seen("every 1 s")
    console.quit()


def test_help_palette_and_themes(console: Console) -> None:
    console.send("?")
    console.wait_seen("Keys: Pools", "Hold the picture still", "esc")
    console.send(ESCAPE)
    console.wait_gone("Keys: Pools")
    console.send("\x10")
    console.wait_seen("Search for commands", "Go to Activity")
    console.send("go to act")
    console.wait_gone("Hold the picture")
    console.send(ENTER)
    console.wait_seen("showing running")
    colours = {cell.bg for line in console.screen.rows() for cell in line}
    console.send("t")
    console.wait_seen("Theme: ")
    console.wait_for(lambda screen: {cell.bg for line in screen.rows() for cell in line} != colours)
    console.quit()


def test_exports_what_is_shown_and_overwrites_nothing(console: Console, chain: Chain, home: Path) -> None:
    console.send("2")
    console.choose("shop-first")

    def export(name: str) -> None:
        console.send("e")
        console.wait_seen("Write 1 rows to a file")
        console.send("\x15")  # ctrl+u empties the line
        console.wait_gone("dbconsole-activity-")
        console.send(f"{name}{ENTER}")

    export("sessions.csv")
    console.wait_seen("Written to")
    export("sessions.json")
    console.wait_for(lambda screen: "sessions.json." in screen.text)
    with (home / "sessions.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["pid"], row["application"]) == (str(chain.first.pid), "shop-first")
    assert row["statement"].endswith("<> 'by the first'")
    (entry,) = json.loads((home / "sessions.json").read_text())
    assert (entry["pid"], entry["blocked by"]) == (str(chain.first.pid), str(chain.holder.pid))

    before = (home / "sessions.csv").read_bytes()
    export("sessions.csv")
    console.wait_seen("Not written: there is such a file already")
    assert (home / "sessions.csv").read_bytes() == before
    console.send(ESCAPE)
    console.wait_gone("Not written")
    console.quit()


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
def test_fits_every_size(
    postgres: PostgresCluster, chain: Chain, home: Path, columns: int, lines: int
) -> None:
    """Header, tabs, data and footer are where they belong, and state, wait and statement can be read."""
    with Console(home, postgres.url(), "--refresh", "0.5", columns=columns, lines=lines) as console:
        console.wait_live()
        console.wait_seen("by application", "shop-hold", "database", "quit")
        assert_framed(console.screen)
        console.send("2")
        console.wait_seen(*pids(chain), "idle in tx", "Lock:transac", "UPDATE orders SET state")
        assert_framed(console.screen)
        console.send(f"b{ENTER}")
        console.wait_seen(f"└─ {chain.first.pid}", f"pid {chain.holder.pid}")
        assert_framed(console.screen)
        console.quit()


def assert_framed(screen: Emulator) -> None:
    lines = screen.text.splitlines()
    assert "postgres@127.0.0.1" in lines[0]
    assert lines[0].endswith(" s")
    assert len(lines[0]) >= screen.columns - 2, "the header fills its line"
    assert "1 Pools" in lines[1]
    assert "──" in lines[2]
    assert lines[-1].endswith("q quit")
    assert "? help" in lines[-1]


def test_says_what_room_it_needs_and_comes_back_with_it(console: Console, chain: Chain) -> None:
    console.resize(40, 10)
    console.wait_seen("dbconsole needs a terminal", "this", "40×10", "press q")
    console.resize(120, 40)
    console.wait_seen("by application", "shop-hold", "q quit")
    console.wait_gone("needs a terminal")
    console.quit()
