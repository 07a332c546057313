"""Hours: what of a rule's times can never come together on the market of a symbol.

Where its window lies depends on the sessions, so no file shows it.
"""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from setupdesk.core.symbol import Symbol
from setupdesk.engine.compile import Compiled
from setupdesk.market.bars import Ints
from setupdesk.market.days import from_ms


def find_wrong_hours(compiled: Compiled, symbol: Symbol) -> Iterator[str]:
    """Give each mistake that holds in all sessions, after the path of what is wrong."""
    starts, ends = compiled.window
    clock = ZoneInfo(symbol.zone)

    def tell(instants: Ints) -> str:
        return f"{from_ms(int(instants[0])).astimezone(clock):%H:%M}"

    if not len(starts):
        return
    if (ends <= starts).all():
        yield (
            f"window: it ends ({tell(ends)}) before it begins ({tell(starts)}) on {symbol.name}"
            if (ends < starts).all()
            else f"window: it ends as it begins ({tell(ends)}) on {symbol.name}"
        )
        return
    if (compiled.flat <= starts).all():
        yield (
            f"exit.flat: {tell(compiled.flat)} is not after the beginning of the window "
            f"({tell(starts)}) on {symbol.name}"
        )
    levels = {name: known for name, (_, known) in compiled.spans.items() if name != "session"}
    for name, known in levels.items():
        if (known >= ends).all():
            yield (
                f"levels.{name}: it is known at {tell(known)}, after the window has ended "
                f"({tell(ends)}) on {symbol.name}"
            )
