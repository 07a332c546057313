"""The engine: a setup over bars, signals, simulated fills, statistics. Pure."""
