"""Symbols, over HTTP: the catalogue, and symbols of the user's own."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query

from setupdesk.service.security import ADMIN, TheCaller, TheDesk

router = APIRouter(tags=["symbols"])

Toml = Annotated[str, Body(media_type="application/toml", max_length=65_536)]


@router.get("/symbols")
def list_symbols(desk: TheDesk) -> list[dict[str, Any]]:
    """List the symbols of the catalogue."""
    return desk.symbol_desk.symbols()


@router.get("/symbols/mistakes")
def list_mistakes(desk: TheDesk) -> dict[str, list[str]]:
    """List the user's own files that cannot be used, with every reason."""
    return desk.symbol_desk.mistakes()


@router.get("/symbols/{name:path}")
def show_symbol(name: str, desk: TheDesk) -> dict[str, Any]:
    """Give one symbol with its windows, its costs and its TOML."""
    return desk.symbol_desk.symbol(name)


@router.post("/symbols", openapi_extra=ADMIN)
def add_symbol(
    toml: Toml,
    desk: TheDesk,
    caller: TheCaller,
    *,
    file_name: Annotated[str, Query(max_length=255)] = "the symbol",
    dry_run: bool = False,
) -> dict[str, Any]:
    """Check the TOML of a symbol and, unless it is a dry run, keep it."""
    return desk.symbol_desk.add(toml, file_name, caller.user, dry_run=dry_run)
