"""The funnel: how many candidates were left after each thing that a setup asks."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from setupdesk.engine.result import TRADED, Candidates, Result
from setupdesk.engine.words import say_count

WHY_SKIPPED = {
    "no_bars": "The session has no bars.",
    "no_history": "Its levels need earlier days or bars than there are.",
    "too_early": "The bars end before the levels of the session are known.",
    "data_gap": "Bars are missing, so its levels cannot be trusted.",
    "no_atr": "There was not enough history to measure the ATR.",
    "no_volume": "Its levels need volume, and the bars have none.",
}
"""Why sessions were skipped."""

_REFUSED = {
    "filtered": ("A filter of the setup was not met.", "met the filters"),
    "outside_window": (
        "It came outside the hours in which the setup trades.",
        "came in the trading hours",
    ),
    "data_gap": (
        "Too many bars of the session were missing by then.",
        "had enough bars behind them",
    ),
    "both_sides": (
        "Both sides triggered at once, so there was no side to take.",
        "had a side to take",
    ),
    "in_position": ("Another trade was still open.", "met no open trade"),
    "session_limit": (
        "The session had its number of trades already.",
        "were within the trades of a session",
    ),
    "side_limit": (
        "The session had its trades on this side already.",
        "were within the trades of a side",
    ),
    "run_limit": (
        "The run had its total number of trades already.",
        "were within the trades of the run",
    ),
    "no_next_bar": ("No bar followed at which it could be entered.", "had a bar to enter at"),
    "not_reached": (
        "Price did not reach the order before it expired.",
        "had their order reached",
    ),
    "pending": ("The order still waits to be reached.", "had no order waiting"),
    "oco_cancelled": (
        "The order of the other side was filled first.",
        "were filled before the other side",
    ),
    "level_unknown": (
        "Its stop or target hangs on a level that was not known yet.",
        "had a stop and a target",
    ),
    "stop_crossed": (
        "The price had passed the stop before the entry.",
        "were on the right side of the stop",
    ),
    "target_crossed": (
        "The price had reached the target before the entry.",
        "had the target ahead",
    ),
    "rr_below_min": (
        "Reward to risk was below the least that the setup accepts.",
        "had enough reward to risk",
    ),
    "size_below_min": (
        "The risk allowed less than the smallest lot.",
        "were worth the smallest lot",
    ),
}
"""Why candidates were refused, and what the others passed, in the order in which a setup asks."""


def build_funnel(result: Result) -> dict[str, Any]:
    """Give the counts, the steps and the reasons, with an example of each."""
    candidates = result.candidates
    skipped = _tally((code for code in result.sessions.skipped if code), tuple(WHY_SKIPPED))
    verdicts = _tally(candidates.verdict, tuple(_REFUSED))
    refused = {code: count for code, count in verdicts.items() if code != TRADED}
    steps = _find_steps(refused, len(candidates))
    return {
        "sessions": len(result.sessions),
        "skipped": skipped,
        "candidates": len(candidates),
        "verdicts": verdicts,
        "steps": steps,
        "sentence": _write_sentence(steps, len(candidates)),
        "reasons": [_skip_reason(code, count) for code, count in skipped.items()]
        + [_refuse_reason(code, count, candidates) for code, count in refused.items()],
    }


def _tally(codes: Iterable[str], asked: tuple[str, ...]) -> dict[str, int]:
    # The order in which a setup asks, unknown reasons after it, what was traded last.
    counts = Counter(codes)
    order = {code: asked.index(code) if code in asked else len(asked) for code in counts}
    return {code: counts[code] for code in sorted(counts, key=lambda c: (c == TRADED, order[c]))}


def _find_steps(refused: Mapping[str, int], candidates: int) -> list[dict[str, Any]]:
    left = accumulate(refused.values(), int.__sub__, initial=candidates)
    next(left)
    return [
        {"code": code, "left": count, "passed": _passed(code)}
        for code, count in zip(refused, left, strict=True)
    ]


def _write_sentence(steps: Sequence[Mapping[str, Any]], candidates: int) -> str:
    if not steps:
        return f"{say_count(candidates, 'candidate')}{', all traded' if candidates else ''}."
    passed = [f"{step['left']:,} {step['passed']}" for step in steps]
    return f"{', '.join([say_count(candidates, 'candidate'), *passed])} and were traded."


def _skip_reason(code: str, count: int) -> dict[str, Any]:
    sentence = WHY_SKIPPED.get(code, _spell_out(code))
    return {"code": code, "of": "session", "count": count, "sentence": sentence, "example": ""}


def _refuse_reason(code: str, count: int, candidates: Candidates) -> dict[str, Any]:
    sentence = _REFUSED[code][0] if code in _REFUSED else _spell_out(code)
    example = candidates.explain(list(candidates.verdict).index(code))
    return {
        "code": code,
        "of": "candidate",
        "count": count,
        "sentence": sentence,
        "example": example,
    }


def _passed(code: str) -> str:
    return _REFUSED[code][1] if code in _REFUSED else f"passed {code.replace('_', ' ')}"


def _spell_out(code: str) -> str:
    return f"{code.replace('_', ' ').capitalize()}."
