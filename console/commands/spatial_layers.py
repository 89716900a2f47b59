"""What the commands about maps have in common: the layer, the box and the filter that they are about."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from console.data.server import Server
    from console.data.spatial.service import SpatialService
    from console.models.layers import Layer
    from console.models.map_view import Envelope
    from console.settings import Settings

Answer = TypeVar("Answer")

_PAUSE = 0.2
"""Seconds between two lines about how far something is."""
_ENDING = (signal.SIGTERM, signal.SIGHUP)

layer_option = click.option(
    "--layer",
    "layer_name",
    metavar="SCHEMA.TABLE[.COLUMN]",
    help="Which layer; the one that the screen begins with by default.",
)


def _box(context: click.Context, _parameter: click.Parameter, text: str | None) -> Envelope | None:
    from console.models.map_view import Envelope

    if text is None:
        return None
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise click.UsageError("--bbox is four numbers: WEST,SOUTH,EAST,NORTH.", context) from None
    if not (west <= east and south <= north):
        raise click.UsageError("--bbox: west comes before east, and south before north.", context)
    return Envelope(west, south, east, north)


box_option = click.option(
    "--bbox",
    "box",
    metavar="W,S,E,N",
    callback=_box,
    help="Only what touches this box, in the layer's own coordinates.",
)
where_option = click.option(
    "--where",
    default="",
    metavar="WORDS",
    help='As in the filter of the screen: pump, object_type=door, "$.floor > 3".',
)


def with_spatial(
    target: str | None, options: Mapping[str, Any], work: Callable[[SpatialService], Awaitable[Answer]]
) -> Answer:
    """What `work` gives with the maps of a live server, which is let go of again; SIGTERM and SIGHUP cancel it."""
    import asyncio

    from console.commands.sampling import sampled_with
    from console.data.audit import AuditFile
    from console.data.spatial.context import SpatialContext
    from console.data.spatial.line import MapLine
    from console.data.spatial.service import SpatialService

    async def ask(server: Server, settings: Settings) -> Answer:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "it runs in one"
        for number in _ENDING:
            # What `nohup` has ignored stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                with suppress(NotImplementedError):
                    loop.add_signal_handler(number, task.cancel)
        line = MapLine(server, settings)
        try:
            return await work(SpatialService(SpatialContext(server, settings, AuditFile(), line)))
        finally:
            await line.close()

    settings = {name: options[name] for name in ("environment", "read_only") if name in options}
    try:
        return sampled_with(target, settings, ask)
    except asyncio.CancelledError:
        raise click.Abort from None


async def find_layer(spatial: SpatialService, name: str | None) -> Layer:
    """The layer of that name, else the one that the screen begins with.

    Raises `BadInput` where there is none or more than one, and as `Layers.sample`.
    """
    from console.errors import BadInput

    snapshot = await spatial.sample()
    if name is None:
        if snapshot.default is None:
            raise BadInput(" ".join(["There is no layer that can be read.", *snapshot.notes]))
        return snapshot.default
    found = [
        layer
        for layer in snapshot.layers
        if name in (str(layer.name), f"{layer.name.schema}.{layer.name.table}", layer.name.table)
    ]
    if len(found) > 1:
        raise BadInput(
            f"{name} may be {' or '.join(str(layer.name) for layer in found)}; give its whole name."
        )
    if not found:
        raise BadInput(f"There is no layer {name}; dbconsole spatial layers prints those that there are.")
    return found[0]


class ProgressLine:
    """How far something is, on one line of a terminal; nothing where standard error is none."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._last = 0.0
        self._width = 0

    def tell(self, words: str) -> None:
        """Says it, unless something was said just now."""
        if self._is_shown and time.monotonic() - self._last >= _PAUSE:
            self._last = time.monotonic()
            self._write(words)

    def clear(self) -> None:
        """Leaves the line empty."""
        if self._width:
            self._write("")
            click.echo("\r", nl=False, err=True)

    def _write(self, words: str) -> None:
        click.echo(f"\r{words.ljust(self._width)}", nl=False, err=True)
        self._width = len(words)
