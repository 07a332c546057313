"""TradingView: the export of a chart, with the plots of its indicators as further columns."""

import re

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample

_STAMP = re.compile(r"\d{9,10}|\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2}))?")


def _is_chart(sample: Sample) -> bool:
    begins = sample.line.startswith("time,open,high,low,close")
    return begins and _STAMP.fullmatch(sample.cell("time")) is not None


READER = HeaderFormat(name="TradingView", tells=_is_chart)
