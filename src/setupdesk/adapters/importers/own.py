"""Setupdesk: the CSV that it exports, whose bars were checked and are stamped at their open."""

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample

_COLUMNS = ("open_time", "open", "high", "low", "close")
_OPTIONAL = ("volume", "simulated_seed")


def _is_own(sample: Sample) -> bool:
    rest = [name for name in _OPTIONAL if name in sample.header]
    return list(sample.header) == [*_COLUMNS, *rest] and sample.cell("open_time").endswith("Z")


CSV = HeaderFormat(name="Setupdesk CSV", tells=_is_own, is_own=True)
