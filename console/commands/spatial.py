"""`dbconsole spatial`: which layers there are, how many objects, writing them into files, bringing files into them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.commands.accounts import no_target, print_json, print_sentence, print_table, say
from console.commands.changing import changing_options, confirm
from console.commands.options import json_option, target_argument
from console.commands.spatial_layers import (
    ProgressLine,
    box_option,
    find_layer,
    layer_option,
    where_option,
    with_spatial,
)

if TYPE_CHECKING:
    from console.data.spatial.service import SpatialService
    from console.models.accounts import BulkProgress
    from console.models.layers import Layer, SpatialSnapshot
    from console.models.map_files import Imported, Written
    from console.models.map_objects import Count
    from console.models.map_view import Envelope
    from console.models.pyramids import PyramidState

_FORMATS = ("geojson", "csv", "dxf")
_srid = click.IntRange(min=1, max=999_999)


@click.group(
    "spatial",
    epilog="""
\b
Exit codes
  0  done
  1  failed; with import: nothing was imported, for rows were refused
  2  wrong usage or bad input
  3  could not connect
""",
)
def command() -> None:
    """Show the layers of a map, count, export and import their objects, and build pyramids."""


@command.command("layers")
@target_argument
@json_option
def layers(target: str | None, as_json: bool) -> None:
    """Print the columns with geometry, and what is wrong with them."""

    async def read(spatial: SpatialService) -> SpatialSnapshot:
        return await spatial.sample()

    snapshot = with_spatial(target, {}, read)
    if as_json:
        print_json(snapshot)
        return
    print_table(
        ["layer", "kind", "shape", "srid", ">rows", ">size", "index", "access", "relation"],
        [_line(layer) for layer in snapshot.layers],
        "There is no column with geometry.",
    )
    for note in snapshot.notes:
        say(note)


@command.command("count")
@target_argument
@layer_option
@box_option
@where_option
@json_option
def count(
    target: str | None, layer_name: str | None, box: Envelope | None, where: str, as_json: bool
) -> None:
    """Print how many objects a layer has, in a box or for a filter.

    Where counting takes too long it is the planner's estimate, which is said.
    """

    async def read(spatial: SpatialService) -> Count:
        layer = await find_layer(spatial, layer_name)
        only = await spatial.objects.filter(layer, where)
        return await spatial.objects.count(layer, layer.srid, box, only)

    found = with_spatial(target, {}, read)
    if as_json:
        print_json(found)
    else:
        print_sentence(str(found.number))
        if not found.is_exact:
            say("That is an estimate: counting would take too long.")


@command.command("export")
@target_argument
@layer_option
@box_option
@where_option
@click.option("--format", "format_name", type=click.Choice(_FORMATS), help="By default what the name of FILE says, else geojson.")  # fmt: skip
@click.option("--srid", type=_srid, metavar="SRID", help="What CSV and DXF are written in; the layer's own by default.")  # fmt: skip
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to; - is standard output, the default.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace FILE where there is one.")
def export(
    target: str | None,
    layer_name: str | None,
    box: Envelope | None,
    where: str,
    format_name: str | None,
    srid: int | None,
    output: str,
    overwrite: bool,
) -> None:
    """Write the objects of a layer as GeoJSON, CSV (with WKT) or DXF.

    FILE is whole or not there: it gets its name when all is written.
    """
    from pathlib import Path

    from console.models.map_files import Extract, FileFormat, number_of

    path = Path(output)
    suffix = path.suffix.lower().removeprefix(".")
    if format_name is None and suffix not in ("", "json", *_FORMATS):
        raise click.UsageError(
            f"{path.name}: nothing is written as .{suffix}; give --format {', '.join(_FORMATS)}."
        )
    format_ = FileFormat(format_name or (suffix if suffix in _FORMATS else "geojson"))
    line = ProgressLine()

    def tell(progress: BulkProgress) -> None:
        line.tell(f"{progress.done:,} of about {progress.total:,} objects")

    async def write(spatial: SpatialService) -> Written:
        layer = await find_layer(spatial, layer_name)
        only = await spatial.objects.filter(layer, where)
        extract = Extract(layer, envelope=box, envelope_srid=layer.srid, only=only, srid=srid)
        if output == "-":
            return await spatial.exports.write_to(extract, format_, sys.stdout.buffer, progress=tell)
        return await spatial.exports.write(extract, format_, path, overwrite=overwrite, progress=tell)

    try:
        written = with_spatial(target, {}, write)
    finally:
        line.clear()
    if output != "-":
        say(f"{number_of(written.objects, 'object')} written to {output}.")
    for note in written.notes:
        say(note)


@command.command("import")
@click.argument("file", callback=no_target)
@target_argument
@layer_option
@click.option("--srid", type=_srid, metavar="SRID", help="What the coordinates of FILE are in, where it does not say so rightly.")  # fmt: skip
@click.option("--flip/--no-flip", default=None, help="Exchange x and y, or do not, whatever it looks like.")
@click.option("--skip-refused", is_flag=True, help="Import what can be imported although other rows are refused.")  # fmt: skip
@changing_options
@json_option
def import_(
    file: str,
    target: str | None,
    layer_name: str | None,
    srid: int | None,
    flip: bool | None,
    skip_refused: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Bring the objects of FILE (GeoJSON or CSV) into a layer, in one transaction.

    A CSV file has titles, and places as WKT or in columns x and y, or lon and lat. Unless --skip-refused is given all
    of it is imported or nothing. Rows that are refused are listed on standard error.
    """
    from pathlib import Path

    from console.data.spatial.imports import ImportRefused
    from console.data.spatial.imports_looking import CoordinatesDoubted
    from console.errors import BadInput
    from console.models.map_files import ImportChoices

    line = ProgressLine()

    def tell(progress: BulkProgress) -> None:
        line.tell(f"{progress.done:,} of {progress.total:,} objects")

    async def write(spatial: SpatialService) -> Imported:
        layer = await find_layer(spatial, layer_name)
        choices = ImportChoices(srid, flip, skip_refused)
        plan = await spatial.imports.plan(layer, Path(file), choices)
        if not plan.refusals.count or skip_refused:
            confirm(plan.operation, options, err=True)
        return await spatial.imports.make(plan, tell)

    try:
        done = with_spatial(target, options, write)
    except CoordinatesDoubted as problem:
        remedy = "Give --flip to exchange them, or --no-flip where they are right."
        raise BadInput(f"{problem.sentence} {remedy}") from None
    except ImportRefused as problem:
        line.clear()
        for sentence in problem.refusals.sentences:
            say(sentence)
        raise
    finally:
        line.clear()
    for sentence in done.refusals.sentences:
        say(sentence)
    if as_json:
        print_json(done)
    else:
        print_sentence(done.sentence)
    return 0


