"""The shared async data layer: the only code that talks to a server."""
