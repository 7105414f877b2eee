"""Functions that tell local time: in another time zone, they are called again."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rememo import Cache

pytestmark = pytest.mark.soundness

NOON = 43200
MOMENT = time.struct_time((2020, 1, 1, 12, 0, 0, 2, 1, -1))
NAIVE = dt.datetime(2020, 1, 1, 12)  # noqa: DTZ001  what is tested
AWARE = dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)

LOCAL: dict[str, Callable[[], object]] = {
    "localtime": lambda: tuple(time.localtime(NOON)),
    "ctime": lambda: time.ctime(NOON),
    "mktime": lambda: time.mktime(MOMENT),
    "strftime": lambda: time.strftime("%H %Z", time.localtime(NOON)),
    "fromtimestamp": lambda: dt.datetime.fromtimestamp(NOON).hour,  # noqa: DTZ006
    "a day": lambda: dt.date.fromtimestamp(23 * 3600),  # noqa: DTZ012
    "timestamp": lambda: NAIVE.timestamp(),
    "astimezone": lambda: AWARE.astimezone().hour,
    "astimezone of a naive one": lambda: NAIVE.astimezone(dt.UTC).hour,
}
NOT_LOCAL: dict[str, Callable[[], object]] = {
    "gmtime": lambda: tuple(time.gmtime(NOON)),
    "fromtimestamp": lambda: dt.datetime.fromtimestamp(NOON, dt.UTC).hour,
    "timestamp": lambda: AWARE.timestamp(),
    "astimezone": lambda: AWARE.astimezone(dt.UTC).hour,
    "isoformat": lambda: NAIVE.isoformat(),
}


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    """Begins in a time zone that is known."""
    before = os.environ.get("TZ")
    move("UTC")
    yield
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


def move(zone: str) -> None:
    """Takes the process to another time zone."""
    os.environ["TZ"] = zone
    time.tzset()


@pytest.mark.parametrize("name", LOCAL)
def test_local_time_is_told_anew_in_another_time_zone(rememo_cache: Cache, name: str) -> None:
    f: Any = rememo_cache.memoize(LOCAL[name])
    told = f()
    assert f.would_hit()
    move("Asia/Tokyo")
    assert f() == f.__wrapped__() != told
    move("UTC")
    assert f.would_hit()
    assert f() == told
    assert f.cache_info()[:2] == (1, 2)


@pytest.mark.parametrize("name", NOT_LOCAL)
def test_what_has_a_zone_of_its_own_is_the_same_everywhere(rememo_cache: Cache, name: str) -> None:
    f: Any = rememo_cache.memoize(NOT_LOCAL[name])
    f()
    move("Asia/Tokyo")
    assert f.would_hit()
