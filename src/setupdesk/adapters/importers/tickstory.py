"""Tickstory: a date without dashes, and the time of day in a column called Timestamp."""

from setupdesk.adapters.importers.csv_with_header import HeaderFormat, Sample


def _is_tickstory(sample: Sample) -> bool:
    return sample.header[:2] == ["date", "timestamp"] and ":" in sample.cell("timestamp")


READER = HeaderFormat(name="Tickstory", tells=_is_tickstory)
