"""Environments that have names, and the servers that can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first frame does not wait for it
    from pydantic import SecretStr

PRODUCTION = "production"

Command = tuple[str, ...]
"""A program and its arguments."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the config file says of an environment beside settings. Addresses are written as TARGET is."""

    name: str
    origin: str
    """Where it is, in words that a message can begin with."""
    primary: SecretStr | None = None
    """None where a server has to be named each time, and only settings are the environment's."""
    replicas: tuple[SecretStr, ...] = ()
    pooler: SecretStr | None = None
    provider: str | None = None
    """"local", "fly", "aws" or "gcp"."""
    password_command: Command | None = None
    """What prints the password."""
    colour: str | None = None
    read_only: bool = False
    types_names: bool = False
    """Whether what is changed has to be typed out."""

    @property
    def servers(self) -> Iterator[tuple[str, SecretStr]]:
        """Each of its servers with what it is there: "primary", "replica 1", "pooler"."""
        if self.primary is not None:
            yield "primary", self.primary
        for number, replica in enumerate(self.replicas, 1):
            yield f"replica {number}", replica
        if self.pooler is not None:
            yield "pooler", self.pooler


class Kind(Enum):
    """How a server came to be known, in a word for a person."""

    ARGUMENT = "command line"
    ENVIRONMENT = "config file"
    VARIABLES = "variables"
    SERVICE = "service file"
    SOCKET = "local socket"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Destination:
    """A server that can be opened."""

    name: str
    """What it is called: "production · replica 1"."""
    kind: Kind
    origin: str
    """Where it was named, for a person."""
    argument: SecretStr | None = field(default=None, repr=False)
    """Its address as TARGET is written; None where variables name it."""
    environment: str | None = None
    password_command: Command | None = field(default=None, repr=False)
    uses_variables: bool = False
    """Whether libpq's variables fill what the address leaves out. Those of one server are not for another."""
    colour: str | None = None
    address: str = ""
    """`role@host:port/database`; empty where it cannot be told."""
    problem: str | None = None
    """Why it cannot be opened."""

    @property
    def title(self) -> str:
        """The name as it is shown: production's in capitals."""
        if self.environment != PRODUCTION:
            return self.name
        return self.name.replace(PRODUCTION, PRODUCTION.upper(), 1)
