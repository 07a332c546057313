"""What may be wrong with the stored reports of runs."""

from collections.abc import Iterator
from dataclasses import dataclass

from setupdesk.app.doctor import Check, count, judge, name_some
from setupdesk.app.doctor.ledger import RESTORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What was seen of the folder of runs."""

    whole: int = 0
    """Reports that are the very files that were stored."""

    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Folders of runs that the ledger does not know."""

    drafts: tuple[str, ...] = ()
    """What a crash has left behind, of runs that are not under way."""


def judge_results(results: Results) -> Iterator[Check]:
    """Judge the reports of completed runs, and what else lies there."""
    lost = [(results.missing, "missing"), (results.changed, "changed since it was stored")]
    yield judge(
        "results",
        f"{count(results.whole, 'report')} as stored",
        bad="; ".join(f"{name_some(names)}: {what}" for names, what in lost if names),
        remedy=f"ask for the same runs again, or {RESTORE}",
    )
    yield judge(
        "folders of runs",
        "each has its row in the ledger",
        bad=f"without a row: {name_some(results.unknown)}" if results.unknown else "",
        remedy="the ledger may be older than they are: look at them before you remove them",
    )
    yield judge(
        "drafts",
        "none left behind",
        warn=f"left by a crash, harmless: {name_some(results.drafts)}" if results.drafts else "",
        remedy="remove them at any time",
    )
