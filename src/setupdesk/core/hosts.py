"""Hosts: the names under which a desk may be asked for, and which of them are this machine's."""

import re
from ipaddress import IPv6Address, ip_address

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?\Z")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*\Z")


def read_authority(text: str) -> tuple[str, str]:
    """Read ``name``, ``name:port`` or ``[IPv6]:port``: name and port, both empty if it is none."""
    found = _AUTHORITY.match(text)
    return (normalize(found[1]), found[2] or "") if found else ("", "")


def normalize(name: str) -> str:
    """Write a name or an address in the one form in which they compare; empty if it is none."""
    bare = name.strip().lower().removeprefix("[").removesuffix("]").removesuffix(".")
    try:
        return str(ip_address(bare))
    except ValueError:
        return bare if _NAME.match(bare) else ""


def is_loopback(name: str) -> bool:
    """Say whether *name*, normalized, is this machine for everybody who asks."""
    try:
        address = ip_address(name)
    except ValueError:
        return name == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def is_same_origin(origin: str, host: str) -> bool:
    """Say whether a page of *origin* was served by *host*, as the headers have them."""
    scheme, _, authority = origin.partition("://")
    said = read_authority(authority)
    return scheme in ("http", "https") and bool(said[0]) and said == read_authority(host)


def is_everywhere(name: str) -> bool:
    """Say whether *name* stands for every address of the machine, and is none to ask for."""
    return name in ("0.0.0.0", "::")  # noqa: S104 (recognized, not bound)


def write_authority(name: str, port: int) -> str:
    """Write name and port as an address has them."""
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
