"""The names of what pictures mark, in the language of who looks at them."""

from datetime import date

from setupdesk.words import find_words, mark

EXITS = {"stop": mark("stop"), "target": mark("target"), "flat": mark("end of session")}
SIDES = {"long": mark("long"), "short": mark("short")}

SIMULATED = mark("simulated market")
"""What is made of such bars says so, for they are no market."""

_MONTHS = (
    *(mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun")),
    *(mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec")),
)
_NAMES = {**EXITS, **SIDES, "entry": mark("entry"), "open": mark("open")}


def say_name(code: str, language: str) -> str:
    """Say the name of a side, a price of a trade or a reason to leave it; any other one stays."""
    return find_words(language).gettext(_NAMES.get(code, code))


def say_day(day: date, language: str) -> str:
    """Say a day without its year, such as ``27 Oct``."""
    return f"{day.day} {say_month(day, language)}"


def say_month(day: date, language: str) -> str:
    """Say the month of a day, such as ``Oct``."""
    return find_words(language).gettext(_MONTHS[day.month - 1])


def say_r(r: float) -> str:
    """Say a result in R, with its sign."""
    return f"{r:+.2f}R".replace("-", "\N{MINUS SIGN}")
