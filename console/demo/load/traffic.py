"""What the applications do all day: short reads and writes, some reports, a nightly job that never sleeps."""

from __future__ import annotations

import asyncio

import asyncpg

from console.demo.load.client import Client

# Orders and products up to these numbers are left to `trouble`, so that everyday work does not wait behind it.
TROUBLED_ORDERS = 500
TROUBLED_PRODUCTS = 50

ORDERS = 20_000
PRODUCTS = 600
CUSTOMERS = 4_000


def _order(client: Client) -> int:
    return client.random.randint(TROUBLED_ORDERS + 1, ORDERS)


def _product(client: Client) -> int:
    return client.random.randint(TROUBLED_PRODUCTS + 1, PRODUCTS)


async def browse(client: Client, connection: asyncpg.Connection) -> None:
    """A visitor of the shop looks, and now and then buys; some baskets are given up."""
    await connection.fetch(
        """SELECT o.id, o.state, o.placed, sum(i.quantity * i.price) AS total
  FROM orders AS o
  JOIN order_items AS i ON i.order_id = o.id
 WHERE o.customer_id = $1
 GROUP BY o.id
 ORDER BY o.placed DESC
 LIMIT 10""",
        client.random.randint(1, CUSTOMERS),
    )
    await connection.fetchrow(
        "SELECT id, sku, title, price, stock FROM products WHERE id = $1", _product(client)
    )
    if client.random.random() < 0.2:
        await _buy(client, connection)