@command.command("pyramid")
@target_argument
@layer_option
@click.option("--build", "what", flag_value="build", help="Count the layer at every scale, which reads it once.")  # fmt: skip
@click.option("--refresh", "what", flag_value="refresh", help="Count it anew, where it was counted before.")
@click.option("--drop", "what", flag_value="drop", help="Drop the counts.")
@changing_options
@json_option
def pyramid(
    target: str | None, layer_name: str | None, what: str | None, as_json: bool, **options: Any
) -> None:
    """Print what density pyramid a layer has in the database; or build, refresh or drop it."""
    line = ProgressLine()

    async def work(spatial: SpatialService) -> PyramidState | str:
        from console.errors import BadInput

        layer = await find_layer(spatial, layer_name)
        state = await spatial.pyramids.state(layer)
        if what is None:
            return state
        if what == "drop":
            plan = await spatial.pyramids.dropping(layer)
            confirm(plan.operation, options, err=True)
            return await spatial.pyramids.drop(plan)
        if what == "refresh" and state.pyramid is None:
            raise BadInput(f"{layer.name} has no pyramid that could be refreshed; --build builds one.")
        plan = await spatial.pyramids.building(layer)
        confirm(plan.operation, options, err=True)
        return await spatial.pyramids.build(
            plan, lambda progress: line.tell(f"{progress.share:4.0%} {progress.doing}")
        )

    try:
        answer = with_spatial(target, options, work)
    finally:
        line.clear()
    if isinstance(answer, str):
        print_sentence(answer)
    elif as_json:
        print_json(answer.pyramid)
    else:
        _print_pyramid(answer)


def _print_pyramid(state: PyramidState) -> None:
    from console.commands.accounts import moment
    from console.units import UNKNOWN, bytes_binary
    from console.units import count as number

    one = state.pyramid
    if one is None:
        say("There is no pyramid; --build builds one.")
        return
    print_table(
        ["layer", "built (UTC)", ">objects", ">left out", ">levels", ">size", ">changes since", "state"],
        [[
            str(one.layer), moment(one.built_at), number(one.rows), number(one.left_out), str(one.levels),
            bytes_binary(one.size), number(one.changes) if one.changes is not None else UNKNOWN,
            "stale" if one.is_stale else "fresh",
        ]],
        "",
    )  # fmt: skip


def _line(layer: Layer) -> list[str]:
    from console.units import bytes_binary
    from console.units import count as number

    access = "write" if layer.may_write else "read" if layer.may_read else "denied"
    return [
        str(layer.name),
        layer.kind.value,
        layer.shape,
        str(layer.srid) if layer.srid else "none",
        number(layer.rows),
        bytes_binary(layer.size),
        "yes" if layer.has_index else "none",
        access,
        layer.relation.value,
    ]
