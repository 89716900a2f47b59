"""A screen that watches one feed while it is shown, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Generic, Protocol, TypeVar

from textual import on
from textual.events import ScreenResume, ScreenSuspend
from textual.reactive import reactive
from textual.screen import Screen

from console.clock import SYSTEM_CLOCK, Clock
from console.models.health import Thresholds, Vitals
from console.models.reading import Reading
from console.models.server import Link, LinkState
from console.models.status import Status

if TYPE_CHECKING:
    from console.data.feed import Dated, Feed
    from console.data.services import Services

    class Snapshot(Dated, Protocol):
        """What a screen shows: whatever it holds, it knows the server's time and what raises alerts."""

        @property
        def vitals(self) -> Vitals | None:
            """None where they were not asked for."""

    S = TypeVar("S", bound=Snapshot)
else:
    S = TypeVar("S")


class WatchingScreen(Screen[None], Generic[S]):
    """Its newest reading is `reading`. The first screen is there before its services, and is given them by `attach`."""

    MODE: ClassVar[str]

    reading: reactive[Reading[S] | None] = reactive(None, repaint=False)

    def __init__(self, services: Services | None, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self.services = services
        self.clock = clock
        self._unwatch: Callable[[], None] | None = None

    def feed_of(self, services: Services) -> Feed[S]:
        """The feed that this screen shows."""
        raise LookupError(f"{type(self).__name__} names no feed")

    def attach(self, services: Services) -> None:
        """The services are there: watches its feed, if it is the screen that is shown."""
        self.services = services
        if self.app.current_mode == self.MODE:
            self._watch()

    @on(ScreenResume)
    def _watch(self) -> None:
        if self.services is not None and self._unwatch is None:
            self._unwatch = self.feed_of(self.services).watch(self._take)

    @on(ScreenSuspend)
    def _stop_watching(self) -> None:
        # A dialog leaves its screen in sight: what is seen stays live.
        if self._unwatch is not None and self.app.current_mode != self.MODE:
            self._unwatch()
            self._unwatch = None

    def _take(self, reading: Reading[S]) -> None:
        if self.app.return_code is None:  # while the console ends, its widgets go one by one
            self.reading = reading

    @property
    def thresholds(self) -> Thresholds:
        """Above these an alert is raised."""
        return self.services.thresholds if self.services else Thresholds()

    @property
    def link(self) -> Link:
        """How things stand with the server."""
        if self.services is not None:
            return self.services.server.link
        return Link(LinkState.CONNECTING, self.clock.now())

    @property
    def status(self) -> Status:
        """What the header says."""
        services, reading = self.services, self.reading
        if services is None:
            return Status("dbconsole", None, False, self.link)
        return Status(
            target=services.server.target.label,
            environment=services.settings.environment,
            colour=services.settings.colour,
            read_only=services.settings.read_only,
            link=self.link,
            capabilities=services.server.capabilities,
            cost=services.server.cost,
            taken_at=reading.taken_at if reading else None,
            interval=reading.interval if reading else self.feed_of(services).interval,
            paused=reading.paused if reading else False,
            problem=reading.problem if reading else None,
        )
