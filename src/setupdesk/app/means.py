"""The means of a run: the account, the risk and the fill rules that a request asks for."""

from setupdesk.core.request import Request
from setupdesk.engine.costs import FILL_RULES, Means


def find_means(request: Request) -> Means:
    """Give the account, the risk and the fill rules that *request* asks for."""
    account = request.extra.get("account")
    return Means(
        account=None if account is None else float(account),
        risk_percent=float(request.extra.get("risk_percent", Means().risk_percent)),
        rules=FILL_RULES[str(request.extra.get("fill_rules", "setupdesk"))],
    )
