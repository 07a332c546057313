"""HistData: ASCII minute bars in Eastern Standard Time, which it keeps all year."""

from dataclasses import dataclass

import numpy as np

from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.adapters.importers.stamps import check_stamps, parse_stamps
from setupdesk.adapters.importers.text_table import (
    NUMBER,
    first_lines,
    matches,
    parse_table,
    split_line,
    to_numbers,
    to_prices,
)
from setupdesk.core.timeframe import Timeframe

_BAR = (r"\d{8} \d{6}", NUMBER, NUMBER, NUMBER, NUMBER, NUMBER)
_TICK = (r"\d{8} \d{9}", NUMBER, NUMBER, NUMBER)


@dataclass(frozen=True, slots=True)
class _HistData:
    name: str = "HistData"

    def recognises(self, content: bytes, file_name: str) -> bool:
        del file_name
        cells = _first_cells(content)
        return matches(cells, _BAR) or matches(cells, _TICK)

    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        del file_name
        if matches(_first_cells(content), _TICK):
            raise NotReadableError("It holds ticks. Download the 1 minute bars of HistData.")
        table = parse_table(content, 0, len(_BAR), numbers=range(1, 6))
        texts = table.to_series(0)
        lines = np.arange(1, len(table) + 1)
        stamps = parse_stamps(texts, timeframe, is_utc=True)
        _, mistakes = check_stamps(texts, stamps, lines)
        return Rows(
            lines=lines,
            time=np.where(stamps.is_bad, 0, stamps.utc_ms),
            prices=to_prices(table, (1, 2, 3, 4)),
            volume=to_numbers(table.to_series(5)),
            mistakes=mistakes,
            is_wall=True,
            clock="Etc/GMT+5",
        )


READER = _HistData()


def _first_cells(content: bytes) -> list[str]:
    lines = first_lines(content, 1)
    return split_line(lines[0]) if lines else []
