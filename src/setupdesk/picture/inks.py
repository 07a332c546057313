"""The colours of pictures on a light and on a dark ground; those of the web desk's chart."""

from dataclasses import dataclass
from enum import StrEnum

Ink = tuple[int, int, int, int]
"""Red, green, blue and how much it covers, each to 255."""


class Theme(StrEnum):
    """The ground of a picture."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Inks:
    """What a picture is drawn with."""

    ground: Ink
    text: Ink
    muted: Ink
    rule: Ink
    accent: Ink
    up: Ink
    down: Ink
    candle_up: Ink
    candle_down: Ink
    session: Ink
    levels: tuple[Ink, ...]

    def of_result(self, r: float) -> Ink:
        """Choose the ink of a result."""
        return self.up if r > 0 else self.down if r < 0 else self.muted

    def of_level(self, number: int) -> Ink:
        """Choose the ink of a level by its number."""
        return self.levels[number % len(self.levels)]


def thin(ink: Ink, share: float) -> Ink:
    """Give an ink that covers a *share* of what is below it."""
    return (*ink[:3], round(255 * share))


def find_inks(theme: Theme) -> Inks:
    """Find the inks of a theme."""
    return _DARK if theme is Theme.DARK else _LIGHT


def _ink(code: str) -> Ink:
    red, green, blue = bytes.fromhex(code)
    return red, green, blue, 255


_LIGHT = Inks(
    ground=_ink("ffffff"),
    text=_ink("1b2430"),
    muted=_ink("667080"),
    rule=_ink("e6e8ec"),
    accent=_ink("2a62d9"),
    up=_ink("0b8a6a"),
    down=_ink("d5323d"),
    candle_up=_ink("1f9d82"),
    candle_down=_ink("e0555e"),
    session=thin(_ink("2a62d9"), 0.06),
    levels=tuple(map(_ink, ("2a62d9", "8a4fd0", "a86200", "667080"))),
)
_DARK = Inks(
    ground=_ink("0e1117"),
    text=_ink("e6e9ef"),
    muted=_ink("8d97a6"),
    rule=_ink("232a34"),
    accent=_ink("6f9bff"),
    up=_ink("2fbf99"),
    down=_ink("f2616b"),
    candle_up=_ink("2aa58a"),
    candle_down=_ink("e0555e"),
    session=thin(_ink("6f9bff"), 0.08),
    levels=tuple(map(_ink, ("6f9bff", "b88bf0", "e0a13a", "8d97a6"))),
)
