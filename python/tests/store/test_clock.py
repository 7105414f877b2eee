"""The clock on the wall is set while a store is in use: back or forward, by an hour or a year."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Clock
    from python.tests.store.conftest import Project

HOUR, YEAR = 1, 365 * 24
JUMPS = pytest.mark.parametrize(
    "hours", [-HOUR, HOUR, -YEAR, YEAR], ids=["hour back", "hour on", "year back", "year on"]
)
MODULE = """
import pathlib
from rememo import Cache, _core
cache = Cache("cache", flush_every=0)
events = []
_core.subscribe(lambda event: events.append(event.get("reason", event["event"])))

def at(hours):
    pathlib.Path("offset").write_text(str(int(hours * 3600)))

def since():
    told = events[:]
    events.clear()
    return told

@cache.memoize
def double(x):
    return 2 * x

@cache.memoize
def large(x):
    return x * 10_000

@cache.memoize
def length(path):
    return pathlib.Path(path).read_text()

@cache.memoize(ttl="1d")
def lately(x):
    return 2 * x
"""


@pytest.fixture
def clock(clock: Clock) -> Clock:
    """A program with results of all kinds, whose clock can be set."""
    clock.program.write(m=MODULE)
    return clock


@JUMPS
def test_results_without_a_time_to_live_outlast_it(clock: Clock, hours: float) -> None:
    """In memory and in the directory; those from before it and those from after it."""
    out, _ = clock.run(
        0,
        f"""
m.double(1), m.large("a"), m.since()
m.at({hours})
out = [m.double(1), len(m.large("a")), m.double(2), len(m.large("b")), m.since()]
m.at(0)
out += [m.double(1), m.double(2), len(m.large("a")), len(m.large("b")), m.since()]
""",
    )
    ran = ["arguments changed", "stored"]
    assert out == [
        2,
        10_000,
        4,
        10_000,
        ["hit", "hit", *ran, *ran],
        2,
        4,
        *[10_000] * 2,
        ["hit"] * 4,
    ]
    for when in (hours, 0):
        again = "out = [m.double(1), m.double(2)], m.since(), m.cache.verify().whole"
        assert clock.run(when, again)[0] == [[2, 4], ["hit"] * 2, True]


@JUMPS
def test_what_expires_runs_once_more_and_then_hits(clock: Clock, hours: float) -> None:
    """Whether it is from before or from the future, and when the clock is set right again; only an
    hour that passes by the clock takes nothing from a day."""
    runs = ["expired", "stored"]
    code = "out = [m.lately(1), m.lately(1), m.since()]"
    clock.run(0, code)
    there = ["hit"] if hours == HOUR else runs
    assert clock.run(hours, code)[0] == [2, 2, [*there, "hit"]]
    back = runs if hours in (-YEAR, YEAR) else ["hit"]
    assert clock.run(0, code)[0] == [2, 2, [*back, "hit"]]
    assert clock.run(0, "out = m.cache.usage().entries")[0] == 1


@JUMPS
def test_a_file_that_changes_is_seen_to(clock: Clock, hours: float) -> None:
    """Also where it is as long as before; and where it is the same again, its result is a hit."""
    out, _ = clock.run(
        0,
        f"""
import os
def write(text):
    m.pathlib.Path("data").write_text(text)
def write_as_before(text):
    times = os.stat("data")
    write(text)
    os.utime("data", ns=(times.st_atime_ns, times.st_mtime_ns))
write("one")
out = [m.length("data")]
m.at({hours})
out += [m.length("data")]
write("two")
out += [m.length("data")]
write_as_before("six")
out += [m.length("data")]
m.at(0)
out += [m.length("data")]
write("one")
out += [m.length("data"), m.since()]
""",
    )
    runs = ["world changed", "stored"]
    texts = ["one", "one", "two", "six", "six", "one"]
    assert out == [*texts, ["new", "stored", "hit", *runs, *runs, "hit", "hit"]]


@JUMPS
def test_what_was_used_last_stays_longest(clock: Clock, hours: float) -> None:
    """By the policy that goes by use; whatever time a use was at."""
    out, _ = clock.run(
        0,
        f"""
cache = m.Cache("other", policy="lru", flush_every=0)
large = cache.memoize(lambda x: bytes([x]) * 100_000)
for x in range(4):
    large(x)
m.at({hours})
large(0), cache.usage()
large(4), large(1), cache.usage()
cache.reduce("320 KB")
out = [large.would_hit(x) for x in range(5)]
""",
    )
    assert out == [True, True, False, False, True]


@JUMPS
def test_the_command_and_accounts_bear_it(clock: Clock, hours: float) -> None:
    """What is from the future is said to be; counts are as they were."""
    clock.run(hours, "out = m.double(1), m.double(1), m.lately(1)")
    clock.at(0)
    command = str(Path(sys.executable).with_name("rememo"))
    for arguments in (
        ["ls", "-e"],
        ["stats"],
        ["why", "m.double"],
        ["doctor"],
        [],
        ["gc"],
        ["verify"],
    ):
        done = subprocess.run(
            [command, "--dir", "cache", *arguments],
            cwd=clock.program.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        assert "panicked" not in done.stderr
        if arguments[:1] == ["ls"] and hours > 0:
            assert "in the future" in done.stdout
    assert clock.run(0, "out = m.double(1), m.since(), m.cache.usage().entries")[0] == [
        2,
        ["hit"],
        2,
    ]


@JUMPS
def test_whoever_waits_for_a_result_gets_it(project: Project, clock: Clock, hours: float) -> None:
    """The clock is set while one process runs the call and another one waits for it."""
    from python.tests.store.conftest import MODULE as CALLS

    project.write(m=CALLS)
    clock.at(0)
    code = "import m\nout = m.gated(1)"
    first = project.start(code, **clock.environment)
    project.wait_for("runs")
    second = project.start(code, **clock.environment)
    project.wait_for_claim(second)
    clock.at(hours)
    project.touch("go")
    done = [project.finish(process) for process in (first, second)]
    assert [one.out for one in done] == [2, 2]
    assert [one.names for one in done] == [["miss", "stored"], ["hit"]]
    assert project.runs() == ["1"]


def test_what_is_being_stored_is_not_swept_as_old(project: Project, clock: Clock) -> None:
    """By a process whose clock is a year ahead: its file is gone, and is written again."""
    project.write(m=MODULE)
    project.write(
        sweeps="""
        import m
        m.pathlib.Path("sweeping").touch()
        while not m.pathlib.Path("stop").exists():
            m.cache.remove_orphans()
        """
    )
    project.run("import m\nm.large('a')")
    (project.directory / "cache" / "tmp" / ".tmpleft").write_bytes(b"left by the dead")
    clock.at(YEAR)
    sweeper = project.start("import sweeps", **clock.environment)
    project.wait_for("sweeping")
    done = project.run(
        """
        import m
        block = m.cache.memoize(lambda x: bytes([x]) * 20_000_000)
        out = [block(x)[0] == x for x in range(20)]
        """
    )
    project.touch("stop")
    swept = project.finish(sweeper)
    assert all(done.out)
    assert done.names == ["miss", "stored"] * 20, done.warnings
    assert not done.warnings
    files = [event["files"] for event in swept.events if event["event"] == "orphans_removed"]
    assert sum(files) > 0, "it did not sweep what nobody is writing to"
