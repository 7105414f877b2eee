"""Results in memory: what ends them, in this process and in others, and how much they take."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from rememo import Cache, memoize

if TYPE_CHECKING:
    from store.conftest import Project

Events = list[dict[str, Any]]


def tiers(events: Events) -> list[str]:
    """Where the hits came from."""
    return [event["tier"] for event in events if event["event"] == "hit"]


def test_what_another_process_clears_is_gone_from_memory(project: Project) -> None:
    caller = project.start(
        """
        import m
        m.noted(1), m.noted(1)
        pathlib.Path("called").touch()
        wait_for("cleared")
        out = m.noted(1)
        """
    )
    project.wait_for("called")
    project.run("import m\nm.noted.cache_clear()")
    project.touch("cleared")
    outcome = project.finish(caller)
    assert outcome.out == 2
    assert outcome.names == ["miss", "stored", "hit", "miss", "stored"]
    assert project.runs() == ["1", "1"]


def test_what_another_process_runs_anew_replaces_what_is_in_memory(project: Project) -> None:
    caller = project.start(
        """
        import m
        m.noted(1), m.noted(1)
        pathlib.Path("called").touch()
        wait_for("replaced")
        m.noted(1), m.noted(1)
        out = [event.get("tier") for event in events]
        """
    )
    project.wait_for("called")
    project.run("import m\nm.noted.call(1)")
    project.touch("replaced")
    assert project.finish(caller).out == [None, None, "memory", "directory", "memory"]


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_what_was_in_a_directory_that_is_gone_is_not_handed_out(project: Project, how: str) -> None:
    """Within a twentieth of a second, which is how often somebody looks."""
    caller = project.start(
        """
        import m
        m.noted(1), m.noted(1)
        pathlib.Path("called").touch()
        wait_for("gone")
        time.sleep(0.1)
        m.noted(1)
        out = [event.get("tier") for event in events if event["event"] in {"hit", "miss"}]
        """
    )
    project.wait_for("called")
    store = project.directory / ".rememo"
    if how == "moved":
        store.rename(project.directory / "aside")
    else:
        shutil.rmtree(store)
    if how == "replaced":
        project.run("import m\nm.noted(2)")
    project.touch("gone")
    assert project.finish(caller).out == [None, "memory", None]
    assert project.runs()[-1] == "1"


@pytest.mark.parametrize("order", ["clear_entry", "cache_clear", "clear", "call"])
def test_orders_end_what_is_in_memory(
    order: str, rememo_cache: Cache, rememo_events: Events
) -> None:
    runs: list[int] = []

    @memoize(ignore=["runs"])
    def f(x: int, runs: list[int]) -> int:
        runs.append(x)
        return x

    assert [f(1, runs), f(1, runs)] == [1, 1]
    assert tiers(rememo_events) == ["memory"]
    match order:
        case "clear":
            rememo_cache.clear()
        case "cache_clear":
            f.cache_clear()
        case _:
            getattr(f, order)(1, runs)
    f(1, runs)
    assert runs == [1, 1]


def test_each_cache_has_its_own(rememo_events: Events) -> None:
    def f(x: int) -> int:
        return x

    with Cache(temporary=True) as one, Cache(temporary=True) as other:
        first, second = one.memoize(f), other.memoize(f)
        first(1), first(1), second(1), second(1)
    assert [event["event"] for event in rememo_events] == ["miss", "stored", "hit"] * 2


def test_switching_off_is_seen_at_once(
    rememo_cache: Cache, rememo_events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    @memoize
    def f(x: int) -> int:
        return x

    f(1), f(1)
    monkeypatch.setenv("REMEMO_DISABLE", "1")
    f(1)
    monkeypatch.delenv("REMEMO_DISABLE")
    f(1)
    assert tiers(rememo_events) == ["memory", "memory"]


def test_callers_cannot_spoil_a_result(rememo_cache: Cache, rememo_events: Events) -> None:
    @memoize
    def f(x: int) -> dict[str, list[int]]:
        return {"a": [x]}

    for _ in range(4):
        result = f(1)
        assert result == {"a": [1]}
        result["a"].append(2)
    assert tiers(rememo_events) == ["memory"] * 3


def test_memory_is_bounded(rememo_cache: Cache, rememo_events: Events) -> None:
    @memoize(allow=["random"])
    def f(x: int) -> bytes:
        return os.urandom(1) * (8 << 20)

    wanted = [f(x) for x in range(48)]
    assert [f(x) for x in range(48)] == wanted
    found = tiers(rememo_events)
    assert 0 < found.count("directory") < 48


def test_a_forked_child_has_what_its_parent_had(project: Project) -> None:
    outcome = project.run(
        """
        import m
        m.double(1), m.double(1)
        read, write = os.pipe()
        if not os.fork():
            events.clear()
            m.double(1), m.double.cache_clear(), m.double(1)
            happened = [event.get("tier", event["event"]) for event in events]
            os.write(write, json.dumps(happened).encode())
            os._exit(0)
        os.wait()
        out = json.loads(os.read(read, 1000))
        events.clear()
        m.double(1)
        out.append(events[-1]["tier"])
        """
    )
    # The child cleared what the parent had in memory, and stored it anew.
    assert outcome.out == ["memory", "invalidated", "miss", "stored", "directory"]
