"""The paper of a picture: lines, boxes, marks and texts by Pillow, whole pixels each, as PNG."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from setupdesk.picture.inks import Ink, Inks, thin

WIDTH, HEIGHT = 1200, 675
"""What messengers show without cutting anything away."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels from the left upper corner."""

_FONT = "DejaVuSansCondensed.ttf"
_FINE = 4
"""Slant edges are drawn so many times as large, and made small: then they are smooth."""

_DASH = 4


class Paper:
    """A picture while it is drawn."""

    def __init__(self, inks: Inks) -> None:
        self.inks = inks
        self.image = Image.new("RGB", (WIDTH, HEIGHT), inks.ground[:3])
        self._draw = ImageDraw.Draw(self.image, "RGBA")
        self._taken: list[Box] = []
        self._drawn: list[Box] = []

    def fill(self, box: Box, ink: Ink) -> None:
        """Fill a box, its edges too."""
        left, top, right, bottom = map(round, box)
        self._draw.rectangle(
            (min(left, right), min(top, bottom), max(left, right), max(top, bottom)), ink
        )

    def across(self, y: float, left: float, right: float, ink: Ink) -> None:
        """Draw a level line."""
        self.fill((left, y, right, y), ink)

    def dashes(self, y: float, left: float, right: float, ink: Ink) -> None:
        """Draw a level line of dashes."""
        for start in range(round(left), round(right), 2 * _DASH):
            self.across(y, start, min(start + _DASH - 1, right), ink)

    def path(self, points: Sequence[tuple[float, float]], ink: Ink) -> None:
        """Draw a line from point to point."""
        self._draw.line(list(points), ink, width=2)

    def arrow(self, x: float, y: float, ink: Ink, *, is_up: bool) -> None:
        """Draw an arrow head whose tip is at a point."""
        mask = _draw_arrow(is_up=is_up)
        top = round(y) if is_up else round(y) - mask.height
        self.image.paste(ink[:3], (round(x) - mask.width // 2, top), mask)

    def dot(self, x: float, y: float, ink: Ink) -> None:
        """Draw a dot around a point."""
        mask = _draw_dot()
        self.image.paste(ink[:3], (round(x) - mask.width // 2, round(y) - mask.height // 2), mask)

    def text(
        self, at: tuple[float, float], text: str, size: int, ink: Ink, anchor: str = "ls"
    ) -> None:
        """Write a text; *anchor* is Pillow's: where in the text the point is."""
        self._draw.text(at, text, ink, load_font(size), anchor)

    def label(
        self, spots: Sequence[tuple[float, float, str]], text: str, size: int, ink: Ink
    ) -> None:
        """Write a text where no other label is, on a ground of its own; else not at all.

        Of some spots it is the first where nothing else is drawn either, or as little as may be.
        """
        font = load_font(size)
        boxes = [(spot, self._draw.textbbox(spot[:2], text, font, spot[2])) for spot in spots]
        free = [(spot, box) for spot, box in boxes if self._is_free(box)]
        if not free:
            return
        (x, y, anchor), box = min(free, key=lambda one: _count_met(one[1], self._drawn))
        self.keep_free(box)
        left, top, right, bottom = box
        self.fill((left - 4, top - 3, right + 4, bottom + 3), thin(self.inks.ground, 0.8))
        self._draw.text((x, y), text, ink, font, anchor)

    def keep_free(self, box: Box) -> None:
        """Let no label be written over a box."""
        self._taken.append(box)

    def keep_clear(self, box: Box) -> None:
        """Let labels be written over a box only where there is no other room."""
        self._drawn.append(box)

    def _is_free(self, box: Box) -> bool:
        left, top, right, bottom = box
        wider = (left - 6, top - 4, right + 6, bottom + 4)
        return left >= 0 and right <= WIDTH and not _count_met(wider, self._taken)

    def to_png(self) -> bytes:
        """Give the picture as a PNG file."""
        file = BytesIO()
        self.image.save(file, "PNG", compress_level=4)
        return file.getvalue()


def _count_met(box: Box, others: Sequence[Box]) -> int:
    left, top, right, bottom = box
    return sum(
        left <= other[2] and other[0] <= right and top <= other[3] and other[1] <= bottom
        for other in others
    )


@cache
def load_font(size: int) -> ImageFont.FreeTypeFont:
    """Load the font of all pictures, which has Latin, Cyrillic and Greek, in a size of pixels."""
    with as_file(files("setupdesk.picture") / "font" / _FONT) as path:
        return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def shorten(text: str, size: int, width: float) -> str:
    """Cut a text that is wider than *width* pixels, and say by dots that it goes on."""
    font = load_font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def wrap(text: str, size: int, width: float, lines: int) -> list[str]:
    """Break a text at its spaces into as many lines as it may have; the last one is cut."""
    font, broken = load_font(size), [""]
    words = text.split()
    for place, word in enumerate(words):
        longer = f"{broken[-1]} {word}".strip()
        if font.getlength(longer) <= width or not broken[-1]:
            broken[-1] = longer
        elif len(broken) < lines:
            broken.append(word)
        else:
            broken[-1] = " ".join((broken[-1], *words[place:]))
            break
    return [shorten(line, size, width) for line in broken]


@cache
def _draw_arrow(*, is_up: bool) -> Image.Image:
    wide, high = 20 * _FINE, 16 * _FINE
    mask = Image.new("L", (wide, high))
    tip, foot = (0, high) if is_up else (high, 0)
    ImageDraw.Draw(mask).polygon([(wide / 2, tip), (0, foot), (wide, foot)], 255)
    return mask.reduce(_FINE)


@cache
def _draw_dot() -> Image.Image:
    wide = 15 * _FINE
    mask = Image.new("L", (wide, wide))
    ImageDraw.Draw(mask).ellipse((0, 0, wide - 1, wide - 1), 255)
    return mask.reduce(_FINE)
