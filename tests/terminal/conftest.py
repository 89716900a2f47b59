"""A console's home, and a server on which something happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.postgres import PostgresCluster
from tests.workload import Session, Workload


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the console finds its settings and may write."""
    return tmp_path


@pytest.fixture
def workload(postgres: PostgresCluster) -> Iterator[Workload]:
    """Sessions on the shared server; they are gone after the test."""
    with Workload(postgres) as workload:
        yield workload


@dataclass(frozen=True, slots=True)
class Chain:
    """A session that holds a row, and two that wait: one for it, one for the first waiter."""

    holder: Session
    first: Session
    second: Session


@pytest.fixture
def chain(workload: Workload) -> Iterator[Chain]:
    """A lock chain on the table `orders`; applications `shop-hold`, `shop-first` and `shop-next`."""
    chain = Chain(*(workload.session(f"shop-{name}") for name in ("hold", "first", "next")))
    chain.holder.run("CREATE TABLE orders AS SELECT 1 AS id, 'new' AS state")
    chain.holder.run("BEGIN")
    chain.holder.run("UPDATE orders SET state = 'held' WHERE id = 1")
    chain.first.start("UPDATE orders SET state = 'wanted' WHERE id = 1 AND state <> 'by the first'")
    workload.until_waiting(chain.first)
    chain.second.start("UPDATE orders SET state = 'wanted' WHERE id = 1 AND state <> 'by the next'")
    workload.until_waiting(chain.second)
    yield chain
    workload.end_sessions()
    workload.session("cleaner").run("DROP TABLE orders")
