"""Choosing a server, and going from one to another, on two real ones."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.terminal.console_session import ENTER, ESCAPE, Console, is_on_console
from tests.terminal.emulator import Emulator

SERVERS = "\x0f"  # ctrl+o

PROGRAM = """
import gc, os
from textual._styles_cache import StylesCache
from textual.widget import Widget
from console.app import ConsoleApp
from console.cli import main
from console.commands import launch

def counting(destination, options, warn, services=launch._services):
    gc.collect()
    objects = gc.get_objects()
    drawn = [id(one._styles_cache) for one in objects if isinstance(one, Widget)]
    lost = [one for one in objects if isinstance(one, StylesCache) and id(one) not in drawn]
    with open(os.environ["CONSOLES"], "a") as file:
        print(sum(isinstance(one, ConsoleApp) for one in objects), len(lost), file=file)
    return services(destination, options, warn)

launch._services = counting
main()
"""
"""Writes down, whenever one goes to a server that was chosen, how many consoles and caches of lost widgets there are."""


@pytest.fixture
def config(home: Path, postgres: PostgresCluster, postgis: PostgresCluster) -> Path:
    """Two environments, of which each server writes down all that it is asked."""
    file = home / "config" / "dbconsole" / "config.toml"
    file.parent.mkdir(parents=True)
    options = "?options=-c%20log_statement%3Dall"
    file.write_text(
        f'[environments.staging]\nprimary = "{postgis.url()}{options}"\n'
        f'[environments.prod]\nprimary = "{postgres.url()}{options}"\nreplicas = ["host=nowhere.invalid"]\n'
    )
    file.chmod(0o600)
    return file


def header(screen: Emulator) -> str:
    return screen.text.splitlines()[0]


def test_starts_with_a_choice_and_goes_from_one_server_to_another(
    home: Path, config: Path, postgres: PostgresCluster, postgis: PostgresCluster
) -> None:
    asked_before = len(postgis.log)
    consoles = home / "consoles"
    environment = {"CONSOLES": str(consoles)}
    with Console(home, "--refresh", "0.5", program=PROGRAM, environment=environment) as console:
        console.wait_seen(
            "Which server?", "staging", "PRODUCTION", "PRODUCTION · replica 1", "nowhere.invalid"
        )
        console.wait_seen("config file", "demo")
        console.send("2")  # there is no screen to go to yet
        console.choose("staging")
        assert len(postgis.log) == asked_before, "nothing is opened silently"
        console.send(ENTER)
        console.wait_live()
        assert f":{postgis.port}/" in header(console.screen)
        assert "staging" in header(console.screen)
        console.wait_for(
            lambda screen: any("\u2801" <= one <= "\u28ff" for one in screen.text)
        )  # a curve is drawn
        console.send("2")
        console.wait_seen("showing running")
        assert len(postgis.log) > asked_before + 1000

        console.send(SERVERS)
        console.wait_seen("Go from", "staging", "PRODUCTION")
        console.send(ESCAPE)
        console.wait_seen("showing running")
        console.send(SERVERS)
        console.wait_seen("Go from")
        console.choose("production !replica")
        assert is_on_console(console.screen)
        console.send(ENTER)
        console.wait_for(lambda screen: f":{postgres.port}/" in header(screen))
        console.wait_live()
        console.wait_seen("PRODUCTION", "showing running")
        assert str(postgis.port) not in console.screen.text

        assert asyncio.run(connections(postgis)) == 0
        silent, asked = len(postgis.log), len(postgres.log)
        console.wait_for(lambda _: len(postgres.log) > asked + 5000)
        assert len(postgis.log) == silent, "nothing of one server is asked of another"
        console.quit()
    assert consoles.read_text().splitlines() == ["1 0", "1 0"], "nothing is left of the console before"
    assert bytes(console.output).count(b"\x1b[?1049l") == 1, "the shell does not flash up in between"


async def connections(server: PostgresCluster) -> int:
    """How many the console has there; asking is not written down."""
    ours = "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'dbconsole%'"
    return int((await server.run(ours))[0]["n"])
