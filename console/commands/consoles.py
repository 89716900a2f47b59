"""One console after the other: how each is run, and how it was left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from console.app import Complain, ConsoleApp
from console.errors import CannotConnect
from console.terminal.painter import forget_ended
from console.terminal.safe_text import visible

if TYPE_CHECKING:
    from console.data.services import Services
    from console.models.environments import Destination


class Left(NamedTuple):
    """How a console was left."""

    code: int
    """The exit code: 3 when no connection ever came about."""
    chosen: Destination | None
    """Where to go next, None when the person has finished."""
    theme: str
    screen: str


def run(
    services: Callable[[Complain], Services] | None,
    *,
    servers: Callable[[], Sequence[Destination]],
    theme: object,
    screen: object,
) -> Left:
    """Shows the console until the person leaves its server.

    The arguments are those of `ConsoleApp`. Raises what `services` raises, and `BadTheme` when the settings name a
    theme that there is not.
    """
    app = ConsoleApp(services, servers=servers, theme=theme, screen=screen)
    app.run()
    forget_ended()
    if app._exception is not None:
        raise app._exception
    if app.refusal is not None:
        raise app.refusal
    if app.chosen is not None and not app.return_code:
        return Left(0, app.chosen, app.theme, app.looked_at)
    return Left(_exit_code(app), None, app.theme, app.looked_at)


def _exit_code(app: ConsoleApp) -> int:
    if app.return_code:
        return app.return_code
    problem = app.services.server.link.problem if app.services else None
    if app.was_connected or problem is None:
        return 0
    print(f"dbconsole: {visible(problem)}", file=sys.stderr)
    return CannotConnect.exit_code
