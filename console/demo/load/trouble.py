"""What goes wrong in the demo's service: lock chains, deadlocks, logins that fail."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

import asyncpg

from console.demo.load.client import LOST, Client
from console.demo.load.traffic import TROUBLED_ORDERS, TROUBLED_PRODUCTS

_UPDATE_ORDER = "UPDATE orders SET state = $2, updated = now() WHERE id = $1"
_UPDATE_STOCK = "UPDATE products SET stock = stock + $2 WHERE id = $1"

# Long enough to look at, short enough to see one go and another come.
_CHAIN_SECONDS = (20.0, 60.0)


class LockChain:
    """Six sessions that, over and over, end up behind each other.

    A worker changes an order and then thinks, idle in transaction. Behind it wait: a web request for the same
    order (1), which holds a product that another waits for (2), who holds one that yet another waits for (3);
    and up to two more for the same order (4, 5). Blocked for 20 to 60 s, then everything commits.
    """

    def __init__(self, blocker: Client, waiters: list[Client]) -> None:
        self._blocker = blocker
        self._waiters = waiters

    async def repeat(self, first_after: float) -> None:
        """Makes a chain after so many seconds, and again after each one has dissolved."""
        pause = first_after
        while True:
            await asyncio.sleep(pause)
            with suppress(*LOST):
                await self._once()
            pause = self._blocker.random.uniform(*_CHAIN_SECONDS)

    async def _once(self) -> None:
        random = self._blocker.random
        order = random.randint(1, TROUBLED_ORDERS)
        products = random.sample(range(1, TROUBLED_PRODUCTS + 1), 2)
        async with AsyncExitStack() as open_ones:
            sessions = []
            for client in (self._blocker, *self._waiters[: random.randint(3, len(self._waiters))]):
                connection = await client.connect()
                open_ones.callback(connection.terminate)
                sessions.append(connection)
            blocker, first, second, *others = sessions
            await blocker.execute("BEGIN")
            await blocker.fetchrow("SELECT id, state, customer_id FROM orders WHERE id = $1", order)
            await blocker.execute(_UPDATE_ORDER, order, "packed")
            await first.execute("BEGIN")
            await first.execute(_UPDATE_STOCK, products[0], 1)
            await second.execute("BEGIN")
            await second.execute(_UPDATE_STOCK, products[1], 1)
            async with asyncio.TaskGroup() as waiting:
                waiting.create_task(_finish(first, _UPDATE_ORDER, order, "paid"))
                await asyncio.sleep(random.uniform(0.3, 2))
                waiting.create_task(_finish(second, _UPDATE_STOCK, products[0], -1))
                for number, other in enumerate(others):
                    await asyncio.sleep(random.uniform(0.3, 3))
                    # The first of them lengthens the chain, the others stand behind the blocker itself.
                    if number == 0:
                        waiting.create_task(_finish(other, _UPDATE_STOCK, products[1], -1))
                    else:
                        waiting.create_task(_finish(other, _UPDATE_ORDER, order, "sent"))
                await asyncio.sleep(random.uniform(*_CHAIN_SECONDS))
                with suppress(*LOST):
                    await blocker.execute("COMMIT")


async def _finish(connection: asyncpg.Connection, statement: str, key: int, value: str | int) -> None:
    """Runs a statement that has to wait, and ends the transaction that it is in, if it is in one."""
    with suppress(*LOST):
        await connection.execute(statement, key, value)
        if connection.is_in_transaction():
            await connection.execute("COMMIT")


async def deadlock(client: Client, connection: asyncpg.Connection) -> None:
    """Two workers take the same two products in opposite order; the server ends one of them."""
    other = await client.connect()
    one, two = client.random.sample(range(1, TROUBLED_PRODUCTS + 1), 2)
    try:
        await connection.execute("BEGIN")
        await other.execute("BEGIN")
        await connection.execute(_UPDATE_STOCK, one, 1)
        await other.execute(_UPDATE_STOCK, two, 1)
        await asyncio.gather(
            connection.execute(_UPDATE_STOCK, two, -1),
            other.execute(_UPDATE_STOCK, one, -1),
            return_exceptions=True,
        )
    finally:
        other.terminate()
        await connection.execute("ROLLBACK")


async def fail_to_log_in(client: Client) -> None:
    """Now and then, less than once in half a minute, somebody comes with a wrong password or to a wrong database."""
    while True:
        await asyncio.sleep(client.random.uniform(30, 90))
        user, database, password = client.random.choice(
            [("partner", "shop", "let-me-in"), ("app", "shop_staging", None)]
        )
        with suppress(*LOST):
            connection = await asyncpg.connect(
                host=client.sockets, port=client.port, user=user, database=database, password=password
            )
            connection.terminate()
