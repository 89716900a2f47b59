"""The passwords for one server, as long as the console is there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from pydantic import SecretStr

from console.credentials.search import Places, Search
from console.credentials.vault import KeyringUnusable, Vault
from console.errors import PasswordRefused
from console.models.credentials import Answer, Password, Question
from console.models.environments import Command
from console.models.target import Target

TYPED = "what was typed"


class Asker(Protocol):
    """Who asks a person."""

    @property
    def patience(self) -> float | None:
        """Seconds that it lets be looked elsewhere before it asks; None for as long as that takes."""

    async def ask(self, question: Question) -> Answer | None:
        """What was typed; None where nobody answers, or nobody has to any more."""

    def update(self, question: Question) -> None:
        """Takes the question that is being asked, as things stand now."""

    def say(self, sentence: str) -> None:
        """Tells what became of a password that was to be stored."""


class Passwords:
    """Has a password for each place of a server that wants one, by trial.

    `known` gives what to begin with, `another` what to go on with where that was refused, and `proven` hears which
    one was right. What was refused is not tried again, until `start_over`.
    """

    def __init__(
        self,
        command: Command | None = None,
        vault: Vault | None = None,
        environ: Mapping[str, str] | None = None,
        remedy: str = "give the right one",
    ) -> None:
        """`command` prints the password, `vault` is the keyring, `environ` leads to the password file; None where it is
        not to be used.

        `remedy` says at the end of a sentence what a person can do where there is no right one, beside storing it.
        """
        self.asker: Asker | None = None
        """None where nobody is to be asked."""
        self._places = Places(command, vault, environ)
        self._remedy = remedy
        self._right: dict[str, Password] = {}
        self._typed: Password | None = None
        self._to_store = False
        self._refused: set[tuple[str, SecretStr]] = set()
        self._given_up: str | None = None
        """What was said when nobody had another one."""
        self._storing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def known(self, place: Target) -> Target:
        """The place with what was found for it last, else with what was typed, else with its own; not a refused one."""
        found = self._right.get(_key(place)) or self._typed
        if found is not None:
            return replace(place, password=found.secret, password_from=found.where)
        if place.password is not None and self._was_refused(place, place.password):
            return replace(place, password=None, password_from=None)
        return place

    async def another(self, place: Target, problem: PasswordRefused) -> Target:
        """The place with another password; `problem` is what its server said of the one that it has, or of none.

        Raises PasswordRefused, with the reasons, where there is none.
        """
        async with self._turn:
            if place.password is not None:
                self._refuse(place, place.password)
            known = self.known(place)
            if known.password is not None:  # somebody else found one meanwhile
                return known
            if self._given_up is not None:
                raise PasswordRefused(self._given_up)
            self._right[_key(place)] = await self._found(place, problem)
            return self.known(place)

    def proven(self, place: Target) -> None:
        """The server has taken the place's password: it is stored, if that was wished for."""
        self.start_over()
        if self._to_store and self._typed is not None and place.password == self._typed.secret:
            self._to_store = False
            self._storing = asyncio.create_task(self._store(place, self._typed.secret), name="store password")

    def start_over(self) -> None:
        """Forgets what was refused, and that nobody wanted to answer: a person tries again."""
        self._refused.clear()
        self._given_up = None

    def _refuse(self, place: Target, secret: SecretStr) -> None:
        key = _key(place)
        self._refused.add((key, secret))
        if (found := self._right.get(key)) is not None and found.secret == secret:
            del self._right[key]
        if self._typed is not None and self._typed.secret == secret:
            self._typed = None

    def _was_refused(self, place: Target, secret: SecretStr) -> bool:
        return (_key(place), secret) in self._refused

    async def _found(self, place: Target, problem: PasswordRefused) -> Password:
        """What is somewhere, or is typed meanwhile. Raises PasswordRefused."""
        search = Search(self._places, place, problem, lambda secret: self._was_refused(place, secret))
        looking = asyncio.create_task(search.run(), name="look for a password")
        try:
            asker = self.asker
            await asyncio.wait([looking], timeout=asker.patience if asker is not None else None)
            if looking.done() and (found := looking.result()) is not None:
                return found
            if asker is not None:
                search.on_change = lambda: asker.update(search.question)
                if (answer := await asker.ask(search.question)) is not None:
                    self._to_store = answer.store
                    self._typed = Password(answer.secret, TYPED)
                    return self._typed
            if looking.done() and (found := looking.result()) is not None:
                return found
        finally:
            looking.cancel()
            await asyncio.wait([looking])  # by then a program that it started is gone
        login = ", or store it with dbconsole login" if search.question.can_store else ""
        final = problem.because(search.question.reasons, self._remedy + login)
        self._given_up = final.sentence
        raise final

    async def _store(self, place: Target, secret: SecretStr) -> None:
        asker, vault = self.asker, self._places.vault
        assert asker is not None, "there is who asked"
        assert vault is not None, "there is what it was asked for"
        try:
            await vault.keep(place, secret)
        except KeyringUnusable as problem:
            asker.say(f"The password was not stored: {problem}.")
        else:
            asker.say("The password is in the keyring.")


def _key(place: Target) -> str:
    """The role and the first place of a target, whichever of its addresses that is reached by."""
    return f"{place.user}@{place.endpoints[0].address}"
