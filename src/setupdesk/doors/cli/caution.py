"""What nobody may miss of a report: alarms; bars that are simulated, in doubt, or resampled."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.panel import Panel
from rich.text import Text

Json = Mapping[str, Any]


def render_simulated(simulated: Any) -> list[RenderableType]:
    """Say in a frame that no exchange made the bars, if so."""
    if not simulated:
        return []
    sentence = "No exchange made these bars: this is a simulated market."
    return [_frame("SIMULATED MARKET", sentence)]


def render_alarms(notes: Iterable[Json]) -> list[RenderableType]:
    """Say in a frame why a result must not be trusted as it stands."""
    alarms = [note["sentence"] for note in notes if note["severity"] == "alarm"]
    return [_frame("DO NOT TRUST THIS", sentence) for sentence in alarms]


def render_warnings(record: Json) -> list[RenderableType]:
    """Say of every source of the bars what is in doubt."""
    quality = record.get("data_quality")
    warnings = quality.get("warnings", ()) if isinstance(quality, Mapping) else ()
    # What stands in a file's name could drive the terminal.
    plain = ("".join(letter for letter in each if letter.isprintable()) for each in warnings)
    return [Text.assemble(("WARNING", "bold red"), f"  {each}") for each in plain]


def render_resampled(run: Json, told: Json) -> list[RenderableType]:
    """Say of which stored bars those of the run were made, if of others."""
    wanted, stored = run["request"].get("timeframe"), told.get("bars_timeframe")
    if stored in (None, wanted):
        return []
    return [Text(f"The {wanted} bars are made from stored {stored} bars."), Text()]


def _frame(title: str, sentence: str) -> RenderableType:
    banner = Text.assemble((title, "bold red"), f"  {sentence}")
    return Panel(banner, box=box.HEAVY, border_style="bold red")
