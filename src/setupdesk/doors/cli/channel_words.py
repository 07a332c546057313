"""The manner of a channel in the words of the terminal, and back."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from setupdesk.doors.cli.access import refuse_usage


def build_manner(
    alerts: str | None, quiet: str | None, quiet_zone: str | None, most_per_hour: int | None
) -> dict[str, Any]:
    """Build what the API takes as ``manner``; what is not said is not in it."""
    manner: dict[str, Any] = {}
    if alerts is not None:
        manner["kinds"] = dict(_read_pair(pair) for pair in alerts.split(","))
    if quiet is not None or quiet_zone is not None:
        manner["quiet"] = _read_quiet(quiet, quiet_zone)
    if most_per_hour is not None:
        manner["most_per_hour"] = most_per_hour
    return manner


def _read_pair(pair: str) -> tuple[str, str]:
    kind, equals, how = pair.partition("=")
    if not equals:
        refuse_usage(f"--alerts had {pair!r}; it is such as signal=on,stale=silent.")
    return kind.strip(), how.strip()


def _read_quiet(quiet: str | None, zone: str | None) -> dict[str, str] | None:
    if quiet == "none":
        return None
    in_zone = {} if zone is None else {"zone": zone}
    if quiet is None:
        return in_zone
    begins, dash, ends = quiet.partition("-")
    if not dash:
        refuse_usage(f"--quiet was {quiet!r}; it is such as 22:00-07:00, or none.")
    return {"from": begins.strip(), "to": ends.strip(), **in_zone}


def tell_manner(manner: Mapping[str, Any]) -> str:
    """Tell it in one line."""
    kinds = ", ".join(f"{kind} {how}" for kind, how in manner["kinds"].items())
    quiet = manner["quiet"]
    rest = f"; quiet {quiet['from']}-{quiet['to']} {quiet['zone']}" if quiet else ""
    return f"{kinds}{rest}; {manner['most_per_hour']} an hour"


def tell_mutes(mutes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Tell each muted setup in a line, on the clock of its market."""
    return [f"{one['setup_id']} muted until {_tell_end(one)}" for one in mutes]


def _tell_end(one: Mapping[str, Any]) -> str:
    at = datetime.fromisoformat(one["until"]).astimezone(ZoneInfo(one["zone"]))
    return f"{at:%Y-%m-%d %H:%M} {one['zone']}"
