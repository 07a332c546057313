"""Importers: files of other programs become bars, or are refused with every reason.

``READERS`` knows the formats. A new one is a file beside this and a line there.
"""

import hashlib
from typing import Literal

from setupdesk.adapters.importers import csv_with_header
from setupdesk.adapters.importers.checking import check_rows
from setupdesk.adapters.importers.clocks import Declared, apply_clock
from setupdesk.adapters.importers.rows import NotReadableError, Reader
from setupdesk.adapters.importers.unpacking import unpack
from setupdesk.core.errors import InvalidImportError
from setupdesk.core.symbol import Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.clock_evidence import check_clock
from setupdesk.market.data_set import ImportedBars

READERS: tuple[Reader, ...] = (csv_with_header.READER,)
"""The formats, most particular first: the first that recognises a file reads it."""


def read_bars(  # noqa: PLR0913 - all that a user may say of a file
    raw: bytes,
    file_name: str,
    symbol: Symbol,
    timeframe: Timeframe,
    clock: str | None = None,
    *,
    accept_clock: bool = False,
    reference: Bars | None = None,
    stamped_at: Literal["open", "close"] | None = None,
) -> ImportedBars:
    """Read the file *raw* as bars of *symbol*.

    *reference* is a series of the symbol in UTC, which helps to find the clock of the file.
    Raises ``InvalidImportError`` that names every mistake, where it is and what to do, and
    ``ClockNeededError`` with a proposal for wall times of which nobody said the clock.
    """
    declared = Declared(
        clock=clock, accept_clock=accept_clock, stamped_at=stamped_at, reference=reference
    )
    try:
        content = unpack(raw)
        reader = _find_reader(content)
        rows = reader.read(content, timeframe)
        timed = apply_clock(rows, file_name, symbol, timeframe, declared)
        bars, quality = check_rows(timed.rows, symbol, timeframe)
    except NotReadableError as mistake:
        raise InvalidImportError(file_name, str(mistake)) from mistake
    if timed.doubt is not None:
        raise timed.doubt
    return ImportedBars(
        bars=bars,
        source_format=reader.name,
        source_sha256=hashlib.sha256(raw).hexdigest(),
        quality=quality,
        clock=timed.clock.name,
        warnings=(*timed.warnings, *check_clock(bars, symbol, timed.clock)),
    )


def _find_reader(content: bytes) -> Reader:
    reader = next((reader for reader in READERS if reader.recognises(content)), None)
    if reader is None:
        known = ", ".join(reader.name for reader in READERS)
        raise NotReadableError(f"Its format is not known. Formats: {known}. {_ADVICE}")
    return reader


_ADVICE = "The first line must name the columns: time,open,high,low,close[,volume]."
