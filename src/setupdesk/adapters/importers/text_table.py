"""Tables of text: bytes in any encoding become columns of text, and text becomes numbers."""

import csv
import re

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import NotReadableError
from setupdesk.market.bars import Floats

_SAMPLE_BYTES = 16_384
_DECIMAL_COMMA = r"^\s*[+-]?\d+,\d+\s*$"


def decode(content: bytes) -> str:
    """Give the text of *content*, whose encoding is told by its first bytes."""
    # A sample may end within a character; a whole file with such bytes fails on its numbers.
    return content.decode(_find_encoding(content), errors="replace")


def _find_encoding(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"

    # MetaTrader writes UTF-16 and some of its scripts forget the mark in front.
    if len(content) > 3 and not any(content[1:64:2]):
        return "utf-16-le"
    return "utf-8-sig"


def first_lines(content: bytes, count: int = 2) -> list[str]:
    """Give the first *count* lines, or as many as there are."""
    text = decode(content[:_SAMPLE_BYTES]).strip("\r\n")
    return [line.rstrip("\r") for line in text.split("\n", count)[:count]]


def find_separator(line: str) -> str:
    """Guess what stands between the cells of *line*."""
    return max(",;\t", key=line.count)


def split_line(line: str, separator: str | None = None) -> list[str]:
    """Give the cells of *line*, without quotes around them."""
    reader = csv.reader([line.replace("\0", "")], delimiter=separator or find_separator(line))
    try:
        cells = next(reader, [])
    except csv.Error:
        cells = line.split(separator or find_separator(line))
    return [cell.strip() for cell in cells]


def parse_table(text: str, skip: int, width: int, separator: str | None = None) -> pl.DataFrame:
    """Give the lines after the first *skip* as columns of text, *width* of them."""
    body = text.strip("\r\n")
    for _ in range(skip):
        body = body.partition("\n")[2]
    if not body:
        raise NotReadableError("It has no rows.")

    # A quote that is never closed would swallow lines, and no number needs one.
    body = body.replace('"', "")
    try:
        table = pl.read_csv(
            body.encode(errors="replace"),
            separator=separator or find_separator(body.partition("\n")[0]),
            has_header=False,
            infer_schema=False,
            quote_char=None,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as broken:
        reason = str(broken).split("\n", 1)[0]
        raise NotReadableError(f"Its lines differ from its header: {reason}.") from broken
    if table.width != width:
        raise NotReadableError(
            f"Its lines have {table.width} columns, while {width} columns were expected."
        )
    return table


def to_numbers(column: pl.Series) -> Floats:
    """Read numbers, with a decimal comma too; NaN where there is none."""
    if column.dtype != pl.String:
        return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    column = column.str.strip_chars()
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() and bool(column.str.contains(_DECIMAL_COMMA).any()):
        column = column.str.replace(",", ".", literal=True)
        numbers = column.cast(pl.Float64, strict=False)
    return numbers.fill_null(np.nan).to_numpy()


def to_prices(table: pl.DataFrame, places: tuple[int, int, int, int]) -> Floats:
    """Give open, high, low and close, which stand at these *places*."""
    return np.stack([to_numbers(table.to_series(place)) for place in places])


def matches(cells: list[str], patterns: tuple[str, ...]) -> bool:
    """Say whether the first cells look like *patterns*, one of each."""
    return len(cells) >= len(patterns) and all(
        re.fullmatch(pattern, cell) for pattern, cell in zip(patterns, cells, strict=False)
    )


NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"
"""A number as every program writes it."""
