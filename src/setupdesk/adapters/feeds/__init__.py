"""Feeds: one file a vendor. Each hands out closed bars in UTC, and never an unfinished one."""
