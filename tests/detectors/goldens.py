"""The bars that the definitions are shown on: for each, what has to be found is written down."""

from setupdesk.market.bars import Bars
from tests.detectors.markets import draw, read


def draw_edges(high: list[float], low: list[float]) -> Bars:
    """Draw bars of which only highs and lows matter."""
    edges = zip(high, low, strict=True)
    return draw([(bottom, top, bottom, bottom) for top, bottom in edges])


SWINGS = draw_edges(
    [11, 12, 15, 14, 13, 12, 11, 13, 13, 12, 10], [9, 10, 12, 12, 11, 10, 8, 9, 10, 9, 7]
)

FAIR_VALUE_GAP = read(
    "100,101,99,100.5|100.5,104,100.4,103.8|103.8,105,102,104.5|104.5,104.6,101.6,102.2"
    "|102.2,103,101.4,102.8|102.8,102.9,100.2,100.4"
)

STRUCTURE = read(
    "10,11,9.5,10.5|10.5,13,10.4,12.8|12.8,12.9,11,11.2|11.2,11.5,10.2,11.3|11.3,12.6,11.2,12.5"
    "|12.5,14,12.4,13.6|13.6,13.8,12.7,12.9|12.9,13,11.9,12|12,12.1,9.8,10|10,10.6,9.9,10.4"
)

_EQUAL_HIGHS = [98, 100, 99, 98.5, 100.2, 99, 98, 99.9, 98.7, 100.6, 99]
EQUAL_HIGHS = draw_edges(_EQUAL_HIGHS, [high - 2 for high in _EQUAL_HIGHS])

DISPLACEMENT = read("10,10.5,9.9,10.2|10.2,10.4,9.9,10.1|10.1,12.1,10,12|12,12.9,11.7,12.3")

VWAP = read("100,102,99,101|101,104,101,103|103,103,100,100|100,101,98,99")

DAYS = draw_edges([20, 21, 22, 23, 22, 24, 23, 22.5], [10, 12, 13, 14, 14, 15, 15.5, 16])

GOLDENS = {
    "golden 4": SWINGS,
    "golden 5": FAIR_VALUE_GAP,
    "golden 6": STRUCTURE,
    "golden 8": VWAP,
    "golden 9": EQUAL_HIGHS,
    "golden 10": DISPLACEMENT,
    "golden 14": DAYS,
}
