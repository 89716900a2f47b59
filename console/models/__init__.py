"""Frozen values that flow from the data layer to the screens. No I/O, no Textual, no SQL."""
