"""Data sets: stored bars of one symbol and timeframe, and all that is known of them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, Self

from setupdesk.core.timeframe import Timeframe
from setupdesk.market.bars import Bars

ExportForm = Literal["csv", "csv.gz", "parquet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBars:
    """The bars of one file."""

    bars: Bars
    source_format: str
    source_sha256: str
    """Of the file as given, still packed."""

    quality: Mapping[str, int]
    """How often something was mended or is worth a look, such as ``duplicates``."""

    clock: str = "UTC"
    """Clock of the source; the bars are in UTC."""

    warnings: tuple[str, ...] = ()
    """What contradicts the clock, or was guessed: sentences that nobody should miss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Where bars come from."""

    source_file: str
    source_format: str
    source_sha256: str
    imported_at: datetime
    clock: str = "UTC"
    """Clock of the source; the bars themselves are always in UTC."""

    seed: int | None = None
    """Of the simulated market; None for real bars."""

    quality: Mapping[str, int]
    warnings: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        """Say whether the bars were drawn, not traded."""
        return self.seed is not None


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
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the shape of ``manifest.json``."""
        times = {name: getattr(self, name).isoformat() for name in _TIMES}
        return (
            asdict(self)
            | times
            | {
                "quality": dict(self.quality),
                "warnings": list(self.warnings),
            }
        )

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave."""
        # Manifests of older desks have no warnings.
        known = {entry.name: raw[entry.name] for entry in fields(cls) if entry.name in raw}
        times = {name: datetime.fromisoformat(raw[name]) for name in _TIMES}
        warnings = tuple(raw.get("warnings", ()))
        return cls(
            **known | times | {"timeframe": Timeframe(raw["timeframe"]), "warnings": warnings}
        )


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
