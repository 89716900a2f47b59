"""dbconsole: a terminal admin console for PostgreSQL."""

__version__ = "0.1.0"
