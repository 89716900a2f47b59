"""Passwords that are put into the keyring and taken out of it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace

from console.commands.asking import typed_password
from console.commands.launch import echo_warning, find_target
from console.commands.options import environment_option, may_ask_password
from console.credentials.passwords import TYPED
from console.credentials.vault import KeyringUnusable, Vault
from console.data.server import Server
from console.destinations import destination_of, target_of
from console.errors import OperationRefused, PasswordRefused
from console.models.environments import Destination
from console.models.target import Target
from console.settings import Settings, load_settings
from console.terminal.safe_text import visible

UNLOCKING_SECONDS = 60.0
"""Whoever stores a password is there, and may have to unlock the keyring first."""

_OTHER_WAYS = "~/.pgpass or the environment's password_command keep it too"


def log_in(argument: str | None) -> str:
    """Stores the password that is typed, once the server has taken it, and says so.

    Raises BadSetting, BadTarget, CannotConnect, or OperationRefused where nothing can be stored.
    """
    settings, destination = _meant(argument)
    return asyncio.run(_log_in(settings, destination, _vault(settings, destination)))


def log_out(argument: str | None) -> str:
    """Takes the password out again, and says so. Raises BadSetting, BadTarget or OperationRefused."""
    settings, destination = _meant(argument)
    target = target_of(destination, os.environ)
    return asyncio.run(_log_out(target, _vault(settings, destination)))


def _meant(argument: str | None) -> tuple[Settings, Destination]:
    options = environment_option()
    return load_settings(options), destination_of(argument, options["environment"], os.environ)


def _vault(settings: Settings, destination: Destination) -> Vault:
    if not settings.keyring:
        raise OperationRefused(f"The settings say keyring = false; {_OTHER_WAYS}.")
    return Vault(
        destination.environment,
        UNLOCKING_SECONDS,
        lambda: echo_warning("waiting for the keyring, which may have to be unlocked …"),
    )


async def _log_in(settings: Settings, destination: Destination, vault: Vault) -> str:
    target = find_target(destination, echo_warning)
    nobody = target.at(*(replace(one, password=None, password_from=None) for one in target.endpoints))
    try:
        await vault.find(target)
        await _try(nobody, settings)
    except KeyringUnusable as problem:
        raise OperationRefused(f"Nothing can be stored, for {problem}; {_OTHER_WAYS}.") from None
    except PasswordRefused:
        pass
    else:
        raise OperationRefused(
            f"{target.address} wants no password of role {target.user!r}; nothing was stored."
        )
    if not may_ask_password():
        raise OperationRefused("Nothing was stored: nobody is there to be asked for the password.")
    if (typed := typed_password(target.user, target.address)) is None:
        raise OperationRefused("Nothing was typed, and nothing stored.")
    try:
        await _try(
            target.at(*(replace(one, password=typed, password_from=TYPED) for one in target.endpoints)),
            settings,
        )
    except PasswordRefused as problem:
        raise problem.because((), "nothing was stored, and dbconsole login asks for another one") from None
    try:
        for place in target.endpoints:
            await vault.keep(target.at(place), typed)
    except KeyringUnusable as problem:
        raise OperationRefused(f"The password is right and could not be stored, for {problem}.") from None
    return visible(f"The password of {_whose(target)} is right, and is in the keyring now.")


async def _try(target: Target, settings: Settings) -> None:
    """Connects with the passwords that the target has, and with no other. Raises `CannotConnect`."""
    server = Server(target, settings)
    try:
        await server.connect()
    finally:
        await server.close()


async def _log_out(target: Target, vault: Vault) -> str:
    try:
        had = [await vault.forget(target.at(place)) for place in target.endpoints]
    except KeyringUnusable as problem:
        raise OperationRefused(f"Nothing was removed, for {problem}.") from None
    if not any(had):
        raise OperationRefused(f"The keyring has no password of {_whose(target)}; nothing was removed.")
    return visible(f"The password of {_whose(target)} is out of the keyring.")


def _whose(target: Target) -> str:
    return f"{target.user}@{target.address}"
