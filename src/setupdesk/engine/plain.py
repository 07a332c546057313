"""Plain: columns and figures as JSON has them, without nan and infinity.

Times are ISO 8601; figures have six decimals, prices those of the symbol's tick.
"""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from setupdesk.market.bars import Floats, Ints

DECIMALS = 6


def count_decimals(tick: float) -> int:
    """Say how many decimals a price has whose smallest step is *tick*."""
    exponent = Decimal(repr(tick)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def write_numbers(column: Floats, decimals: int = DECIMALS) -> list[float | None]:
    """Round a column; what is not finite becomes None."""
    # The sum turns -0.0 into 0.0.
    rounded = (np.round(column, decimals) + 0.0).tolist()
    return [value if math.isfinite(value) else None for value in rounded]


def write_utc(instants_ms: Ints) -> list[str]:
    """Write UTC milliseconds as ``2025-05-05T07:00:00Z``."""
    texts = np.datetime_as_string(instants_ms.astype("datetime64[ms]"), unit="s")
    return [f"{text}Z" for text in texts.tolist()]


def write_local(instants_ms: Ints, zone: str) -> list[str]:
    """Write UTC milliseconds as times of *zone*: ``2025-05-05T09:00:00+02:00``."""
    market = ZoneInfo(zone)
    return [
        datetime.fromtimestamp(second, market).isoformat(timespec="seconds")
        for second in (instants_ms // 1000).tolist()
    ]


def make_rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn columns of equal length into a record for each row."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def plain(value: Any) -> Any:
    """Give a figure, or a nest of them, as JSON has it."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).isoformat(timespec='seconds')[:-6]}Z"
    return value.isoformat() if isinstance(value, date) else value
