"""Everything a screen or a headless command may ask, wired to one server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from console.clock import SYSTEM_CLOCK, Clock
from console.credentials.passwords import Passwords
from console.data.activity import ActivityService
from console.data.audit import AuditFile
from console.data.failures import FailureWatch
from console.data.feed import Feed
from console.data.pools import PoolsService
from console.data.server import Server
from console.data.spatial.line import MapLine
from console.data.vitals import VitalsReader
from console.models.activity import ActivitySnapshot
from console.models.health import Thresholds
from console.models.pools import PoolsSnapshot
from console.models.target import Target
from console.settings import Settings

if TYPE_CHECKING:  # two dozen dataclasses take 10 ms to make, which the first row does not have to wait for
    from console.data.accounts.service import AccountsService
    from console.data.migrations.service import MigrationsService
    from console.data.plans.service import PlansService
    from console.data.roles.service import RolesService
    from console.data.spatial.service import SpatialService
    from console.data.statements.service import StatementsService
    from console.data.waits import WaitsService
    from console.models.accounts import AccountsSnapshot
    from console.models.layers import SpatialSnapshot
    from console.models.migrations import MigrationStatus
    from console.models.statements import StatementsSnapshot
    from console.models.waits import WaitsSnapshot

WAITS_INTERVAL = 1.0
"""Seconds between two samples of what sessions wait for."""


@dataclass(frozen=True, slots=True)
class Services:
    """One server with its services and its feeds."""

    settings: Settings
    thresholds: Thresholds
    server: Server
    pools: PoolsService
    activity: ActivityService
    pools_feed: Feed[PoolsSnapshot]
    activity_feed: Feed[ActivitySnapshot]
    migrations_feed: Feed[MigrationStatus]
    statements_feed: Feed[StatementsSnapshot]
    waits_feed: Feed[WaitsSnapshot]
    accounts_feed: Feed[AccountsSnapshot]
    spatial_feed: Feed[SpatialSnapshot]
    map_line: MapLine
    find_migrations: Callable[[], MigrationsService]
    find_plans: Callable[[], PlansService]
    find_statements: Callable[[], StatementsService]
    find_waits: Callable[[], WaitsService]
    find_accounts: Callable[[], AccountsService]
    find_roles: Callable[[], RolesService]
    find_spatial: Callable[[], SpatialService]

    @property
    def migrations(self) -> MigrationsService:
        """Made when it is first asked for: watching does not pay for what it imports."""
        return self.find_migrations()

    @property
    def plans(self) -> PlansService:
        """Likewise made when it is first asked for."""
        return self.find_plans()

    @property
    def statements(self) -> StatementsService:
        """Likewise made when it is first asked for."""
        return self.find_statements()

    @property
    def waits(self) -> WaitsService:
        """Likewise made when it is first asked for."""
        return self.find_waits()

    @property
    def accounts(self) -> AccountsService:
        """Likewise made when it is first asked for."""
        return self.find_accounts()

    @property
    def roles(self) -> RolesService:
        """Likewise made when it is first asked for."""
        return self.find_roles()

    @property
    def spatial(self) -> SpatialService:
        """Likewise made when it is first asked for."""
        return self.find_spatial()

    @property
    def feeds(self) -> tuple[Feed[Any], ...]:
        """The feeds whose interval a person sets: all but that of the waits, which is always `WAITS_INTERVAL`."""
        return (
            self.pools_feed,
            self.activity_feed,
            self.migrations_feed,
            self.statements_feed,
            self.accounts_feed,
            self.spatial_feed,
        )

    async def close(self) -> None:
        """Stops asking, cancels what is under way on the server, and lets go of every connection."""
        for feed in (*self.feeds, self.waits_feed):
            await feed.close()
        await self.map_line.close()
        await self.server.close()


def services_for(
    target: Target, settings: Settings, clock: Clock = SYSTEM_CLOCK, passwords: Passwords | None = None
) -> Services:
    """The services of one server. Nothing is connected yet. `passwords` has those that the target does not."""
    server = Server(target, settings, clock, passwords)
    failures = FailureWatch(server, clock)
    pools = PoolsService(server, failures, clock)
    audit = AuditFile(clock=clock)
    activity = ActivityService(server, failures, audit)
    find_migrations = cache(partial(_migrations, server, settings, audit, failures, clock))

    async def sample_migrations() -> MigrationStatus:
        service = await asyncio.to_thread(find_migrations)
        return await service.sample()

    seconds = settings.history_minutes * 60.0
    find_statements = cache(partial(_statements, server, settings, audit, failures, clock))
    find_waits = cache(partial(_waits, server, seconds))
    find_accounts = cache(partial(_accounts, server, settings, audit, failures, clock))

    async def sample_statements() -> StatementsSnapshot:
        service = await asyncio.to_thread(find_statements)
        return await service.sample()

    async def sample_accounts() -> AccountsSnapshot:
        service = await asyncio.to_thread(find_accounts)
        return await service.sample()

    map_line = MapLine(server, settings)
    find_spatial = cache(partial(_spatial, server, settings, audit, failures, map_line, clock))

    async def sample_spatial() -> SpatialSnapshot:
        service = await asyncio.to_thread(find_spatial)
        return await service.sample()

    async def sample_waits() -> WaitsSnapshot:
        service = await asyncio.to_thread(find_waits)
        return await service.sample()

    return Services(
        settings=settings,
        thresholds=settings.thresholds,
        server=server,
        pools=pools,
        activity=activity,
        pools_feed=Feed(
            server,
            pools.sample,
            settings.refresh,
            first_look=pools.first_look,
            point=_pools_point,
            history_seconds=seconds,
            clock=clock,
        ),
        activity_feed=Feed(server, activity.sample, settings.refresh, clock=clock),
        migrations_feed=Feed(server, sample_migrations, settings.refresh, clock=clock),
        statements_feed=Feed(server, sample_statements, settings.refresh, clock=clock),
        waits_feed=Feed(server, sample_waits, WAITS_INTERVAL, clock=clock),
        accounts_feed=Feed(server, sample_accounts, settings.refresh, clock=clock),
        spatial_feed=Feed(server, sample_spatial, settings.refresh, clock=clock),
        map_line=map_line,
        find_migrations=find_migrations,
        find_plans=cache(partial(_plans, server, settings, audit)),
        find_statements=find_statements,
        find_waits=find_waits,
        find_accounts=find_accounts,
        find_roles=cache(partial(_roles, server, settings, audit)),
        find_spatial=find_spatial,
    )


def _migrations(
    server: Server, settings: Settings, audit: AuditFile, failures: FailureWatch, clock: Clock
) -> MigrationsService:
    from console.data.migrations.service import MigrationsService

    return MigrationsService(server, settings, audit, clock, vitals=VitalsReader(server, failures))


def _plans(server: Server, settings: Settings, audit: AuditFile) -> PlansService:
    from console.data.plans.service import PlansService

    return PlansService(server, settings, audit)


def _statements(
    server: Server, settings: Settings, audit: AuditFile, failures: FailureWatch, clock: Clock
) -> StatementsService:
    from console.data.statements.service import StatementsService
    from console.models.statements import StatementsView

    return StatementsService(
        server,
        audit,
        VitalsReader(server, failures),
        view=StatementsView(min_mean=settings.slow.min_mean),
        history_seconds=settings.history_minutes * 60.0,
        clock=clock,
    )


def _accounts(
    server: Server, settings: Settings, audit: AuditFile, failures: FailureWatch, clock: Clock
) -> AccountsService:
    from console.data.accounts.service import AccountsService

    return AccountsService(server, settings, audit, VitalsReader(server, failures), clock)


def _roles(server: Server, settings: Settings, audit: AuditFile) -> RolesService:
    from console.data.roles.service import RolesService

    return RolesService(server, settings, audit)


def _spatial(
    server: Server,
    settings: Settings,
    audit: AuditFile,
    failures: FailureWatch,
    map_line: MapLine,
    clock: Clock,
) -> SpatialService:
    from console.data.spatial.context import SpatialContext
    from console.data.spatial.service import SpatialService

    return SpatialService(
        SpatialContext(server, settings, audit, map_line, clock), VitalsReader(server, failures)
    )


def _waits(server: Server, history_seconds: float) -> WaitsService:
    from console.data.waits import WaitsService

    return WaitsService(server, history_seconds)


def _pools_point(snapshot: PoolsSnapshot) -> Mapping[str, float | None]:
    """What the charts of the Pools screen show."""
    counts = snapshot.counts
    commits = [database.commits for database in snapshot.databases]
    return {
        "total": float(snapshot.vitals.connections),
        "active": float(counts.active),
        "in tx": float(counts.in_transaction),
        "wait": float(counts.waiting),
        "commits": sum(c for c in commits if c is not None) if any(c is not None for c in commits) else None,
    }
