"""Upkeep of a home: examine it, back it up, restore it; with a desk that runs, or without."""
