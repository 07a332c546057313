"""How many hooks and channels a user may have at once, and what is said to who wants more."""

from collections.abc import Iterable

from setupdesk.core.channel import Channel
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.hook import Hook
from setupdesk.core.problem import Problem

MOST_HOOKS, MOST_CHANNELS = 50, 20
"""Of a user; those that are revoked do not count."""


def refuse_another(kind: str, user: str, made: Iterable[Hook | Channel]) -> InvalidRequestError:
    """Build the refusal of one more ``hook`` or ``channel``; *made* are all, the newest first."""
    live = [one for one in made if one.user == user and not one.revoked_at]
    ids = [one.hook_id if isinstance(one, Hook) else one.channel_id for one in live]
    message = (
        f"{user} has {len(live)} {kind}s that are not revoked, the most there may be. Revoke one "
        f"that is not needed: `setupdesk {kind} list` shows them, and "
        f"`setupdesk {kind} revoke {ids[-1] if ids else kind.upper()}` ends the oldest."
    )
    return InvalidRequestError([Problem(field="", code=f"too_many_{kind}s", message=message)])
