"""MetaTrader 5: its own export of bars, what its scripts write, and what its Python gives.

All three speak in the wall clock of the broker's server, even where they write UNIX times.
"""

import re

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample

_NAIVE = re.compile(r"\d{4}[-.]\d{2}[-.]\d{2}[ T]\d{2}:\d{2}(:\d{2})?")


def _is_export(sample: Sample) -> bool:
    return sample.line.upper().startswith("<DATE>")


def _is_script(sample: Sample) -> bool:
    return "tickvol" in sample.header


def _is_python(sample: Sample) -> bool:
    name = sample.header[0]
    is_dump = name in ("time", "datetime") and _NAIVE.fullmatch(sample.cell(name)) is not None
    return is_dump or "tick_volume" in sample.header


EXPORT = HeaderFormat(name="MT5 export", tells=_is_export, epochs_are_wall=True)
SCRIPT = HeaderFormat(name="MT5 script", tells=_is_script, epochs_are_wall=True)
PYTHON = HeaderFormat(name="MT5 Python", tells=_is_python, epochs_are_wall=True)
