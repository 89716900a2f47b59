"""Widgets draw the models they are given and post messages; they know no service."""
