"""Back a desk up, restore it, and say what that did."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setupdesk.doors.cli.access import refuse_usage, say, show_json
from setupdesk.doors.cli.files import refuse_to_overwrite
from setupdesk.doors.cli.progress import showing_progress
from setupdesk.settings import load_settings

_NAMED = 5


def back_up_to(file: Path, *, with_bars: bool, overwrites: bool, as_json: bool) -> None:
    """Write the archive, whole or not at all."""
    from setupdesk.upkeep.backup import ROOTS, back_up

    settings = load_settings()
    if not overwrites:
        refuse_to_overwrite(file, "--force")
    target = file.absolute().parent.resolve() / file.name
    if any(target.is_relative_to(settings.home / root) for root in ROOTS):
        refuse_usage(f"{file} would be part of the backup, or be lost by it: choose another place.")
    try:
        with showing_progress() as watch:
            done = back_up(settings, file, watch, with_bars=with_bars)
    except OSError as error:
        refuse_usage(f"{file} cannot be written: {error.strerror}.")
    if as_json:
        show_json(done)
        return
    say(
        f"{file}: {_count_runs(done)} with reports, setups, symbols"
        f"{' and bars' if with_bars else ''}; {done['files']:,} files, "
        f"{done['bytes'] / 2**20:,.1f} MiB. Not in it: {', '.join(done['left_out'])}."
    )
    for fault in done["faults"]:
        say(f"WARNING  {fault}. `setupdesk doctor` says what to do.")


def restore_from(file: Path, *, replaces: bool, as_json: bool) -> None:
    """Restore the archive, and say what is waiting."""
    from setupdesk.upkeep.restore import restore

    with showing_progress() as watch:
        done = restore(load_settings(), file, watch, replaces=replaces)
    if as_json:
        show_json(done)
    else:
        _tell(done)


def _tell(done: Mapping[str, Any]) -> None:
    say(f"{done['home']} is as it was at {done['made_at'][:19]} UTC: {_count_runs(done)}.")
    if done["set_aside"]:
        say(f"What was there is in {done['set_aside']}; remove it when you need it no more.")
    if done["under_way"]:
        say(f"Under way then, tried anew or reported: {_name(done['under_way'])}.")
    if done["waiting"]:
        say(f"{done['waiting']:,} wait for `setupdesk up`; `setupdesk runs --queue` lists them.")
    if done["damaged"]:
        say(f"WARNING  without their reports, already in the backup: {_name(done['damaged'])}.")
    if not done["bars"]:
        say("The backup has no bars: those of the home, if any, stay as they are.")


def _count_runs(done: Mapping[str, Any]) -> str:
    return f"{done['runs']:,} {'run' if done['runs'] == 1 else 'runs'}"


def _name(run_ids: list[str]) -> str:
    more = len(run_ids) - _NAMED
    return ", ".join(run_ids[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
