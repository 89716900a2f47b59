"""What a screen is at."""

from __future__ import annotations

from textual.dom import DOMNode


def is_busy(node: DOMNode, group: str) -> bool:
    """Whether a worker of that group is at work for the widget or the screen."""
    return any(
        worker.group == group and worker.node is node and not worker.is_finished for worker in node.workers
    )
