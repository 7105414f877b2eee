"""Coroutine functions: awaited once, stored once, one task at a time, cancelled without a trace."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest
from rememo import Cache, NotCached, UnpicklableResultWarning, coroutines, memoize

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Program

pytestmark = pytest.mark.usefixtures("rememo_cache")

Events = list[dict[str, Any]]


def names(events: Events) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in events]


def test_a_call_is_awaited_once_and_stored(rememo_events: Events) -> None:
    """Whatever its arguments are called."""
    runs = Counter()

    @memoize(ignore=["runs"])
    async def double(x: int, runs: Counter) -> int:
        await asyncio.sleep(0)
        runs.count += 1
        return 2 * x

    async def twice() -> list[int]:
        return [await double(4, runs), await double(x=4, runs=runs)]

    assert asyncio.run(twice()) == [8, 8]
    assert asyncio.run(twice()) == [8, 8]
    assert runs.count == 1
    assert names(rememo_events) == ["miss", "stored", "hit", "hit", "hit"]


class Counter:
    """Counts runs; passed where it does not count."""

    def __init__(self) -> None:
        self.count = 0
        self.going = asyncio.Event()
        self.go = asyncio.Event()


@memoize(ignore=["gate"])
async def gated(x: int, gate: Counter, fail: str = "") -> list[int]:
    """Says that it runs, and goes on when it may."""
    gate.count += 1
    gate.going.set()
    await gate.go.wait()
    if fail:
        raise ValueError(fail)
    return [x]


def test_tasks_of_one_loop_run_a_call_once(rememo_events: Events) -> None:
    """And each is given a result of its own."""

    async def main() -> list[list[int]]:
        gate = Counter()
        tasks = [asyncio.create_task(gated(1, gate)) for _ in range(20)]
        await gate.going.wait()
        await asyncio.sleep(0.01)
        gate.go.set()
        results = await asyncio.gather(*tasks)
        assert gate.count == 1
        return results

    results = asyncio.run(main())
    assert results == [[1]] * 20
    assert len({id(result) for result in results}) == 20
    assert names(rememo_events) == ["miss", "stored"] + ["hit"] * 19


def test_other_calls_go_on_meanwhile() -> None:
    """A call that waits holds nobody up but those who make the same."""

    async def main() -> None:
        first, second = Counter(), Counter()
        waiting = asyncio.create_task(gated(1, first))
        await first.going.wait()
        second.go.set()
        assert await gated(2, second) == [2]
        first.go.set()
        assert await waiting == [1]

    asyncio.run(main())


def test_a_cancelled_run_stores_nothing_and_frees_those_who_wait(rememo_events: Events) -> None:
    """One of them runs the call instead."""

    async def main() -> None:
        gate = Counter()
        runner = asyncio.create_task(gated(1, gate))
        await gate.going.wait()
        waiting = asyncio.create_task(gated(1, gate))
        await asyncio.sleep(0.01)
        assert gate.count == 1
        runner.cancel()
        with pytest.raises(asyncio.CancelledError):
            await runner
        await asyncio.sleep(0.01)
        assert gate.count == 2
        assert "stored" not in names(rememo_events)
        gate.go.set()
        assert await waiting == [1]
        assert await gated(1, gate) == [1]
        assert gate.count == 2

    asyncio.run(main())
    assert names(rememo_events) == ["miss", "miss", "stored", "hit"]
    assert not coroutines._under_way


def test_one_who_waits_can_be_cancelled_alone() -> None:
    """The run goes on for the others."""

    async def main() -> None:
        gate = Counter()
        runner, impatient, patient = (asyncio.create_task(gated(1, gate)) for _ in range(3))
        await gate.going.wait()
        await asyncio.sleep(0.01)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        gate.go.set()
        assert await runner == await patient == [1]
        assert gate.count == 1

    asyncio.run(main())


def test_a_failed_run_frees_all_who_wait_at_once(rememo_events: Events) -> None:
    """They run beside each other, for what failed once may take as long again."""

    async def main() -> None:
        gate = Counter()
        tasks = [asyncio.create_task(gated(1, gate, "no")) for _ in range(5)]
        await gate.going.wait()
        gate.go.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(result) for result in results] == ["no"] * 5
        assert gate.count == 5

    asyncio.run(main())
    assert names(rememo_events) == ["miss"] * 5


def test_tasks_that_wait_for_each_other_in_a_circle_get_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever has waited too long runs the call too."""
    monkeypatch.setattr(coroutines, "PATIENCE", 0.05)

    @memoize(ignore=["both", "depth"])
    async def cross(x: int, both: asyncio.Barrier, depth: int) -> int:
        if depth:
            await both.wait()
            return x + await cross(1 - x, both, 0)
        return x

    async def main() -> list[int]:
        both = asyncio.Barrier(2)
        return await asyncio.gather(cross(0, both, 1), cross(1, both, 1))

    assert asyncio.run(main()) == [1, 1]


def test_other_tasks_of_other_processes_are_waited_for(program: Program) -> None:
    """Without holding up the loop."""
    program.write(
        m="""
        import asyncio, pathlib
        from rememo import memoize
        @memoize(watch="off")
        async def slow(x):
            with open("runs", "a") as runs:
                runs.write("run\\n")
            while not pathlib.Path("go").exists():
                await asyncio.sleep(0.002)
            return x
        """
    )
    out, events = program.run(
        """
        import asyncio, pathlib, subprocess, sys
        from m import slow
        async def main():
            script = "import asyncio; from m import slow; print(asyncio.run(slow(1)))"
            other = await asyncio.create_subprocess_exec(
                sys.executable, "-W", "ignore", "-c", script, stdout=subprocess.PIPE)
            while not pathlib.Path("runs").exists():
                await asyncio.sleep(0.002)
            mine = asyncio.create_task(slow(1))
            for _ in range(20):
                await asyncio.sleep(0.002)
            assert not mine.done()
            pathlib.Path("go").touch()
            theirs, _ = await other.communicate()
            return await mine, int(theirs)
        out = asyncio.run(main())
        """
    )
    assert out == [1, 1]
    assert events == ["hit"]
    assert (program.directory / "runs").read_text() == "run\n"


