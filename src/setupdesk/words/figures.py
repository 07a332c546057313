"""How figures are written wherever people read; what there is none of is ``--``."""

import math

NONE = "--"


def fixed(value: float | None, digits: int = 2) -> str:
    """Write a number with so many digits; what rounds to zero has no sign."""
    if value is None or not math.isfinite(value):
        return NONE
    return f"{round(value, digits) or 0:,.{digits}f}"


def in_r(value: float | None) -> str:
    """Write a result in R with its sign."""
    if value is None or not math.isfinite(value):
        return NONE
    shown = round(value, 2) or 0
    return f"{shown:+,.2f}R" if shown else "0.00R"


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share in per cent."""
    return NONE if share is None else f"{fixed(100 * share, digits)} %"
