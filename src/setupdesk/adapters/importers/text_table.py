"""Tables of text: bytes in any encoding become columns of text, and text becomes numbers."""

import csv
import re
from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from setupdesk.adapters.importers.rows import NotReadableError
from setupdesk.market.bars import Floats

_SAMPLE_BYTES = 16_384
_EPOCH = re.compile(r"[0-9]{9,18}")
_PANICS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
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


def parse_table(
    content: bytes,
    skip: int,
    width: int,
    separator: str | None = None,
    numbers: Collection[int] = (),
) -> pl.DataFrame:
    """Give the lines after the first *skip* as *width* columns of text.

    Columns whose places are in *numbers* are read as numbers, if every one of them is one.
    """
    # A quote that is never closed would swallow lines, and no number needs one.
    text = _strip(_to_utf8(content)).replace(b'"', b"")
    first = _find_line(text, skip)
    if not first:
        raise NotReadableError("It has no rows.")
    separator = separator or find_separator(first)
    try:
        types = _choose_types(split_line(first, separator), width, numbers)
        return _parse(text, skip, separator, types)
    except _PANICS:
        table = _parse_texts(text, skip, separator)
    if table.width != width:
        raise NotReadableError(
            f"Its lines have {table.width} columns, while {width} columns were expected."
        )
    return table


def _to_utf8(content: bytes) -> bytes:
    if content.isascii() and _find_encoding(content) == "utf-8-sig":
        return content
    return decode(content).encode(errors="replace")


def _strip(text: bytes) -> bytes:
    # Most files need no cut, and a cut is a copy of all.
    is_clean = text[:1] not in b"\r\n" and text[-2:-1] not in b"\r\n"
    return text if is_clean else text.strip(b"\r\n")


def _find_line(text: bytes, place: int) -> str:
    start = 0
    for _ in range(place):
        start = text.find(b"\n", start) + 1 or len(text)
    stop = text.find(b"\n", start)
    return text[start : stop if stop >= 0 else None].decode(errors="replace")


def _choose_types(cells: Sequence[str], width: int, numbers: Collection[int]) -> list[pl.DataType]:
    types: list[pl.DataType] = [pl.String()] * width
    for place, cell in enumerate(cells[:width]):
        if place in numbers:
            types[place] = pl.Float64()
        elif _EPOCH.fullmatch(cell):
            types[place] = pl.Int64()
    return types


def _parse_texts(text: bytes, skip: int, separator: str) -> pl.DataFrame:
    try:
        return _parse(text, skip, separator, None)
    except _PANICS as broken:
        reason = str(broken).split("\n", 1)[0]
        raise NotReadableError(f"Its lines differ from its header: {reason}.") from broken


def _parse(
    text: bytes, skip: int, separator: str, types: Sequence[pl.DataType] | None
) -> pl.DataFrame:
    return pl.read_csv(
        text,
        skip_lines=skip,
        separator=separator,
        has_header=False,
        schema={str(place): kind for place, kind in enumerate(types)} if types else None,
        infer_schema=False,
        quote_char=None,
    )


def join_texts(left: pl.Series, right: pl.Series) -> pl.Series:
    """Put a space between the texts of two columns."""
    # As an expression, for then the parts of large columns are joined side by side.
    texts = pl.DataFrame({"left": left, "right": right})
    return texts.select(pl.concat_str("left", "right", separator=" ")).to_series()


def to_numbers(column: pl.Series) -> Floats:
    """Read numbers, with a decimal comma too; NaN where there is none."""
    if column.dtype != pl.String:
        numbers = column.cast(pl.Float64, strict=False)
        return (numbers.fill_null(np.nan) if numbers.null_count() else numbers).to_numpy()
    column = column.str.strip_chars()
    numbers = column.cast(pl.Float64, strict=False)
    if numbers.null_count() and bool(column.str.contains(_DECIMAL_COMMA).any()):
        column = column.str.replace(",", ".", literal=True)
        numbers = column.cast(pl.Float64, strict=False)
    return numbers.fill_null(np.nan).to_numpy()


def to_prices(table: pl.DataFrame, places: Sequence[int]) -> Floats:
    """Give open, high, low and close, which stand at these *places*."""
    chosen = table.select(pl.nth(*places))
    if all(kind == pl.Float64 for kind in chosen.dtypes):
        return chosen.fill_null(np.nan).to_numpy().T
    return np.stack([to_numbers(column) for column in chosen])


def matches(cells: list[str], patterns: tuple[str, ...]) -> bool:
    """Say whether the first cells look like *patterns*, one of each."""
    return len(cells) >= len(patterns) and all(
        re.fullmatch(pattern, cell) for pattern, cell in zip(patterns, cells, strict=False)
    )


NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"
"""A number as every program writes it."""
