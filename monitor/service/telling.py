"""What the service says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.alerts import policy
from monitor.model import Alert, AlertKind, Severity


def about_the_service(headline: str, facts: Mapping[str, str], rules: policy.Rules, now: datetime) -> Alert:
    """Return an alert to the operator; the same thing is the same alert for a day, however its details differ."""
    named = {name: fact for name, fact in facts.items() if name not in {"detail", "minutes"}}
    about = named if len(named) > 1 else facts  # where there is nothing but details they tell it apart
    return policy.plain_alert(
        AlertKind.OPERATOR,
        headline=headline,
        note=facts.get("detail", ""),
        facts=facts,
        rules=rules,
        key=f"{now.date()} {sorted(about.items())}",
        severity=Severity.WARNING,
        now=now,
    )
