"""What was saved: counted over all processes, per function, and told in words."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from rememo import Cache, FunctionStats, _core, operations_log

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Program

MODULE = """
from rememo import Cache
cache = Cache("cache")

@cache.memoize
def double(x):
    return 2 * x

@cache.memoize
def other(x):
    return x
"""


def test_counts_of_all_processes_are_merged(program: Program) -> None:
    """Each writes down its own, those forked included, and none twice."""
    program.write(m=MODULE)
    for _ in range(3):
        program.run(
            """
            import os
            import m
            out = [m.double(1), m.double(1), m.double(2)]
            if not os.fork():
                m.double(1)
                m.cache.close()
                os._exit(0)
            os.wait()
            """
        )
    with Cache(program.directory / "cache") as cache:
        stats = cache.stats()
        assert list(stats) == ["m.double"]
        told = stats["m.double"]
        assert told.hits == 1 + 3 + 3 + 3
        assert told.misses == {"new": 1, "arguments changed": 1}
        assert told.memory_hits == 1 + 1 + 1 + 3
        assert (told.stored, told.not_stored, told.evicted) == (2, 0, 0)
        assert 0 < told.saved_seconds < 1
        assert cache.stats(days=1) in ({}, stats)  # it may be past midnight by now


def test_statistics_can_be_begun_anew(program: Program) -> None:
    """Of one function, or of all."""
    program.write(m=MODULE)
    program.run("import m; out = [m.double(1), m.other(1)]")
    with Cache(program.directory / "cache") as cache:
        assert set(cache.stats()) == {"m.double", "m.other"}
        cache.reset_stats("m.double")
        assert set(cache.stats()) == {"m.other"}
        cache.clear()
        assert set(cache.stats()) == {"m.other"}
        cache.reset_stats()
        assert cache.stats() == {}
        assert cache.report() == "nothing was called yet"
        with pytest.raises(ValueError, match="days must be at least 1"):
            cache.stats(days=0)


def test_what_is_on_its_way_is_not_counted_anew(tmp_path: Path) -> None:
    """It was called before the statistics were begun anew."""
    with Cache(tmp_path, flush_every=60) as cache:
        cache.memoize(lambda x: x)(1)
        cache.reset_stats()
        assert cache.stats() == {}


def test_statistics_read_as_text() -> None:
    """With times and sizes in units that people use."""
    told = FunctionStats(
        hits=48,
        misses={"new": 1, "state changed": 2},
        stored=2,
        stored_bytes=3 << 20,
        not_stored=1,
        saved_seconds=192.4,
        computed_seconds=8.0,
        overhead={"key": 0.3, "store": 0.1},
    )
    assert str(told) == (
        "saved 3 min 12 s over 48 calls, cost 400 ms; 3 ran (new: 1, state changed: 2); "
        "2 stored, 3.0 MiB computed in 8 s; 1 not stored"
    )
    assert str(FunctionStats(hits=1)) == "saved 0 s over 1 call"
    both = told + FunctionStats(hits=2, misses={"new": 1}, saved_seconds=0.1)
    assert (both.hits, both.misses) == (50, {"new": 2, "state changed": 2})
    assert both.overhead_seconds == pytest.approx(0.4)


def test_the_usage_report_is_json_lines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On the logger rememo.perf."""
    with Cache(tmp_path / "cache") as cache, caplog.at_level(logging.INFO, logger="rememo.perf"):

        @cache.memoize
        def double(x):
            return 2 * x

        double(1)
        double(1)
        cache.log_usage_report()
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["hits"] for line in lines if line.get("hits")] == [1]
    assert "saved" in lines[-1]["told"]


