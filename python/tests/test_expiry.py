"""Results that are good for a while only: until when, in all processes, whatever clocks do."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from rememo import Cache, TTLInterval, memoize

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Clock

MODULE = """
import asyncio
import pathlib
import rememo
from rememo import Cache, _core
cache = Cache("cache")
events = []
_core.subscribe(lambda event: events.append(event.get("reason", event["event"])))

def at(hours):
    pathlib.Path("offset").write_text(str(int(hours * 3600)))

@cache.memoize(ttl="1d")
def double(x):
    return 2 * x

@cache.memoize
def outer(x):
    return double(x) + 1

@cache.memoize(watch="off")
def unwatched(x):
    return double(x) + 1

@cache.memoize(ttl="1d")
def items(x):
    yield x
    yield x + 1

@cache.memoize
def of_items(x):
    return sum(items(x))

@cache.memoize(ttl="1d", watch="off")
async def later(x):
    await asyncio.sleep(0)
    return x

@cache.memoize
async def of_later(x):
    return await later(x) + 1
"""


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """A program with results that expire, whose clock can be set."""
    clock.program.write(m=MODULE)
    return clock


def test_a_result_expires_in_every_process(clock: Clock) -> None:
    """And another takes its place."""
    assert clock.run(0, "out = m.double(1)") == (2, ["miss", "stored"])
    assert clock.run(23, "out = m.double(1), m.double.would_hit(1)")[1] == ["hit"]
    code = "out = m.double.would_hit(1), m.double.explain(1).reason, m.double(1), m.events"
    assert clock.run(25, code)[0] == [False, "expired", 2, ["expired", "stored"]]
    assert clock.run(48, "out = m.double(1)")[1] == ["hit"]
    with Cache(clock.program.directory / "cache") as cache:
        assert cache.usage().entries == 1
        assert cache.last_misses("m.double")[0].reason == "expired"


def test_a_result_expires_in_memory(clock: Clock) -> None:
    """Within one process that goes on."""
    code = """
out = []
for hours in (0, 0, 23, 24.01, 24.01, 49):
    m.at(hours)
    m.double(1)
    out.append(m.events[:])
    m.events.clear()
"""
    out, _ = clock.run(0, code)
    ran = ["expired", "stored"]
    assert out == [["new", "stored"], ["hit"], ["hit"], ran, ["hit"], ran]


def test_setting_the_clock_makes_nothing_last_longer(clock: Clock) -> None:
    """What seems to be from the future is run again; and what was made some time ago is not taken
    for younger while the machine runs."""
    clock.run(100, "out = m.double(1)")
    assert clock.run(99, "out = m.double(1), m.events")[0] == [2, ["expired", "stored"]]
    code = """
import time
short = m.cache.memoize(ttl="2s")(abs_of := (lambda x: abs(x)))
short(1)
short(1)
time.sleep(2.1)
m.at(-1.5 / 3600)
short(1)
out = m.events
"""
    out, _ = clock.run(0, code)
    assert out == ["new", "stored", "hit", "expired", "stored"]


@pytest.mark.parametrize("function", ["outer", "of_items"])
def test_what_a_result_is_made_of_ends_it(clock: Clock, function: str) -> None:
    """Whether the call within ran or was answered, by the directory or from memory."""
    for first in ("pass", "m.double(1), list(m.items(1))", "m.double(1); m.double(1)"):
        call = f"m.{function}(1)"
        clock.run(0, f"out = m.cache.clear()\n{first}\n{call}")
        hits = f"m.events.clear(); {call}; {call}; out = m.events"
        assert clock.run(23, hits)[0] == ["hit", "hit"]
        assert "expired" in clock.run(25, hits)[0]
        # It was made anew when what is within it was, at the latest.
        assert clock.run(48, hits)[0] == ["hit", "hit"]


def test_what_is_not_watched_goes_on(clock: Clock) -> None:
    """Its user said that nothing counts but its arguments and code."""
    call = "out = m.unwatched(1), m.events"
    clock.run(0, call)
    assert clock.run(25, call)[0] == [3, ["hit"]]


def test_what_is_awaited_ends_a_result(clock: Clock) -> None:
    """Even what is not watched."""
    call = "import asyncio\nasyncio.run(m.of_later(1))\nout = m.events"
    clock.run(0, call)
    assert clock.run(23, call)[0] == ["hit"]
    assert clock.run(25, call)[0][:2] == ["expired", "expired"]


def test_another_time_to_live_counts_at_once(clock: Clock) -> None:
    """For what was stored before it was said, too; and the earlier end counts."""
    plain = MODULE.replace('(ttl="1d")\ndef double', "\ndef double")
    short = MODULE.replace('ttl="1d")\ndef double', 'ttl="2h")\ndef double')
    call = "out = m.double(1), m.events"
    clock.program.write(m=plain)
    clock.run(0, call)
    clock.program.write(m=short)
    assert clock.run(1, call)[0] == [2, ["hit"]]
    assert clock.run(3, call)[0] == [2, ["expired", "stored"]]
    clock.program.write(m=plain)
    assert clock.run(4, call)[0] == [2, ["hit"]]
    assert clock.run(6, call)[0] == [2, ["expired", "stored"]]
    assert clock.run(60, call)[0] == [2, ["hit"]]


def test_a_function_memoized_twice_keeps_to_each_time(clock: Clock) -> None:
    """In the memory of one process."""
    code = """
