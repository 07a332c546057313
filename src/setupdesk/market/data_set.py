"""Data sets: stored bars of one symbol and timeframe, and all that is known of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Self

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.days import from_ms

ExportForm = Literal["csv", "csv.gz", "parquet"]


class Skipped(NamedTuple):
    """A file of a folder or an archive that was left alone, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBars:
    """The bars of one file or folder."""

    bars: Bars
    source_file: str
    """Its name; of a folder, with the number of its files."""

    source_format: str
    source_sha256: str
    """Of the file as given, still packed."""

    quality: Mapping[str, int]
    """How often something was mended or is worth a look, such as ``duplicates``."""

    clock: str = "UTC"
    """Clock of the source; the bars are in UTC."""

    clock_found: str = ""
    """How that clock is known, in words."""

    warnings: tuple[str, ...] = ()
    """What contradicts the clock, or was guessed: sentences that nobody should miss."""

    skipped: tuple[Skipped, ...] = ()
    seed: int | None = None
    """Of the simulated market; None for real bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Where bars come from."""

    source_file: str
    source_format: str
    source_sha256: str
    imported_at: datetime
    clock: str = "UTC"
    """Clock of the source; the bars themselves are always in UTC."""

    clock_found: str = ""
    """How that clock is known, in words."""

    seed: int | None = None
    """Of the simulated market; None for real bars."""

    quality: Mapping[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Say whether the bars were drawn, not traded."""
        return self.seed is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file, folder or feed, and what a data set has from it."""

    source_file: str
    source_format: str
    source_sha256: str
    clock: str
    clock_found: str = ""
    imported_at: datetime
    rows: int
    """Bars that the data set did not have, or had otherwise."""

    first: datetime
    """Open of the first of these, UTC."""

    last: datetime
    """Open of the last of these, UTC."""

    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it with names as in the class."""
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        return asdict(self) | times | {"warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave, or the manifest of an older desk, which names no sources."""
        known = {entry.name: raw[entry.name] for entry in fields(cls) if entry.name in raw}
        times = {name: datetime.fromisoformat(raw[name]) for name in _TIMES}
        return cls(**known | times | {"warnings": tuple(raw.get("warnings", ()))})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one version of a data set is."""

    symbol: str
    timeframe: Timeframe
    tick: float
    rows: int
    first: datetime
    """Open of the first bar, UTC."""

    last: datetime
    """Open of the last bar, UTC."""

    source_file: str
    source_format: str
    source_sha256: str
    clock: str
    simulated: bool
    seed: int | None
    fingerprint: str
    merged_into: str | None
    """Fingerprint of the version that this import was added to."""

    imported_at: datetime
    quality: Mapping[str, int]
    """Of the newest import, as are the file, its format, its sha256 and its clock."""

    warnings: tuple[str, ...] = ()
    """Those of every source."""

    sources: tuple[Source, ...] = ()
    """All that the bars were made of, the newest last."""

    def to_json(self) -> dict[str, Any]:
        """Give the shape of ``manifest.json``."""
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        return (
            asdict(self)
            | times
            | {
                "quality": dict(self.quality),
                "warnings": list(self.warnings),
                "sources": [source.to_json() for source in self.sources],
            }
        )

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        # Manifests of older desks have no warnings, and name no sources.
        known = {entry.name: raw[entry.name] for entry in fields(cls) if entry.name in raw}
        times = {name: datetime.fromisoformat(raw[name]) for name in _TIMES}
        rest = {
            "timeframe": Timeframe(raw["timeframe"]),
            "warnings": tuple(raw.get("warnings", ())),
            "sources": tuple(Source.from_json(each) for each in raw.get("sources", (raw,))),
        }
        return cls(**known | times | rest)

    @property
    def source_names(self) -> str:
        """Name all sources, the newest last."""
        names = dict.fromkeys(source.source_file for source in self.sources)
        return ", ".join(names) or self.source_file

    @property
    def clocks(self) -> str:
        """Name the clocks of all sources."""
        return ", ".join(dict.fromkeys(source.clock for source in self.sources)) or self.clock

    def warn(self) -> list[str]:
        """Say the warnings of every source, each with its source's name."""
        return [f"{each.source_file}: {said}" for each in self.sources for said in each.warnings]


def describe_file(bars: Bars, facts: Facts) -> dict[str, Any]:
    """Give what an import says of the file itself, whatever it changed."""
    return {
        "source_file": facts.source_file,
        "source_format": facts.source_format,
        "source_sha256": facts.source_sha256,
        "clock": facts.clock,
        "clock_found": facts.clock_found,
        "rows": len(bars),
        "first": from_ms(int(bars.time[0])).isoformat(),
        "last": from_ms(int(bars.time[-1])).isoformat(),
        "quality": dict(facts.quality),
        "warnings": list(facts.warnings),
    }


_TIMES = ("first", "last", "imported_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What an import changed."""

    manifest: Manifest
    outcome: Literal["created", "unchanged", "merged", "replaced"]
    added: int
    """Bars that the data set did not have."""

    disagreeing: int
    """Bars that it had with other prices; those of the new file stand now."""

    disagreeing_days: tuple[date, ...] = ()
    """Their dates in the zone of the market."""

    other_volume: int = 0
    """Bars that it had with the same prices and another volume."""

    cause: str = ""
    """Why so many disagree, as a sentence; empty where few do."""

    def to_json(self) -> dict[str, Any]:
        """Give the data set as it is now, and what changed."""
        return self.manifest.to_json() | {
            "outcome": self.outcome,
            "added": self.added,
            "disagreeing": self.disagreeing,
            "disagreeing_days": [day.isoformat() for day in self.disagreeing_days],
            "disagreeing_cause": self.cause,
            "other_volume": self.other_volume,
        }
