"""The parity of one market: bars beside bars, signals beside signals, and what caused each gap."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from setupdesk import __version__
from setupdesk.app.look_again import LookAgain, SignalKey
from setupdesk.app.parity_report import MOST_TOLD, Cause, Difference, LookParity, Side
from setupdesk.app.seen_bars import BarFault, Said, SeenBars
from setupdesk.core.watch import Look
from setupdesk.market.bars import Bars


@dataclass(frozen=True, slots=True)
class LookedAt:
    """All bars of the last look, those from before the watch began among them."""

    from_ms: int
    stop_ms: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookFacts:
    """What is known of one look: what live said of it, and by which rule."""

    look: Look
    again: LookAgain
    setup_hash: str | None
    """Of the rule by which the watch looked last."""

    said: Sequence[Said]
    looked_at: LookedAt | None
    first_ms: int
    stop_ms: int
    """Its signals are of bars that open in ``[first_ms, stop_ms)``, UTC milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareLooks:
    """Compare what live said of a market with a backtest of its stored bars."""

    stored: Bars
    seen: SeenBars
    faults: Sequence[BarFault]

    def __call__(self, of: LookFacts) -> LookParity:
        """Compare one look."""
        stored_says = of.again.backtest(self.stored, of.first_ms, of.stop_ms)
        live = self._gather(of)
        apart = sorted(live.keys() ^ stored_says.keys())
        # Each explanation takes a backtest or two; beyond what is listed there is only the count.
        explained = [
            self._explain(of, key, live.get(key), explains=count < MOST_TOLD)
            for count, key in enumerate(apart)
        ]
        return LookParity(
            look=of.look,
            same=len(live.keys() & stored_says.keys()),
            differences=[one for one in explained if one],
        )

    def _gather(self, of: LookFacts) -> dict[SignalKey, Said]:
        """Gather what was said, once each; what another watch said only by the same rule."""
        hashes = {of.setup_hash, of.again.setup.digest}
        own = [one for one in of.said if one.is_own or one.setup_hash in hashes]
        by_rule = sorted(own, key=lambda one: one.setup_hash == of.again.setup.digest)
        return {SignalKey(one.known_ms, one.side, one.level): one for one in by_rule}

    def _explain(
        self, of: LookFacts, key: SignalKey, said: Said | None, *, explains: bool
    ) -> Difference | None:
        cause, faults = Cause.UNEXPLAINED, list[BarFault]()
        if explains:
            cause, faults = self._find_cause(of, key, said)
        if said and not said.is_own and cause is Cause.UNEXPLAINED:
            # Another watch said it, of other bars.
            return None
        return Difference(
            look=of.look,
            of=Side.LIVE_ONLY if said else Side.BACKTEST_ONLY,
            bar_ms=key.known_ms - self.stored.timeframe.milliseconds,
            side=key.side,
            level=key.level,
            cause=cause,
            faults=faults,
        )

    def _find_cause(
        self, of: LookFacts, key: SignalKey, said: Said | None
    ) -> tuple[Cause, list[BarFault]]:
        """Find what makes the difference, by looking again with all else as it was."""
        if _find_hash(of, key, said) != of.again.setup.digest:
            return Cause.RULE_VERSION, []
        was_said = said is not None
        if of.again.decides(self.stored, key) is was_said:
            return Cause.WARM_UP, []
        as_seen = self.seen.lay_into(self.stored, key.known_ms)
        if of.again.decides(as_seen, key) is was_said and (faults := self._find_faults(of, key)):
            return Cause(faults[0].kind), faults
        version = self.seen.find_version(key.known_ms - self.stored.timeframe.milliseconds)
        if version not in {None, __version__}:
            return Cause.ENGINE_VERSION, []
        if of.looked_at and self._has_changed(of.looked_at):
            return Cause.EARLIER_BARS, []
        return Cause.UNEXPLAINED, []

    def _has_changed(self, before: LookedAt) -> bool:
        """Say whether the stored bars, with those that were seen, are not what was looked at."""
        bars = self.seen.lay_into(self.stored, before.stop_ms)
        return bars.between(before.from_ms, before.stop_ms).fingerprint() != before.fingerprint

    def _find_faults(self, of: LookFacts, key: SignalKey) -> list[BarFault]:
        """Find the bars that a signal stands on and that differ; else all earlier ones that do."""
        earlier = [one for one in self.faults if one.changes_prices and one.open_ms < key.known_ms]
        ground_ms = of.again.find_ground_ms(key)
        return [one for one in earlier if one.open_ms >= ground_ms] or earlier


def _find_hash(of: LookFacts, key: SignalKey, said: Said | None) -> str | None:
    """Find by which rule live looked at the bar of a signal."""
    if said:
        return said.setup_hash
    later = (one for one in _in_order(of.said) if one.is_own and one.known_ms >= key.known_ms)
    return next((one.setup_hash for one in later), of.setup_hash)


def _in_order(said: Iterable[Said]) -> Iterator[Said]:
    yield from sorted(said, key=lambda one: one.known_ms)
