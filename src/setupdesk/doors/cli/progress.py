"""Progress of what takes its time: stages with their sizes, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Watch = Callable[[str, int, int], None]


@contextmanager
def showing_progress() -> Iterator[Watch]:
    """Draw a line a stage as long as this lasts; nothing where standard error is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[size]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        stages: dict[str, TaskID] = {}

        def watch(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                for earlier in stages.values():
                    progress.stop_task(earlier)
                stages[stage] = progress.add_task(stage, total=total or None, size="")
            progress.update(stages[stage], completed=done, size=_say_size(done, total))

        yield watch


def _say_size(done: int, total: int) -> str:
    return f"{done / 2**20:,.1f} of {total / 2**20:,.1f} MiB" if total else ""
