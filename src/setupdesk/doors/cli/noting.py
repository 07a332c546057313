"""Say what a run is: its name, notes and tags."""

from collections.abc import Sequence
from typing import Any

from setupdesk.doors.cli.access import reach_desk, refuse_usage, say, show_json


def note_run(  # noqa: PLR0913 (the flags of one command)
    run_id: str,
    *,
    name: str | None,
    notes: str | None,
    tags: Sequence[str],
    untags: Sequence[str],
    as_json: bool,
) -> None:
    """Change what is said of a run; an empty text clears it."""
    said = {
        key: text or None for key, text in (("name", name), ("notes", notes)) if text is not None
    }
    if not (said or tags or untags):
        refuse_usage("Say what to note: --name, --notes, --tag or --untag.")
    desk = reach_desk()
    changes: dict[str, Any] = dict(said)
    if tags or untags:
        gone = {tag.casefold() for tag in (*tags, *untags)}
        kept = [tag for tag in desk.run(run_id)["tags"] if tag.casefold() not in gone]
        changes["tags"] = [*kept, *tags]
    changed = desk.change_run(run_id, changes)
    if as_json:
        show_json(changed)
    else:
        say(f"{run_id}: {' and '.join(changes)} changed; `setupdesk show {run_id}` shows them.")