def f(x):
    return x
day, hour = m.cache.memoize(ttl="1d")(f), m.cache.memoize(ttl="1h")(f)
day(1), day(1), hour(1), hour(1)
m.at(2)
day(1), hour(1), hour(1)
out = m.events
"""
    assert clock.run(0, code)[0] == ["new", "stored", *["hit"] * 4, "expired", "stored", "hit"]


def test_results_may_end_at_certain_moments(clock: Clock) -> None:
    """All at the same ones, whenever they were made."""
    now = datetime.now(UTC)
    moment = now + timedelta(hours=2)
    interval = f"rememo.TTLInterval('1d', datetime.fromisoformat({moment.isoformat()!r}))"
    text = MODULE.replace('"1d")\ndef double', f"{interval})\ndef double")
    clock.program.write(m="from datetime import datetime\n" + text)
    clock.run(0, "out = m.double(1)")
    clock.run(1, "out = m.double(2)")
    both = "out = m.double.would_hit(1), m.double.would_hit(2)"
    assert clock.run(1.5, both)[0] == [True, True]
    assert clock.run(2.5, both)[0] == [False, False]
    clock.run(2.5, "out = m.double(1)")
    assert clock.run(25.5, both)[0] == [True, False]
    assert clock.run(26.5, both)[0] == [False, False]


def test_an_interval_counts_its_moments() -> None:
    """And is what it was after pickling."""
    zone = timezone(timedelta(hours=3))
    interval = TTLInterval(timedelta(days=7), datetime(2020, 1, 1, tzinfo=zone))
    assert interval() - TTLInterval("1 week", datetime(2020, 1, 8, tzinfo=zone))() == 1
    assert pickle.loads(pickle.dumps(interval)) == interval
    assert TTLInterval(60) == TTLInterval("1 min") != interval
    assert len({TTLInterval(60), TTLInterval("60s"), interval}) == 2
    assert repr(interval) == "<rememo.TTLInterval of 7 d from 2019-12-31 21:00:00 UTC>"


@pytest.mark.parametrize(
    ("ttl", "error", "message"),
    [
        ("soon", ValueError, 'ttl="soon" is no duration: write "1d"'),
        ("0s", ValueError, "no time at all"),
        (-1, ValueError, "ttl must be more than zero"),
        (timedelta(0), ValueError, "ttl must be more than zero"),
        (float("nan"), TypeError, "ttl must be seconds"),
        (True, TypeError, "ttl must be seconds"),
        ([], TypeError, "ttl must be seconds"),
        (TTLInterval, TypeError, "ttl must be seconds"),
    ],
)
def test_what_is_no_time_is_refused(ttl: object, error: type[Exception], message: str) -> None:
    """When the function is memoized."""
    with pytest.raises(error, match=message):
        memoize(ttl=ttl)  # type: ignore[call-overload]


def test_what_is_no_interval_is_refused() -> None:
    """When it is made."""
    with pytest.raises(ValueError, match='every="never" is no duration'):
        TTLInterval("never")
    with pytest.raises(ValueError, match="start must have a time zone"):
        TTLInterval("1d", datetime(2020, 1, 1))  # noqa: DTZ001  that is what is wrong
    with pytest.raises(ValueError, match="start must not be before 1970"):
        TTLInterval("1d", datetime(1960, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="longer than five hundred years"):
        TTLInterval("1000000 days")


def test_a_time_longer_than_clocks_reach_is_for_ever(tmp_path: Path) -> None:
    """No result of it expires."""
    with Cache(tmp_path / "cache") as cache:
        double = cache.memoize(ttl="100000 years")(lambda x: 2 * x)
        assert double(1) == 2
        assert double.would_hit(1)
