"""Every error that a user can meet, built from facts. Anything else is a bug of ours.

SetupdeskError
├── InvalidRequestError       refused: no run, no flow           422 · exit 3
├── InvalidImportError        the file cannot be imported        422 · exit 3
│   ├── ClockNeededError      it does not say its time zone      422 · exit 3
│   └── BarsDisagreeError     it contradicts the stored bars     422 · exit 3
├── InvalidRuleError          a setup's file is wrong            422 · exit 3
├── InvalidSymbolError        a symbol's file is wrong           422 · exit 3
├── NotFoundError             no such run, setup or symbol       404 · exit 4
├── NotFinishedError          the run has no result yet          409 · exit 4
├── MissingBarsError          the store lacks the bars of a run  run failed
├── FeedNotReadyError         a feed lacks something here        422 · exit 3
├── FeedFailedError           a vendor did not deliver           502 · exit 5
├── DeskUnavailableError      the desk cannot be reached         503 · exit 5
└── NotAllowedError           the key is missing or wrong        401 · exit 5

Four more live where their facts are: InvalidSettingsError (exit 2) in ``settings``,
EngineUnavailableError, NotStartableError and FeedDownError, which no user meets, in ``app/ports``.
"""

import re
from collections.abc import Sequence

from setupdesk.core.problem import Problem


class SetupdeskError(Exception):
    """Something that the user can understand and act on."""

    code = "error"


class InvalidRequestError(SetupdeskError):
    """The request was refused."""

    code = "invalid_request"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.message for problem in problems))


class InvalidImportError(SetupdeskError):
    """The file was not imported; nothing changed."""

    code = "invalid_import"

    def __init__(self, file_name: str, reason: str) -> None:
        super().__init__(f"{file_name} was not imported: {reason}")


class ClockNeededError(InvalidImportError):
    """The file's times are those of an unknown wall clock; nothing changed."""

    code = "clock_needed"

    def __init__(self, file_name: str, clock: str, confidence: str, evidence: str) -> None:
        self.clock, self.confidence, self.evidence = clock, confidence, evidence
        super().__init__(
            file_name,
            f"its times do not say in which time zone they are. {evidence} "
            f"Give --clock {clock} if that is right, or --clock with another, or take the "
            f"proposal with --accept-clock.",
        )


class BarsDisagreeError(InvalidImportError):
    """Most bars of the file are stored with other prices; nothing changed."""

    code = "bars_disagree"

    def __init__(
        self, file_name: str, disagreeing: int, shared: int, days: Sequence[str], cause: str
    ) -> None:
        self.disagreeing, self.shared, self.days, self.cause = disagreeing, shared, days, cause
        first = ", ".join(days[:_NAMED_DAYS])
        more = len(days) - _NAMED_DAYS
        others = f" and {more:,} more {'day' if more == 1 else 'days'}" if more > 0 else ""
        super().__init__(
            file_name,
            f"{shared:,} of its bars are stored already, {disagreeing:,} of them with other "
            f"prices, on {first}{others}. {cause} --replace puts a file in the place of all "
            f"stored bars, which are kept as an older version.",
        )


_NAMED_DAYS = 5


class InvalidRuleError(SetupdeskError):
    """The rule file is wrong."""

    code = "invalid_rule"

    def __init__(self, file_name: str, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(f"{file_name} is not a valid rule: {'; '.join(mistakes)}")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Give each mistake with the path of the wrong value, for programs."""
        return tuple(
            Problem(field=_find_path(one), code=self.code, message=one) for one in self.mistakes
        )


def _find_path(mistake: str) -> str:
    found = re.match(r"(?:line \d+: )?([a-z][\w.]*): ", mistake)
    return found[1] if found else ""


class InvalidSymbolError(SetupdeskError):
    """The symbol's file is wrong."""

    code = "invalid_symbol"

    def __init__(self, file_name: str, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(f"{file_name} is not a valid symbol: {'; '.join(mistakes)}")


class NotFoundError(SetupdeskError):
    """What was asked for does not exist."""

    code = "not_found"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"There is no {what} {name!r}.")


class NotFinishedError(SetupdeskError):
    """The run has no result, or none yet."""

    code = "no_result"

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"{run_id} has no result: it is {state}.")


class MissingBarsError(SetupdeskError):
    """The bars of a run are not in the store."""

    code = "missing_bars"

    def __init__(self, symbol: str, timeframe: str, period: str) -> None:
        super().__init__(f"There are no bars of {symbol} {timeframe} for {period}.")


class FeedNotReadyError(SetupdeskError):
    """The feed needs something that this desk does not have, such as a library or a setting."""

    code = "feed_not_ready"

    def __init__(self, feed: str, lacks: str, remedy: str) -> None:
        super().__init__(f"The feed {feed} cannot be used: {lacks}. {remedy}")


class FeedFailedError(SetupdeskError):
    """A vendor stopped delivering; what came before is stored."""

    code = "feed_failed"

    def __init__(self, feed: str, reason: str, reached: str, command: str) -> None:
        super().__init__(f"{feed} {reason}. {reached} This goes on from there: {command}")


class DeskUnavailableError(SetupdeskError):
    """The desk cannot be reached."""

    code = "unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The desk cannot be reached: {reason}")


class NotAllowedError(SetupdeskError):
    """The key is missing or wrong."""

    code = "not_allowed"

    def __init__(self) -> None:
        super().__init__("The key is missing or wrong.")
