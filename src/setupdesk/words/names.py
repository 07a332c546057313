"""What the API's own names of states, stages, outcomes and roles are called where people read."""

from setupdesk.words import mark

STATES = {
    "planned": mark("planned"),
    "queued": mark("queued"),
    "running": mark("running"),
    "cancelling": mark("cancelling"),
    "cancelled": mark("cancelled"),
    "completed": mark("completed"),
    "failed": mark("failed"),
    "timed_out": mark("timed out"),
    "crashed": mark("crashed"),
}
STAGES = {
    "planning": mark("planning"),
    "finding signals": mark("finding signals"),
    "looking": mark("looking at the market"),
    "comparing": mark("comparing with what was said live"),
}
OUTCOMES = {
    "accepted": mark("accepted"),
    "refused": mark("refused"),
    "replayed": mark("sent again"),
    "conflict": mark("key of another request"),
}
ROLES = {"viewer": mark("viewer"), "trader": mark("trader"), "admin": mark("admin")}
