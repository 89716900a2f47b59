"""Plans: EXPLAIN that never runs a statement, what stands out in a plan, indexes to try."""
