"""Every error that a user can meet, built from facts. Anything else is a bug of ours.

SetupdeskError
├── InvalidRequestError       refused: no run, no flow           422 · exit 3
├── KeyConflictError          the key is another request's  409 · exit 3
├── InvalidImportError        the file cannot be imported        422 · exit 3
│   ├── ClockNeededError      it does not say its time zone      422 · exit 3
│   │   └── ClockUnsureError  nor do its bars                    422 · exit 3
│   ├── StampingNeededError   its bars look stamped at the close 422 · exit 3
│   └── BarsDisagreeError     it contradicts the stored bars     422 · exit 3
├── InvalidRuleError          a setup's file is wrong            422 · exit 3
├── InvalidSymbolError        a symbol's file is wrong           422 · exit 3
├── NotFoundError             no such run, setup or symbol       404 · exit 4
├── NotFinishedError          the run has no result yet          409 · exit 4
├── NotWaitingError           the run's turn cannot change now  409 · exit 4
├── DamagedResultError        a stored report is not as it was   500 · exit 4
├── InvalidBackupError        the backup cannot be restored      exit 3
├── HomeInUseError            the home has what would be lost    exit 3
├── UnsafeStartError          the desk would be open to others   exit 2
├── PlainServerError          the key would cross a network      exit 2
├── RunFailedError            a run that was waited for failed   in notebooks
├── MissingBarsError          the store lacks the bars of a run  run failed
├── FeedNotReadyError         a feed lacks something here        422 · exit 3
├── FeedFailedError           a vendor did not deliver           502 · exit 5
├── DeskUnavailableError      the desk cannot be reached         503 · exit 5
├── LedgerUnavailableError    the ledger cannot be written       503 · exit 5
├── NoAnswerError             what it did is not known           exit 5
├── TooFastError              more requests than the key allows  429 · exit 5
├── OwnKeyError               the desk's own key is kept         409 · exit 3
├── SignInKeyError            the settings let its user in       409 · exit 3
├── WrongCodeError            the code pairs nobody              403 · exit 3
├── WrongLinkError            the link signs in nobody           403 · exit 3
├── NoLinkError               a link would sign in nobody        409 · exit 3
├── RoleNeededError           the key's role does not do         403 · exit 3
├── UndeliveredError          a channel could not be told        502 · exit 5
│   └── UnsafeUrlError        it must not be sent to             422 · exit 3
├── WrongSenderError          a hook takes nothing from there    403
├── WrongSignatureError       a delivery is not its sender's     401
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
        super().__init__("\n".join(problem.sentence for problem in problems))


class KeyConflictError(SetupdeskError):
    """The key belongs to another request; nothing was started."""

    code = "key_conflict"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key!r} was sent before with another request, so nothing was started. "
            f"Send that request again as it was, or this one with a new key."
        )


class InvalidImportError(SetupdeskError):
    """The file was not imported; nothing changed."""

    code = "invalid_import"

    problems: tuple[Problem, ...] = ()
    """What has to be said before the file can be imported, for programs that ask a person."""

    def __init__(self, file_name: str, reason: str) -> None:
        super().__init__(f"{file_name} was not imported: {reason}")


class ClockNeededError(InvalidImportError):
    """The file's times are those of an unknown wall clock; nothing changed."""

    code = "clock_needed"

    def __init__(
        self, file_name: str, clock: str, confidence: str, evidence: str, *, at_close: bool = False
    ) -> None:
        self.clock, self.confidence, self.evidence = clock, confidence, evidence
        self.at_close = at_close
        super().__init__(
            file_name,
            f"its times do not say in which time zone they are. {evidence} {self._advise()}",
        )

    @property
    def problems(self) -> tuple[Problem, ...]:  # type: ignore[override]
        """Give the question, with the proposed clock first."""
        return (
            Problem(
                field="clock",
                code=self.code,
                message=self.evidence,
                allowed=self._fitting(),
                suggestion=self.clock,
            ),
        )

    def _fitting(self) -> tuple[str, ...]:
        return (self.clock,)

    def _advise(self) -> str:
        stamped = " --stamped-at close" if self.at_close else ""
        return (
            f"Give --clock {self.clock}{stamped} if that is right, or --clock with another, or "
            f"take the proposal with --accept-clock."
        )


