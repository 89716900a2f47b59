"""The embedded PostgreSQL, its sample data and its live load."""
