"""Headless commands: each calls the same service as its screen and prints only its result."""
