"""A look into the places where a password may be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from console.credentials.command import CommandFailed, printed_password
from console.credentials.known import PASSWORD_FILE
from console.credentials.vault import KeyringUnusable, Vault
from console.errors import PasswordRefused
from console.models.credentials import Password, Question
from console.models.environments import Command
from console.models.target import Target
from console.pgpass import pgpass_password

COMMAND = "the password command"
KEYRING = "the keyring"


@dataclass(frozen=True, slots=True)
class Places:
    """Where passwords are looked for; None where that is not to be done."""

    command: Command | None
    vault: Vault | None
    environ: Mapping[str, str] | None
    """By which the password file is found."""


class Search:
    """One search for a password of the role at the target's first place.

    `question` says how it stands, and what a person is asked meanwhile.
    """

    def __init__(
        self,
        places: Places,
        place: Target,
        problem: PasswordRefused,
        was_refused: Callable[[SecretStr], bool],
    ) -> None:
        self.question = Question(
            place.user,
            place.endpoints[0].address,
            problem.problem,
            is_refusal=place.password is not None,
        )
        self.on_change: Callable[[], None] = lambda: None
        self._places = places
        self._place = place
        self._was_refused = was_refused

    async def run(self) -> Password | None:
        """The first password that was not refused yet, None where there is none."""
        for name, look in self._looks():
            self._tell(waiting_for=name)
            try:
                secret = await look()
            except (CommandFailed, KeyringUnusable) as problem:
                self._add_reason(str(problem))
                continue
            if secret is not None and not self._was_refused(secret):
                self._tell(waiting_for=None, is_found=True)
                return Password(secret, name)
            if secret is not None and name != self._place.password_from:
                self._add_reason(f"{name} has the one that was refused")
        self._tell(waiting_for=None)
        return None

    def _looks(self) -> Iterator[tuple[str, Callable[[], Awaitable[SecretStr | None]]]]:
        if self._places.environ is not None:
            yield PASSWORD_FILE, self._in_file
        if self._places.command is not None:
            yield COMMAND, self._from_command
        if self._places.vault is not None:
            yield KEYRING, self._in_keyring

    async def _in_file(self) -> SecretStr | None:
        """What it has by now: who changes a password may have written the new one down there."""
        assert self._places.environ is not None, "there is one where it is looked for"
        return await asyncio.to_thread(
            pgpass_password, self._place, self._places.environ, lambda _sentence: None
        )

    async def _from_command(self) -> SecretStr | None:
        assert self._places.command is not None, "there is one where it is looked for"
        printed = await printed_password(self._places.command)
        if printed.lines > 1:
            self._add_reason(f"{COMMAND} printed {printed.lines} lines, of which the first is taken")
        return printed.secret

    async def _in_keyring(self) -> SecretStr | None:
        assert self._places.vault is not None, "there is one where it is looked for"
        secret = await self._places.vault.find(self._place)
        self._tell(can_store=True, was_stored=secret is not None)
        return secret

    def _add_reason(self, reason: str) -> None:
        self._tell(reasons=(*self.question.reasons, reason))

    def _tell(self, **changes: Any) -> None:
        self.question = replace(self.question, **changes)
        self.on_change()
