"""The embedded PostgreSQL, its sample data and its live load.

`server` starts and stops it; `place` is where it lives; `programs` are PostgreSQL's own; `sample/` is
what the databases hold at first; `load/` is the process that keeps them busy.
"""
