"""Short ways to write what a ruling carries beside its outcome."""

from wit_world.imports.types import ApprovalRequest, Citation, Fact, Notes, Reason, Role

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def empty() -> Notes:
    """Notes with nothing in them."""
    return Notes(reasons=[], obligations=[], approvals=[], messages=[], alerts=[], attributes=[])


def reason(rule, severity, source, facts=()) -> Reason:
    """The reason that a rule is, with its authority and the facts it read as pairs of path and value."""
    read = [Fact(path, str(value)) for path, value in facts]
    return Reason(rule=rule, severity=severity, facts=read, citations=[Citation(*source)])


def ask_person(notes: Notes, rule: str, now: int, distinct_from=()) -> None:
    """A person is asked within a day."""
    notes.approvals.append(ApprovalRequest(role=Role.SUPERVISOR, rule=rule, due=now + DAY_MS, distinct_from=list(distinct_from)))