def test_a_report_at_exit_is_had_for_the_asking(program: Program) -> None:
    """In the environment, on standard error."""
    program.write(m=MODULE)
    done = subprocess.run(
        [sys.executable, "-c", "import m; m.double(1); m.double(1)"],
        cwd=program.directory,
        env={"REMEMO_REPORT": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert f"{program.directory}/cache, today, in all: saved" in done.stderr
    assert "m.double: saved" in done.stderr
    assert "1 ran (new: 1)" in done.stderr


def test_statistics_take_no_import_until_they_are_asked_for(program: Program) -> None:
    """A fresh process with a hit imports neither logging nor typing for them."""
    program.write(m=MODULE)
    program.run_python("-c", "import m; m.double(1)")
    told = program.run_python(
        "-c", "import sys, m; m.double(1); print({'logging', 'typing'} & set(sys.modules))"
    )
    assert told.strip() == "set()"


def test_events_go_to_the_file_that_the_environment_names(program: Program) -> None:
    """After what is there; one that cannot be written is ignored, with a warning."""
    program.write(m=MODULE)
    for _ in range(2):
        program.run_python("-c", "import m; m.double(1)", REMEMO_LOG="events.jsonl")
    lines = (program.directory / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["bounded", "miss", "stored", "hit"]
    done = subprocess.run(
        [sys.executable, "-c", "import m; print(m.double(1))"],
        cwd=program.directory,
        env={"REMEMO_LOG": "missing/events.jsonl", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "2\n"
    assert "StoreWarning: ignored REMEMO_LOG" in done.stderr


def test_the_last_misses_of_other_processes_are_told(program: Program) -> None:
    """Which function, when, why, and what changed, with the difference of its source."""
    program.write(m=MODULE)
    program.run("import m; out = [m.double(1), m.double(2), bool(m.other(iter([1])))]")
    program.write(m=MODULE.replace("2 * x", "x + x"))
    program.run("import m; out = m.double(2)")
    with Cache(program.directory / "cache") as cache:
        edited, called, first = cache.last_misses("m.double")
        assert [miss.reason for miss in (edited, called, first)] == [
            "state changed",
            "arguments changed",
            "new",
        ]
        assert first.when < called.when < edited.when <= datetime.now(UTC)
        assert [change.name for change in called.changes] == ["x"]
        assert [change.name for change in edited.changes] == ["m.double"]
        assert "-    return 2 * x\n+    return x + x" in str(edited).replace("  -", "-").replace(
            "  +", "+"
        )
        [other] = cache.last_misses("m.other")
        assert (other.reason, other.changes) == ("bypassed", ())
        assert "argument 'x'" in str(other)
        assert set(cache.last_misses()) == {edited, called, first, other}
        cache.reset_stats("m.double")
        assert cache.last_misses() == [other]


def test_a_miss_for_a_file_names_the_file(program: Program) -> None:
    """With what it was and is."""
    program.write(m=MODULE.replace("return x", "return open(x).read()"))
    (program.directory / "data").write_text("one")
    program.run("import m; out = m.other('data')")
    (program.directory / "data").write_text("two")
    program.run("import m; out = m.other('data')")
    with Cache(program.directory / "cache") as cache:
        [change] = cache.last_misses("m.other")[0].changes
    assert (change.kind, change.name.rpartition("/")[2]) == ("file", "data")
    assert None not in (change.old, change.new)
    assert change.old != change.new


class Slow:
    """Takes a while to fingerprint, and as a result to encode and decode."""

    def __getfrozenstate__(self) -> int:
        time.sleep(0.05)
        return 1

    def __getstate__(self) -> int:
        time.sleep(0.04)
        return 1

    def __setstate__(self, state: int) -> None:
        time.sleep(0.06)


def test_what_calls_cost_is_told_and_counted_once(tmp_path: Path) -> None:
    """By step, of calls within calls their own only; and never as time saved."""
    events: list[dict[str, Any]] = []

    with Cache(tmp_path / "cache") as cache:

        @cache.memoize
        def inner(x):
            return x

        @cache.memoize
        def outer(n):
            time.sleep(0.02)
            inner(Slow())
            return n

        token = _core.subscribe(events.append)
        start = time.perf_counter()
        outer(1)
        inner(Slow())
        took = time.perf_counter() - start
        _core.unsubscribe(token)
        stats = cache.stats()
    names = {name.rpartition(".")[2]: told for name, told in stats.items()}
    told, told_in_all = names["inner"].overhead, names["inner"].overhead_seconds
    assert told["key"] > 0.1
    assert told["encode"] > 0.03
    assert told["memory"] > 0.05
    assert {"store", "other"} <= set(told)
    assert names["outer"].overhead["key"] < 0.05
    assert sum(told.overhead_seconds for told in names.values()) < took
    # The time that the call within was counted for is not part of what a hit saves.
    [ran] = [e["compute_seconds"] for e in events if e["event"] == "stored" and "outer" in str(e)]
    assert 0.02 <= ran < told_in_all / 3
    assert all(event["overhead_seconds"] > 0 for event in events)


def test_hits_from_memory_are_measured_now_and_then(tmp_path: Path) -> None:
    """And what they cost in all is about what it is."""
    with Cache(tmp_path / "cache") as cache:

        @cache.memoize
        def double(x):
            return 2 * x

        double(1)
        double(1)
        cache.reset_stats()
        start = time.perf_counter()
        for _ in range(100_000):
            double(1)
        took = time.perf_counter() - start
        [told] = cache.stats().values()
    assert told.hits == 100_000
    assert set(told.overhead) == {"memory"}
    assert 0 < told.overhead_seconds < took


def test_statistics_are_appended_to_a_file_at_exit(program: Program) -> None:
    """A JSON line for each function, those of several processes one after the other."""
    program.write(m=MODULE)
    for _ in range(2):
        program.run_python(
            "-c", "import m; m.double(1); m.other(2)", REMEMO_PERF_LOG="performance.jsonl"
        )
    text = (program.directory / "performance.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert sorted(line["function"] for line in lines) == [*["m.double"] * 2, *["m.other"] * 2]
    assert {line["directory"] for line in lines} == {str(program.directory / "cache")}
    assert all(line["overhead_seconds"] > 0 for line in lines)
    done = subprocess.run(
        [sys.executable, "-c", "import m; m.double(1)"],
        cwd=program.directory,
        env={"REMEMO_PERF_LOG": "missing/performance.jsonl", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "REMEMO_PERF_LOG was not written" in done.stderr


def test_long_text_is_logged_in_short(caplog: pytest.LogCaptureFixture) -> None:
    """Its beginning, and its end."""
    with caplog.at_level(logging.INFO, logger="rememo.ops"):
        operations_log.write({"event": "miss", "changed": "begin " + "x" * 10_000 + " end", "n": 7})
    line = json.loads(caplog.messages[-1])
    assert (line["event"], line["n"], len(line["changed"])) == ("miss", 7, 500)
    assert line["changed"].startswith("begin xxx")
    assert line["changed"].endswith("xxx end")
    assert "9,510 characters" in line["changed"]