async def _buy(client: Client, connection: asyncpg.Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    order = await connection.fetchval(
        "INSERT INTO orders (customer_id, state) VALUES ($1, 'new') RETURNING id",
        client.random.randint(1, CUSTOMERS),
    )
    await connection.execute(
        """INSERT INTO order_items (order_id, line, product_id, quantity, price)
SELECT $1, 1, p.id, $3, p.price
  FROM products AS p
 WHERE p.id = $2""",
        order,
        _product(client),
        client.random.randint(1, 3),
    )
    # The customer thinks it over: idle in transaction for a moment.
    await asyncio.sleep(client.random.uniform(0.05, 0.6))
    if client.random.random() < 0.15:
        await transaction.rollback()
    else:
        await transaction.commit()


async def pack(client: Client, connection: asyncpg.Connection) -> None:
    """The warehouse takes the next order off the queue."""
    async with connection.transaction():
        order = await connection.fetchval(
            """SELECT id
  FROM orders
 WHERE state = 'new' AND id > $1
 ORDER BY placed
   FOR UPDATE SKIP LOCKED
 LIMIT 1""",
            TROUBLED_ORDERS,
        )
        await connection.execute("UPDATE orders SET state = 'packed', updated = now() WHERE id = $1", order)
        await connection.execute(
            "UPDATE products SET stock = 1000 + (stock - 1) % 500 WHERE id = $1", _product(client)
        )
        await asyncio.sleep(client.random.uniform(0, 0.3))


async def invoice(client: Client, connection: asyncpg.Connection) -> None:
    """Billing looks up what is owed; now and then it collects a payment, and waits for the provider."""
    await connection.fetchrow(
        "SELECT i.id, i.total, i.due FROM invoices AS i WHERE i.order_id = $1 AND i.collected IS NULL",
        _order(client),
    )
    if client.random.random() < 0.12:
        await connection.execute(
            """UPDATE invoices
   SET collected = collect_payment(id, $2)
 WHERE order_id = $1""",
            client.random.randint(TROUBLED_ORDERS + 1, 12_000),
            client.random.uniform(1, 8),
        )


async def track(client: Client, connection: asyncpg.Connection) -> None:
    """The application without a name notes what visitors do."""
    await connection.execute(
        "INSERT INTO events (visitor, kind, page, details) VALUES ($1, 'view', $2, '{\"ms\": 40}')",
        client.random.randint(1, 3000),
        f"/product/{_product(client)}",
    )


async def report_sales(client: Client, connection: asyncpg.Connection) -> None:
    """Sales by country and product, sorted in so little memory that it goes to disk."""
    await connection.fetch(
        """SELECT c.country, p.title, date_trunc('week', o.placed) AS week,
       count(*) AS orders, sum(i.quantity * i.price) AS turnover,
       rank() OVER (PARTITION BY c.country ORDER BY sum(i.quantity * i.price) DESC) AS place
  FROM orders AS o
  JOIN customers AS c ON c.id = o.customer_id
  JOIN order_items AS i ON i.order_id = o.id
  JOIN products AS p ON p.id = i.product_id
 WHERE o.state <> 'cancelled' AND p.id % 8 = $1
 GROUP BY c.country, p.title, week
 ORDER BY turnover DESC
 LIMIT 50""",
        client.random.randrange(8),
    )


async def report_alike(client: Client, connection: asyncpg.Connection) -> None:
    """Who buys the same: the one query that works hard, for a second or two."""
    await connection.fetch(
        """WITH bought AS (
    SELECT DISTINCT o.customer_id, i.product_id
      FROM orders AS o
      JOIN order_items AS i ON i.order_id = o.id
     WHERE o.state <> $1
)
SELECT a.customer_id, b.customer_id AS like_customer, count(*) AS products,
       string_agg(DISTINCT regexp_replace(p.title, ' no[.] [0-9]+$', ''), ', ') AS kinds
  FROM bought AS a
  JOIN bought AS b ON b.product_id = a.product_id AND b.customer_id <> a.customer_id
  JOIN products AS p ON p.id = a.product_id
 GROUP BY 1, 2
 ORDER BY products DESC, 1, 2
 LIMIT 20""",
        client.random.choice(["cancelled", "new"]),
    )


async def report_live(client: Client, connection: asyncpg.Connection) -> None:
    """A dashboard in a snapshot of its own, left open while somebody reads it: idle in transaction for minutes."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.fetch(
            """SELECT state, count(*), max(updated)
  FROM orders
 WHERE placed > now() - interval '7 days'
 GROUP BY state""",
        )
        await asyncio.sleep(client.random.uniform(30, 180))


async def roll_up(client: Client, connection: asyncpg.Connection) -> None:
    """The nightly job of the analytics database: counts, forgets what it counted, and vacuums gently."""
    await connection.execute(
        """INSERT INTO hourly_visits (hour, kind, visitors, events)
SELECT date_trunc('hour', happened), kind, count(DISTINCT visitor), count(*)
  FROM events
 WHERE happened >= date_trunc('hour', now() - interval '1 hour')
 GROUP BY 1, 2
    ON CONFLICT (hour, kind) DO UPDATE SET visitors = excluded.visitors, events = excluded.events""",
    )
    await connection.execute("DELETE FROM hourly_visits WHERE hour < now() - interval '7 days'")
    # The first 30,000 are the sample; what the load adds is kept for an hour.
    await connection.execute("DELETE FROM events WHERE id > 30000 AND happened < now() - interval '1 hour'")
    # With these costs it rests some seconds and works some milliseconds.
    await connection.execute("SET vacuum_cost_delay = '100ms'")
    await connection.execute("SET vacuum_cost_limit = 60")
    await connection.execute("VACUUM (ANALYZE, DISABLE_PAGE_SKIPPING) events")


async def archive(client: Client, connection: asyncpg.Connection) -> None:
    """The nightly job of the shop: forgets orders that the load added more than an hour ago."""
    await connection.execute(
        "DELETE FROM orders WHERE id > $1 AND placed < now() - interval '1 hour'",
        ORDERS,
    )
    # The sample's orders are packed one by one; they are put back on the queue so that it never dries up.
    await connection.execute(
        """UPDATE orders
   SET state = 'new', updated = now()
 WHERE id IN (SELECT id FROM orders WHERE state = 'packed' AND id BETWEEN $1 AND $2 LIMIT 400)""",
        TROUBLED_ORDERS + 1,
        ORDERS,
    )
