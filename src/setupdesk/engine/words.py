"""Words: how the sentences of a report write figures."""


def say_share(value: float) -> str:
    """Write a share in per cent; what is not certain is not called so."""
    percent = 100 * value
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    return "more than 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %"


def say_count(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
