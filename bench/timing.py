"""Timing: what is compared takes turns, and medians are told as ratios."""

import resource
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

Work = Callable[[], object]


def take_turns(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Let all *works* run in turns, once to warm up and *rounds* times; give medians, seconds."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for count in range(rounds + 1):
        for name, work in works.items():
            began = perf_counter()
            work()
            if count:
                times[name].append(perf_counter() - began)
    return {name: median(taken) for name, taken in times.items()}


def show(name: str, seconds: float, ours: float, note: str = "") -> None:
    """Print one line: what it is, its median, and how many times as long as ours it took."""
    ratio = f"{seconds / ours:>10,.1f} x" if seconds is not ours else f"{'':>12}"
    print(f"  {name:<44}{seconds * 1000:>12,.2f} ms{ratio}  {note}".rstrip(), flush=True)


def judge(what: str, figure: float, target: float, unit: str, *, least: bool = False) -> None:
    """Print a target, and whether it was reached."""
    reached = figure >= target if least else figure <= target
    sign = ">=" if least else "<="
    word = "reached" if reached else "MISSED"
    print(f"  target {what} {sign} {target:g} {unit}: {figure:,.3g} {unit}, {word}", flush=True)


def peak_mib() -> float:
    """Give the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
