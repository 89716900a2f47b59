"""Statements as `pg_stat_statements` counts them: sampled by differences, texts asked for once."""
