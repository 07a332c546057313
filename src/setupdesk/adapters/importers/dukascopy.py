"""Dukascopy: CSV of its web page and of JForex, and what dukascopy-node writes."""

import re

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample
from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.core.timeframe import Timeframe

_DAY_FIRST = re.compile(r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}\.\d{3}.*")
_ASK = re.compile(r"(?<![a-z])ask(?![a-z])[^/]*$", re.IGNORECASE)
_NODE_HEADER = ("timestamp", "open", "high", "low", "close")


def _is_web(sample: Sample) -> bool:
    name = sample.header[0]
    is_named = name in ("etc/utc", "gmt_time", "local_time")
    return is_named or _DAY_FIRST.fullmatch(sample.cell(name)) is not None


def _is_node(sample: Sample) -> bool:
    stamp = sample.cell("timestamp")
    return tuple(sample.header[:5]) == _NODE_HEADER and len(stamp) == 13 and stamp.isdigit()


class _OfBids(HeaderFormat):
    # Only the name of the file tells bid from ask.
    def read(self, content: bytes, file_name: str, timeframe: Timeframe) -> Rows:
        if _ASK.search(file_name):
            raise NotReadableError(
                "It holds ask prices by its name, while bars are bid prices. Import the BID file."
            )
        return HeaderFormat.read(self, content, file_name, timeframe)


CSV = _OfBids(name="Dukascopy CSV", tells=_is_web, leaves_out_silence=True)
NODE = _OfBids(name="dukascopy-node", tells=_is_node, leaves_out_silence=True)