class ClockUnsureError(ClockNeededError):
    """The file's bars do not tell their clock, so it has to be said; nothing changed."""

    code = "clock_unsure"

    def __init__(self, file_name: str, clocks: Sequence[str], evidence: str) -> None:
        self.clocks = tuple(clocks)
        super().__init__(file_name, clocks[0], "unsure", evidence)

    def _fitting(self) -> tuple[str, ...]:
        return self.clocks

    def _advise(self) -> str:
        others = ", ".join(self.clocks[1:_NAMED_CLOCKS])
        return (
            f"Give --clock {self.clock} if you know that it is right, else the right one"
            f"{f', such as {others}' if others else ''}. --accept-clock takes no clock that is "
            f"unsure."
        )


_NAMED_CLOCKS = 5


class StampingNeededError(InvalidImportError):
    """The file's bars look stamped at their close, which nobody said; nothing changed."""

    code = "stamping_needed"

    def __init__(self, file_name: str, evidence: str) -> None:
        self.evidence = evidence
        self.problems = (
            Problem(
                field="stamped_at",
                code=self.code,
                message=evidence,
                allowed=("open", "close"),
                suggestion="close",
            ),
        )
        super().__init__(
            file_name,
            f"{evidence[:1].lower()}{evidence[1:]} Give --stamped-at close to convert them to "
            f"their open, or --stamped-at open if their times are those of the open, or take the "
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
        found = (
            f"{shared:,} of its bars are stored already, {disagreeing:,} of them with other "
            f"prices, on {first}{others}. {cause}"
        )
        self.problems = (Problem(field="replace", code=self.code, message=found),)
        super().__init__(
            file_name,
            f"{found} --replace puts a file in the place of all stored bars, which are kept as "
            f"an older version.",
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
        return tuple(self._build_problem(one) for one in self.mistakes)

    def _build_problem(self, mistake: str) -> Problem:
        found = re.search(r"(?:did you mean '([^']+)'\?|, publish (\w+))$", mistake)
        suggestion = found[1] or found[2] if found else None
        return Problem(
            field=_find_path(mistake), code=self.code, message=mistake, suggestion=suggestion
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

    def __init__(self, what: str, name: str, known: Sequence[str] = (), hint: str = ".") -> None:
        others = f" There are {', '.join(known)}." if known else ""
        super().__init__(f"There is no {what} {name!r}{hint}{others}")


class NotFinishedError(SetupdeskError):
    """The run has no result, or none yet."""

    code = "no_result"

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"{run_id} has no result: it is {state}.")


class NotWaitingError(SetupdeskError):
    """The run does not wait any more, so it has no turn that could change."""

    code = "not_waiting"

    def __init__(self, run_id: str, state: str) -> None:
        super().__init__(f"{run_id} does not wait for a place: it is {state}.")


class DamagedResultError(SetupdeskError):
    """The stored report of a completed run is missing, or is not the one that was stored."""

    code = "damaged_result"

    def __init__(self, run_id: str, what: str) -> None:
        super().__init__(
            f"The report of {run_id} is damaged: {what}. Ask for the same run again, or restore "
            f"a backup; `setupdesk doctor` names every damaged report."
        )


class InvalidBackupError(SetupdeskError):
    """The backup cannot be restored; nothing was changed."""

    code = "invalid_backup"

    def __init__(self, file_name: str, reason: str) -> None:
        super().__init__(f"{file_name} was not restored, and nothing was changed: {reason}")


class HomeInUseError(SetupdeskError):
    """The home holds what a restore would put aside, or somebody works in it."""

    code = "home_in_use"

    def __init__(self, home: str, holds: str, remedy: str) -> None:
        super().__init__(f"Nothing was restored: {home} {holds}. {remedy}")


class UnsafeStartError(SetupdeskError):
    """The desk does not start, for it would be open to others than its owner."""

    code = "unsafe_start"

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n- ".join(("The desk does not start:", *faults)))


class PlainServerError(SetupdeskError):
    """The desk is another machine's, and what is sent to it could be read on its way."""

    code = "plain_server"

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address} is another machine, and http lets everybody on the way read the key. Ask "
            f"it by https; where the way is safe already, --insecure (insecure=True) allows it."
        )


class RunFailedError(SetupdeskError):
    """A run that was waited for did not complete."""

    code = "run_failed"

    def __init__(self, run_id: str, state: str, reason: str | None) -> None:
        self.run_id, self.state = run_id, state
        super().__init__(f"{run_id} is {state}: {reason or 'its log says more'}")


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


class LedgerUnavailableError(SetupdeskError):
    """The ledger cannot be written or read now, so nothing was accepted."""

    code = "ledger_unavailable"

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"The ledger cannot be used now: {cause}. Nothing was accepted or changed. Free some "
            f"space on its disk, or mend what else is wrong there, and ask again."
        )


