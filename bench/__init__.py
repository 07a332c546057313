"""Comparisons with other engines, as ratios measured in one go."""
