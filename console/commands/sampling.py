"""What the headless commands share: connect, ask, close."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from console.commands.asking import TerminalAsker
from console.commands.launch import echo_warning, find_target, passwords_for
from console.commands.options import environment_option, may_ask_password
from console.data.server import Server
from console.destinations import destination_of
from console.settings import Settings, load_settings

Answer = TypeVar("Answer")


def sampled(argument: str | None, sample: Callable[[Server], Awaitable[Answer]]) -> Answer:
    """What `sample` gives on a live connection to the target, which is closed again.

    Raises BadSetting, BadTarget, CannotConnect or QueryFailed.
    """
    return sampled_with(argument, {}, lambda server, _settings: sample(server))


def sampled_with(
    argument: str | None,
    options: Mapping[str, Any],
    work: Callable[[Server, Settings], Awaitable[Answer]],
) -> Answer:
    """As `sampled`, with settings from the command line, which `work` is given too."""
    options = environment_option() | dict(options)
    settings = load_settings(options)
    destination = destination_of(argument, options["environment"], os.environ)
    target = find_target(destination, echo_warning)
    passwords = passwords_for(destination, target, settings)
    if may_ask_password():
        passwords.asker = TerminalAsker()
    server = Server(target, settings, passwords=passwords)

    async def ask() -> Answer:
        try:
            await server.connect()
            return await work(server, settings)
        finally:
            await server.close()

    return asyncio.run(ask())