class NoAnswerError(SetupdeskError):
    """The desk has the request but did not answer, so it may have done what was asked."""

    code = "no_answer"

    def __init__(self, reason: str, command: str) -> None:
        super().__init__(
            f"The desk {reason}. It may have done what was asked, or may still do it: look with "
            f"`{command}` before you ask again."
        )


class NotAllowedError(SetupdeskError):
    """The key is missing, or opens nothing."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(_NOT_ALLOWED[code])


_NEW_KEY = "`setupdesk key add` on the desk's own machine makes a new one."
_NOT_ALLOWED = {
    "no_key": "There was no key: the header Authorization has to be Bearer, a space, and it.",
    "wrong_key": "The desk knows no such key.",
    "expired_key": f"The key has expired. {_NEW_KEY}",
    "revoked_key": f"The key was revoked. {_NEW_KEY}",
}


class RoleNeededError(SetupdeskError):
    """The key is right, and its role does not allow this."""

    code = "role_needed"

    def __init__(self, needed: str, role: str) -> None:
        super().__init__(f"This takes the role {needed}; the key has the role {role}.")


class TooFastError(SetupdeskError):
    """More requests came in a minute than may come."""

    code = "too_fast"

    def __init__(self, per_minute: int, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(
            f"More than {per_minute:,} requests came in a minute; ask again in {retry_after} s."
        )


class OwnKeyError(SetupdeskError):
    """The key in the desk's home cannot be revoked: its local doors would be locked out."""

    code = "own_key"

    def __init__(self) -> None:
        super().__init__(
            "This is the key in the desk's home, which its own doors use. To change it, delete "
            "api.key there and start the desk again: a new one is made, and the old one is void."
        )


class SignInKeyError(SetupdeskError):
    """The key of somebody who signs in at the web desk comes and goes with the settings."""

    code = "sign_in_key"

    def __init__(self, user: str) -> None:
        super().__init__(
            f"The settings let {user} sign in at the web desk. To change that, take {user} out of "
            f"[oidc.users] in setupdesk.toml: the web desk closes at once, and the key ends when "
            f"the desk is started again."
        )


class WrongCodeError(SetupdeskError):
    """The code pairs nobody with the desk, or nobody any more."""

    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__(
            "This code is wrong, used or too old: it pairs once, within ten minutes. Ask who keeps "
            "the desk for another: `setupdesk telegram pair` makes one."
        )


class WrongLinkError(SetupdeskError):
    """The link signs in nobody, or nobody any more."""

    code = "wrong_link"

    def __init__(self) -> None:
        super().__init__(
            "This link opens nothing any more: it signs in once, within five minutes, and until "
            "the desk is started again. Ask for another: /web in the chat with the bot, or "
            "`setupdesk web link` on the desk's own machine."
        )


class NoLinkError(SetupdeskError):
    """Who asks for a link has a key to show, or there is no web desk."""

    code = "no_link"

    def __init__(self, page: str) -> None:
        super().__init__(
            f"A link is for who has no key to show. Sign in with your key at {page}"
            if page
            else "This desk has no web desk: `ui = false` in its settings leaves it out."
        )


class WrongSenderError(SetupdeskError):
    """The delivery came from an address that its hook does not admit."""

    code = "wrong_sender"

    def __init__(self, hook_id: str) -> None:
        super().__init__(
            f"{hook_id} admits no delivery from this address. `setupdesk hook list` shows its "
            f"senders; make a new hook to admit others."
        )


class WrongSignatureError(SetupdeskError):
    """The delivery is not signed with the hook's secret, or was signed too long ago."""

    code = "wrong_signature"

    def __init__(self, hook_id: str) -> None:
        super().__init__(
            f"The delivery to {hook_id} is not signed as Standard Webhooks has it: webhook-id, "
            f"webhook-timestamp within 5 minutes, webhook-signature with the hook's secret."
        )


class ChannelBusyError(SetupdeskError):
    """The channel is being tested already."""

    code = "channel_busy"

    def __init__(self, channel_id: str) -> None:
        super().__init__(f"{channel_id} is being tested; its answer is known within 5 s.")


class UndeliveredError(SetupdeskError):
    """A channel could not be told; a notification is kept for another attempt."""

    code = "undelivered"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The channel could not be told: {reason}.")


class UnsafeUrlError(UndeliveredError):
    """The URL leads to where the desk must not send."""

    code = "unsafe_url"
