"""PostgreSQL roles: what they are and may do, and changing them."""
