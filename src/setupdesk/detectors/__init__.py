"""Detectors, one file each: bars in, levels or events out, each with the row it is known at."""
