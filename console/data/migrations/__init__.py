"""Migrations of any project: its files are read here, its revisions run in a process of their own.

sources     which directory is meant, and of what kind
alembic_files, sql_files    what the files say, without running them
history, graph, lanes   their order and heads, what a goal means, and how they are drawn
standing, status        where the database stands
worker/     the process that runs the files' code and SQL: the only place that imports Alembic
runner      that process seen from the console: a dry run, a run, its progress
hazards, losses     what a plan does to those who use the database, and what it takes away
service     all of that, for screens and commands
"""
