"""What may be wrong with who can reach a desk, and what they can do there."""

from collections.abc import Iterable

from setupdesk.app.doctor import Check, judge, name_some
from setupdesk.core.hosts import is_loopback

_PAGE = "docs/operations.md, Letting other machines in"


def judge_listening(
    host: str, faults: Iterable[str], *, is_local: bool, has_tls: bool, proxies: Iterable[str]
) -> Check:
    """Judge where the service listens, and whether what is sent there can be read on its way."""
    behind = f", behind a proxy at {name_some(proxies)}" * bool(list(proxies))
    reach = "reached by this machine only" if is_local else "reached by other machines"
    return judge(
        "listening",
        f"{host}, {reach}, {'TLS' if has_tls else 'without TLS'}{behind}",
        bad="; ".join(faults),
        remedy=f"setupdesk.toml, then setupdesk down and up: {_PAGE}",
    )


def judge_hosts(names: Iterable[str], *, behind_proxy: bool) -> Check:
    """Judge the names for which requests may come; a proxy passes on the one it was asked for."""
    others = sorted(name for name in names if not is_loopback(name))
    unnamed = "none but loopback's, and the proxy is asked for another one, which it may pass on"
    return judge(
        "hosts",
        f"loopback's{' and ' * bool(others)}{name_some(others)}; pages of other sites are refused",
        warn=unnamed if behind_proxy and not others else "",
        remedy=f"hosts in setupdesk.toml: {_PAGE}",
    )


def judge_sign_in(provider: str, people: int, faults: Iterable[str]) -> Check:
    """Judge the provider by which users of the web desk sign in."""
    return judge(
        "sign-in",
        f"by {provider or 'nobody'}, for {people} of its users",
        bad="; ".join(faults),
        remedy="setupdesk.toml, then setupdesk down and up: docs/web.md, Who may see it",
    )


def judge_delivery(webhook: str, port: int, *, is_deaf: bool, has_rival: bool) -> Check:
    """Judge how messages come from Telegram to the bot.

    *is_deaf*: nobody listens for them; *has_rival*: another program asks with the same token.
    """
    if has_rival:
        return judge(
            "telegram",
            "",
            bad="another program asks with the same token, and gets some of the messages alone",
            remedy="end that program, or give this desk a bot of its own: docs/telegram.md",
        )
    return judge(
        "telegram",
        f"sends to {webhook}, which a proxy passes on to 127.0.0.1:{port}"
        if webhook
        else "is asked for messages (long polling)",
        bad=f"nobody listens at 127.0.0.1:{port} for what comes to {webhook}" if is_deaf else "",
        remedy="logs/bot.jsonl, and telegram_port in setupdesk.toml: docs/telegram.md, By webhook",
    )


def judge_keys(faults: Iterable[str]) -> Check:
    """Judge the files of the desk's own secrets."""
    return judge(
        "keys",
        "drawn at random, none is a default",
        bad="; ".join(faults),
        remedy="setupdesk down, delete the file, setupdesk up: a new one is made",
    )


def judge_prefect_access(gaps: Iterable[str], listeners: Iterable[str]) -> Check:
    """Judge what Prefect lets strangers do, and on which addresses it listens."""
    outside = [address for address in listeners if not is_loopback(address)]
    faults = [*gaps, *(f"it listens on {address}, not on loopback" for address in outside)]
    return judge(
        "access to Prefect",
        "loopback only, key asked for also of websockets, closed to other sites, analytics off",
        bad="; ".join(faults),
        remedy="setupdesk down, make setup, setupdesk up; if it stays so, do not use this desk",
    )
