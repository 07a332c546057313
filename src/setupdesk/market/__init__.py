"""Bars and time: sessions, resampling, the simulated market. Pure: no I/O, no clock."""