def test_questions_are_answered_at_once() -> None:
    """Without a loop; what is handed back is awaited as a call is."""

    @memoize
    async def triple(x: int) -> int:
        return 3 * x

    assert not triple.would_hit(1)
    with pytest.raises(NotCached):
        triple.call_if_cached(1)
    assert asyncio.run(triple(1)) == 3
    assert triple.would_hit(1)
    assert triple.explain(1).hit
    assert asyncio.run(triple.call_if_cached(1)) == 3
    assert asyncio.run(triple.call(1)) == 3
    assert triple.clear_entry(1)
    assert not triple.would_hit(1)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        triple()  # type: ignore[call-arg]  # at the call, not when it is awaited


def is_coroutine_function(function: object) -> bool:
    """By the one who can be told: that of `asyncio` until 3.12, and is deprecated from 3.14 on."""
    if sys.version_info >= (3, 12):
        return inspect.iscoroutinefunction(function)
    return asyncio.iscoroutinefunction(function)


def test_it_is_taken_for_the_coroutine_function_that_it_is() -> None:
    """By those who must know, and by name where it is not awaited."""

    @memoize
    async def later() -> int:
        return 1

    assert is_coroutine_function(later)
    coroutine = later()
    assert inspect.iscoroutine(coroutine)
    assert coroutine.__qualname__ == later.__qualname__
    coroutine.close()


def test_partials_and_methods_of_coroutine_functions() -> None:
    """Are awaited, too."""

    class Scale:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        @memoize
        async def of(self, x: int) -> int:
            return self.factor * x

        async def __call__(self, x: int) -> int:
            return self.factor + x

    async def power(x: int, n: int) -> int:
        return x**n

    square, add = memoize(functools.partial(power, n=2)), memoize(Scale(10))
    assert asyncio.run(Scale(3).of(2)) == 6
    assert asyncio.run(square(3)) == 9
    assert asyncio.run(add(1)) == 11
    assert Scale(3).of.would_hit(2)
    assert not Scale(4).of.would_hit(2)
    assert square.would_hit(3)
    assert add.would_hit(1)


def test_they_are_written_out_as_what_they_are(rememo_cache: Cache) -> None:
    """A partial of a coroutine function is awaited where it arrives, too."""

    async def power(x: int, n: int) -> int:
        return x**n

    square = rememo_cache.memoize(functools.partial(power, n=2))
    arrived = cloudpickle.loads(cloudpickle.dumps(square))
    assert is_coroutine_function(arrived)
    assert asyncio.run(arrived(3)) == 9
    assert asyncio.run(arrived(3)) == 9
    assert arrived.cache_info().hits == 1


def test_what_cannot_be_stored_is_returned_all_the_same() -> None:
    """With a warning."""

    @memoize
    async def function() -> Any:
        return lambda: 1

    with pytest.warns(UnpicklableResultWarning):
        assert asyncio.run(function())() == 1


def test_an_edit_makes_it_run_again(program: Program) -> None:
    """Of the function, or of what it awaits."""
    text = """
        from rememo import memoize
        async def helper(x):
            return x + {0}
        @memoize
        async def f(x):
            return await helper(x)
    """
    for added, expected in ((1, ["miss", "stored"]), (1, ["hit"]), (2, ["miss", "stored"])):
        program.write(m=text.format(added))
        out, events = program.run("import asyncio; from m import f; out = asyncio.run(f(1))")
        assert out == 1 + added
        assert events == expected


def test_it_works_without_asyncio() -> None:
    """Whatever drives the coroutine."""

    @memoize
    async def plain(x: int) -> int:
        return x

    for _ in range(2):
        with pytest.raises(StopIteration) as end:
            plain(5).send(None)
        assert end.value.value == 5
    assert plain.cache_info()[:2] == (1, 1)


def test_a_cache_may_be_switched_off() -> None:
    """Then it is awaited as it is."""
    cache = Cache(temporary=True, enabled=False)

    @cache.memoize
    async def plain(x: int) -> int:
        return x

    assert asyncio.run(plain(5)) == 5
    assert not plain.would_hit(5)
    assert "is switched off" in plain.explain(5).reason
    cache.close()


def test_what_it_reads_counts(tmp_path: Path, rememo_events: Events) -> None:
    """In its own steps, in tasks that it starts, and in threads that these start."""
    own, task, thread = (tmp_path / name for name in ("own", "task", "thread"))

    async def of_task() -> str:
        return task.read_text() + await asyncio.to_thread(thread.read_text)

    @memoize
    async def f() -> str:
        await asyncio.sleep(0)
        first = own.read_text()
        (rest,) = await asyncio.gather(of_task())
        return first + rest

    for path in (own, task, thread):
        path.write_text(path.name)
    assert asyncio.run(f()) == asyncio.run(f()) == "owntaskthread"
    assert names(rememo_events) == ["miss", "stored", "hit"]
    for changed, result in (own, "newtaskthread"), (task, "newnewthread"), (thread, "newnewnew"):
        del rememo_events[:]
        changed.write_text("new")
        assert asyncio.run(f()) == result
        assert names(rememo_events) == ["miss", "stored"]
