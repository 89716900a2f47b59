"""Where a server is and as whom to go there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from pydantic import SecretStr


class SessionKind(Enum):
    """What a server must be to be taken, by libpq's values of target_session_attrs."""

    ANY = "any"
    READ_WRITE = "read-write"
    READ_ONLY = "read-only"
    PRIMARY = "primary"
    STANDBY = "standby"
    PREFER_STANDBY = "prefer-standby"
    """A standby, or else whatever is there."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted and verified, in libpq's words.

    `mode` is one of libpq's sslmode values; files and directories are paths, or None for libpq's defaults
    (`~/.postgresql/…`). `root_certificate` may be "system".
    """

    mode: str = "prefer"
    root_certificate: str | None = None
    certificate: str | None = None
    key: str | None = None
    key_password: SecretStr | None = field(default=None, repr=False)
    revocations: str | None = None
    """A file of certificates that were revoked."""
    revocations_directory: str | None = None
    minimum: str | None = None
    """The oldest version that is spoken ("TLSv1.2"), as `maximum` is the newest; None for what is usual."""
    maximum: str | None = None
    names_server: bool = True
    """Whether the server is told by which name it was looked for (SNI)."""
    is_direct: bool = False
    """Whether encryption begins at once, without asking PostgreSQL for it first."""
    presents_certificate: bool = True
    """Whether the client's certificate may be sent."""


@dataclass(frozen=True, slots=True)
class Tcp:
    """How a silent peer is found out; None is what the console thinks right. Times in seconds but where it is said."""

    keepalives: bool = True
    idle: int | None = None
    interval: int | None = None
    count: int | None = None
    user_timeout: int | None = None
    """Milliseconds that what was sent may stay unacknowledged."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the places where a server may be."""

    host: str
    port: int
    hostaddr: str | None = None
    password: SecretStr | None = field(default=None, repr=False)
    password_from: str | None = None
    """Where the password was found, for a person: "PGPASSWORD", "the keyring"."""

    @property
    def is_socket(self) -> bool:
        """Whether the host is the directory of a Unix socket."""
        return self.host.startswith("/")

    @property
    def address(self) -> str:
        """`host:port`, with brackets around an IPv6 address; a socket's directory is given as it is."""
        host = f"[{self.host}]" if ":" in self.host and not self.is_socket else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Target:
    """A PostgreSQL server, resolved: nothing is left for a driver to look up but the address of a name.

    `host` is a name, an address or, when it begins with "/", the directory of a Unix socket.
    `origin` says where the target was named ("argument", "DATABASE_URL", "DB_HOST", …), for messages.
    """

    host: str
    port: int
    user: str
    database: str
    password: SecretStr | None = field(default=None, repr=False)
    tls: Tls = Tls()
    connect_timeout: float | None = None
    """Seconds, for each address; None for what the settings say."""
    origin: str = "default"
    hostaddr: str | None = None
    """The address that is gone to instead of looking up `host`, whose name is verified and searched for in .pgpass."""
    others: tuple[Endpoint, ...] = ()
    """Where the server may be too, in the order of trying; empty for one that was found."""
    session: SessionKind = SessionKind.ANY
    is_shuffled: bool = False
    """Whether the places are tried in an order that chance decides."""
    tcp: Tcp = Tcp()
    application_name: str | None = None
    """A name that is put behind the console's own."""
    options: str | None = None
    """The command-line options that the server is sent, as psql's PGOPTIONS."""
    passfile: str | None = None
    """The password file; None for `~/.pgpass`."""
    is_pooled: bool = False
    """Whether a pooler is known to be there, that may keep no session: found out as the console connects."""
    password_from: str | None = None
    """Where the password was found, for a person."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Every place where the server may be, the first one first."""
        first = Endpoint(self.host, self.port, self.hostaddr, self.password, self.password_from)
        return (first, *self.others)

    def at(self, *endpoints: Endpoint) -> Target:
        """The same server at these places instead of its own."""
        first, *others = endpoints
        return replace(
            self,
            host=first.host,
            port=first.port,
            hostaddr=first.hostaddr,
            password=first.password,
            password_from=first.password_from,
            others=tuple(others),
        )

    @property
    def is_socket(self) -> bool:
        """Whether the host is the directory of a Unix socket."""
        return self.endpoints[0].is_socket

    @property
    def address(self) -> str:
        """`host:port`, with brackets around an IPv6 address; several have commas between."""
        return ",".join(endpoint.address for endpoint in self.endpoints)

    @property
    def label(self) -> str:
        """As `str()`, but as psql's prompt has it where the host is a socket: `role@[local]:port/database`."""
        hosts = (
            f"[local]:{endpoint.port}" if endpoint.is_socket else endpoint.address
            for endpoint in self.endpoints
        )
        return f"{self.user}@{','.join(hosts)}/{self.database}"

    def __str__(self) -> str:
        """`role@host:port/database`, without the password."""
        return f"{self.user}@{self.address}/{self.database}"
