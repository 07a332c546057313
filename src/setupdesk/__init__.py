"""Setupdesk: a self-hosted desk for trading setups."""

__version__ = "0.1.0"

__all__ = ["__version__"]
