"""Where a map looks: envelopes, and the view that places them on a grid of dots.

x grows to the east and y to the north, in the units of the view's SRID; dots are counted from the top left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Envelope:
    """A rectangle, its borders included."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        """From west to east."""
        return self.east - self.west

    @property
    def height(self) -> float:
        """From south to north."""
        return self.north - self.south

    @property
    def centre(self) -> tuple[float, float]:
        """x and y."""
        return (self.west + self.east) / 2, (self.south + self.north) / 2

    def contains(self, other: Envelope) -> bool:
        """Whether the other lies within this one."""
        return (
            self.west <= other.west
            and self.south <= other.south
            and self.east >= other.east
            and self.north >= other.north
        )

    def united(self, other: Envelope) -> Envelope:
        """The smallest one around both."""
        return Envelope(
            min(self.west, other.west),
            min(self.south, other.south),
            max(self.east, other.east),
            max(self.north, other.north),
        )

    def grown(self, share: float) -> Envelope:
        """With so much of its width and height added on every side."""
        x, y = self.width * share, self.height * share
        return Envelope(self.west - x, self.south - y, self.east + x, self.north + y)


@dataclass(frozen=True, slots=True)
class MapView:
    """What a map looks at: the point in its centre, and how much of the world one dot is."""

    x: float
    y: float
    scale: float
    """Units of the SRID in one dot; dots are square."""
    srid: int | None
    is_geographic: bool = False

    def frame(self, columns: int, rows: int) -> Frame:
        """This view on a grid of so many dots."""
        return Frame(self, columns, rows)

    def panned(self, right: float, down: float) -> MapView:
        """Moved by so many dots."""
        return replace(self, x=self.x + right * self.scale, y=self.y - down * self.scale)

    def zoomed(self, factor: float, at: tuple[float, float] | None = None) -> MapView:
        """So many times closer; the point `at` (x, y) stays where it is on the screen."""
        x, y = at or (self.x, self.y)
        return replace(
            self, x=x + (self.x - x) / factor, y=y + (self.y - y) / factor, scale=self.scale / factor
        )

    def fitted(self, envelope: Envelope, columns: int, rows: int, margin: float = 0.04) -> MapView:
        """Centred on an envelope, which just fits; a single point is shown as closely as numbers allow sense."""
        x, y = envelope.centre
        width, height = envelope.width * (1 + 2 * margin), envelope.height * (1 + 2 * margin)
        scale = max(width / max(1, columns), height / max(1, rows))
        least = max(abs(x), abs(y), 1.0) * 1e-9
        return replace(self, x=x, y=y, scale=scale if scale > least else least * 100)


@dataclass(frozen=True, slots=True)
class Frame:
    """A view on a grid of dots: what there is to draw."""

    view: MapView
    columns: int
    """Dots from left to right."""
    rows: int
    """Dots from top to bottom."""

    @property
    def envelope(self) -> Envelope:
        """What it shows of the world."""
        half_width = self.columns * self.view.scale / 2
        half_height = self.rows * self.view.scale / 2
        return Envelope(
            self.view.x - half_width,
            self.view.y - half_height,
            self.view.x + half_width,
            self.view.y + half_height,
        )

    def dot(self, x: float, y: float) -> tuple[float, float]:
        """Where a point is: dots from the left and from the top, with fractions."""
        envelope = self.envelope
        return (x - envelope.west) / self.view.scale, (envelope.north - y) / self.view.scale

    def place(self, column: float, row: float) -> tuple[float, float]:
        """The point (x, y) at a dot."""
        envelope = self.envelope
        return envelope.west + column * self.view.scale, envelope.north - row * self.view.scale
