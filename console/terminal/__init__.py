"""What leaves for the terminal: the delta painter, the clipboard, safe text."""
