"""MetaTrader 5: its own export of bars, what its scripts write, and what its Python gives.

All three speak in the wall clock of the broker's server, even where they write UNIX times.
"""

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample


def _is_export(sample: Sample) -> bool:
    return sample.line.upper().startswith("<DATE>")


def _is_script(sample: Sample) -> bool:
    return "tickvol" in sample.header


def _is_python(sample: Sample) -> bool:
    # Columns of its own: whatever else names time and prices may come from anywhere.
    return not {"tick_volume", "real_volume"}.isdisjoint(sample.header)


EXPORT = HeaderFormat(name="MT5 export", tells=_is_export, epochs_are_wall=True)
SCRIPT = HeaderFormat(name="MT5 script", tells=_is_script, epochs_are_wall=True)
PYTHON = HeaderFormat(name="MT5 Python", tells=_is_python, epochs_are_wall=True)
