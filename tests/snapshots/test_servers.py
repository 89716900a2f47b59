"""Pictures of the choice of servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from console.models.environments import Destination, Kind
from console.settings import Settings
from tests.fakes import FakeConsole
from tests.snapshots.test_screens import SIZE_NAMES, SIZES, SnapCompare, keys


def destination(name: str, address: str, kind: Kind = Kind.ENVIRONMENT, **changes: object) -> Destination:
    """A server of the environment that its name begins with, where it has one."""
    environment = name.partition(" ")[0] if kind is Kind.ENVIRONMENT else None
    origin = f"environments.{environment} in ~/.config/dbconsole/config.toml, line 3" if environment else name
    return Destination(
        name,
        kind,
        origin,
        SecretStr("host=db1"),
        environment,
        address=address,
        **changes,  # type: ignore[arg-type]
    )


SERVERS = (
    destination("production", "dba@gaia-db-prod.internal:5432/postgres"),
    destination("production · replica 1", "dba@gaia-db-prod-replica1.internal:5432/postgres"),
    destination("production · pooler", "dba@gaia-db-prod.internal:6432/postgres"),
    destination("staging", "dba@gaia-db-staging.internal:5432/postgres"),
    destination("development", "", problem="environments.development in config.toml: ${DB_HOST} is a placeholder; write there what it stands for."),
    destination("customer-eu", "dba@10.0.0.8:5432/shop [not markup]\x1b[2J", colour="#3344aa"),
    destination("as DATABASE_URL says", "app@db1:5432/shop", Kind.VARIABLES),
    destination("reports", "report@db7:5432/warehouse", Kind.SERVICE),
    destination("local server on 5432", "dba@[local]:5432/dba", Kind.SOCKET),
    destination("demo", "a server of its own, with live load", Kind.DEMO),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("size", SIZES[:2], ids=SIZE_NAMES[:2])
def test_which_server(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(FakeConsole(servers=SERVERS, is_open=False), terminal_size=size, run_before=keys())


def test_go_from_production(snap_compare: SnapCompare) -> None:
    settings = Settings(theme="light", environment="live", colour="#7a1fa2", confirm="typed")
    app = FakeConsole(settings=settings, servers=SERVERS)
    assert snap_compare(app, terminal_size=SIZES[1], run_before=keys("ctrl+o", "down"))


def test_an_environment_with_a_colour_of_its_own(snap_compare: SnapCompare) -> None:
    settings = Settings(theme="dark", environment="customer-eu", colour="#3344aa", confirm="typed")
    assert snap_compare(FakeConsole(settings=settings), terminal_size=SIZES[0], run_before=keys("2", "k"))
