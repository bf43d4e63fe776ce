"""The house and its desks, for all conformance cases (desk.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conformance.desk import Desk, House, open_house


@pytest.fixture(scope="session", name="house")
def house_fixture() -> Iterator[House]:
    with open_house() as house:
        yield house


@pytest.fixture(name="desk")
def desk_fixture(house: House) -> Desk:
    house.empty()
    desk = Desk(house=house)
    desk.feed()
    return desk
