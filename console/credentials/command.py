"""A program that prints a password: `pass show db/production`."""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from console.models.environments import Command

COMMAND_SECONDS = 30.0
"""It may have to ask somebody else first, an agent or a cloud."""


class CommandFailed(Exception):
    """Why there is no password, in words that a sentence can have in it; nothing that the program printed."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a program printed."""

    secret: SecretStr = field(repr=False)
    """The first line."""
    lines: int


async def printed_password(command: Command, seconds: float = COMMAND_SECONDS) -> Printed:
    """What the program prints. It is run without a shell, and nobody can type into it.

    It has its process group to itself, of which nothing is left at the end, whatever that is.
    Raises CommandFailed.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "its name is none"
        raise CommandFailed(f"the password command cannot be started: {why}") from None
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
    except TimeoutError:
        raise CommandFailed(f"the password command did not end within {seconds:g} s") from None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if code := process.returncode:
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        raise CommandFailed(f"the password command ended with {how}")
    return _printed(output)


def _printed(output: bytes) -> Printed:
    try:
        lines = output.decode().removesuffix("\n").split("\n")
    except UnicodeDecodeError:
        raise CommandFailed("the password command printed what is not UTF-8 text") from None
    if not (first := lines[0].removesuffix("\r")):
        raise CommandFailed("the password command printed no password")
    return Printed(SecretStr(first), len(lines))
