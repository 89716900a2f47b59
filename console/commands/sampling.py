"""What the headless commands share: connect, ask, close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from console.commands.launch import echo_warning, find_target
from console.data.server import Server
from console.settings import load_settings

Snapshot = TypeVar("Snapshot")


def sampled(argument: str | None, sample: Callable[[Server], Awaitable[Snapshot]]) -> Snapshot:
    """What `sample` gives on a live connection to the target, which is closed again.

    Raises BadSetting, BadTarget, CannotConnect or QueryFailed.
    """
    settings = load_settings()
    server = Server(find_target(argument, echo_warning), settings)

    async def ask() -> Snapshot:
        try:
            await server.connect()
            return await sample(server)
        finally:
            await server.close()

    return asyncio.run(ask())
