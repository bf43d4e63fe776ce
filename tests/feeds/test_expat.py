from __future__ import annotations

import pytest

from monitor.errors import MonitorError
from monitor.feeds import expat


@pytest.mark.parametrize(
    ("version", "verdict", "says"),
    [
        ((2, 2, 10), expat.Verdict.REFUSED, "too old"),
        ((2, 4, 0), expat.Verdict.REFUSED, "at least 2.4.1"),
        ((2, 4, 1), expat.Verdict.OLD, "up to 2.8.4"),
        ((2, 5, 0), expat.Verdict.OLD, "libexpat 2.5.0"),
        ((2, 8, 3), expat.Verdict.OLD, "update"),
        ((2, 8, 4), expat.Verdict.FINE, "libexpat 2.8.4"),
        ((3, 0, 0), expat.Verdict.FINE, "libexpat 3.0.0"),
    ],
)
def test_old_versions_are_warned_about_and_indefensible_ones_refused(
    version: tuple[int, int, int], verdict: expat.Verdict, says: str
) -> None:
    assert expat.verdict(version) is verdict
    assert says in expat.sentence(version)


def test_a_service_on_an_indefensible_parser_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    expat.require()
    monkeypatch.setattr(expat, "version", lambda: (2, 4, 0))
    with pytest.raises(MonitorError, match=r"libexpat 2\.4\.0 is too old"):
        expat.require()
