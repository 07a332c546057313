"""The days whose levels are asked for: from when to when, or what is wrong with them."""

from dataclasses import dataclass
from datetime import date
from typing import Self

from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import Coverage, SessionCount
from setupdesk.core.period import find_date
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Symbol


@dataclass(frozen=True, slots=True)
class LevelDays:
    """The first and the last day, both inclusive; None where the bars say it."""

    start: date | None
    end: date | None

    @classmethod
    def read(cls, start: str | None, end: str | None, command: str) -> Self:
        """Read two dates, or raise ``InvalidRequestError`` with every Problem.

        *command* is what was asked, but for its days.
        """
        said = {"start": start, "end": end}
        days = {name: find_date(text) for name, text in said.items()}
        problems = [
            _not_a_date(name, text)
            for name, text in said.items()
            if text is not None and days[name] is None
        ]
        read = cls(**days)
        if read.start and read.end and read.end < read.start:
            problems.append(_reversed(read.start, read.end, command))
        if problems:
            raise InvalidRequestError(problems)
        return read

    def within(self, coverage: Coverage) -> tuple[date, date]:
        """Give those of the days on which there may be bars; none if they are the wrong way."""
        first, last = self.start or coverage.first, self.end or coverage.last
        return max(first, coverage.first), min(last, coverage.last)

    def explain_emptiness(
        self, symbol: Symbol, what: str, coverage: Coverage, count: SessionCount, command: str
    ) -> Problem:
        """Say why no session of these days has a bar; *coverage* is that of all bars of *what*."""
        days = self._in_words()
        code = "no_bars"
        first, last = self.within(coverage)
        if last < first:
            reason = f"{what} has no bars {days}."
        elif not count.held:
            code, reason = "no_sessions", f"{symbol.calendar} has no session {days}: it is closed."
        else:
            reason = (
                f"{what} has no bars in any of the {count.held} sessions {days}: the stored bars "
                f"have a hole there."
            )
        return Problem(
            field="end" if self.start is None else "start",
            code=code,
            message=f"{reason} There are bars from {coverage}: {_choose(command, coverage)}",
            allowed=(str(coverage),),
            suggestion=str(coverage.last if self.start is None else coverage.first),
        )

    def _in_words(self) -> str:
        if self.start and self.end:
            return f"from {self.start} to {self.end}"
        return f"from {self.start} on" if self.start else f"up to {self.end}"


def _not_a_date(name: str, text: str) -> Problem:
    message = f"{name} was {text!r}, which is not a date. Write it as 2025-10-31."
    return Problem(field=name, code="wrong_type", message=message, allowed=("YYYY-MM-DD",))


def _reversed(start: date, end: date, command: str) -> Problem:
    return Problem(
        field="end",
        code="end_before_start",
        message=(
            f"end {end} lies before start {start}. The other way round: "
            f"{_choose(command, Coverage(end, start))}"
        ),
        allowed=(f"{start} or later",),
        suggestion=str(start),
    )


def _choose(command: str, days: Coverage) -> str:
    return f"{command} --start {days.first} --end {days.last}"
