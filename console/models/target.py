"""Where a server is and as whom to go there."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Tls:
    """How a connection is encrypted and verified, in libpq's words.

    `mode` is one of libpq's sslmode values; the others are paths of files, or None for libpq's defaults
    (`~/.postgresql/…`). `root_certificate` may be "system".
    """

    mode: str = "prefer"
    root_certificate: str | None = None
    certificate: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One PostgreSQL endpoint, resolved: nothing is left for a driver to look up.

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
    """Seconds; None for what the settings say."""
    origin: str = "default"

    @property
    def is_socket(self) -> bool:
        """Whether the host is the directory of a Unix socket."""
        return self.host.startswith("/")

    @property
    def address(self) -> str:
        """`host:port`, with brackets around an IPv6 address; a socket's directory is given as it is."""
        if self.is_socket:
            return f"{self.host}:{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def label(self) -> str:
        """As `str()`, but as psql's prompt has it where the host is a socket: `role@[local]:port/database`."""
        host = f"[local]:{self.port}" if self.is_socket else self.address
        return f"{self.user}@{host}/{self.database}"

    def __str__(self) -> str:
        """`role@host:port/database`, without the password."""
        return f"{self.user}@{self.address}/{self.database}"
