"""One memoized function, seen from outside."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
import rememo
from rememo import memoize

if TYPE_CHECKING:
    from rememo import Cache

    from conftest import Program

Events = list[dict[str, Any]]
SCALE = 2


@memoize
def scaled(a: int, b: int = 3, *, c: int = 4) -> int:
    """Adds up."""
    return (a + b + c) * SCALE


def names(events: Events) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in events]


@pytest.mark.smoke
def test_every_spelling_of_a_call_is_one_call(rememo_cache: Cache, rememo_events: Events) -> None:
    """Positional, by keyword, and with defaults left out."""
    assert scaled(1) == scaled(1, 3) == scaled(1, b=3) == scaled(a=1, c=4) == 16
    assert names(rememo_events) == ["miss", "stored", "hit", "hit", "hit"]


@pytest.mark.smoke
def test_it_looks_like_the_function_it_wraps(rememo_cache: Cache) -> None:
    """As functools.wraps would leave it."""
    assert scaled.__name__ == "scaled"
    assert scaled.__qualname__ == "scaled"
    assert scaled.__module__ == __name__
    assert scaled.__doc__ == "Adds up."
    assert scaled.__annotations__ == scaled.__wrapped__.__annotations__
    assert inspect.signature(scaled) == inspect.signature(scaled.__wrapped__)
    assert inspect.unwrap(scaled) is scaled.__wrapped__
    assert scaled.__wrapped__(1) == 16


def test_a_cache_memoizes_with_and_without_options(rememo_events: Events) -> None:
    """And leaves nothing behind when it is temporary."""
    with rememo.Cache(temporary=True) as cache:

        @cache.memoize
        def double(x: int) -> int:
            return x * 2

        @cache.memoize(ignore=["loud"])
        def halve(x: int, *, loud: bool = False) -> float:
            return x / 2

        assert (double(2), double(2), halve(2), halve(2, loud=True)) == (4, 4, 1.0, 1.0)
        assert names(rememo_events) == ["miss", "stored", "hit"] * 2
        assert cache.path.exists()
    assert not cache.path.exists()


def test_calls_are_counted(rememo_cache: Cache) -> None:
    """Hits and misses of this process, and what the store holds; questions do not count."""
    assert scaled.cache_info() == (0, 0, 0)
    for argument in (1, 2, 1, 1):
        scaled(argument)
    scaled.would_hit(1)
    scaled.explain(3)
    assert scaled.cache_info() == (2, 2, 2)
    assert scaled.cache_info().hits == 2


def test_a_call_can_be_asked_about(rememo_cache: Cache) -> None:
    """would_hit, call_if_cached, call, clear_entry, cache_info and cache_clear agree."""
    assert not scaled.would_hit(1)
    with pytest.raises(rememo.NotCached):
        scaled.call_if_cached(1)
    scaled(1)
    assert scaled.would_hit(1)
    assert scaled.call_if_cached(1) == 16
    assert scaled.cache_info().entries == 1
    assert scaled.call(1) == 16
    assert scaled.clear_entry(1)
    assert not scaled.would_hit(1)
    scaled(1)
    scaled.cache_clear()
    assert not scaled.would_hit(1)


def test_an_explanation_names_the_global_that_changed(
    rememo_cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With old and new digest."""
    scaled(1)
    assert scaled.explain(1).hit
    monkeypatch.setattr(f"{__name__}.SCALE", 5)
    explanation = scaled.explain(1)
    assert not explanation.hit
    assert explanation.reason == "state changed"
    assert [change.name.rsplit(".", 1)[-1] for change in explanation.changes] == ["SCALE"]
    assert explanation.changes[0].old != explanation.changes[0].new


def test_a_mutated_argument_is_never_stored(rememo_cache: Cache, rememo_events: Events) -> None:
    """The call is right and warned of."""

    @memoize
    def sort(values: list[int]) -> int:
        values.sort()
        return values[0]

    values = [2, 1]
    with pytest.warns(rememo.ChangedDuringCallWarning, match="values"):
        assert sort(values) == 1
    assert values == [1, 2]
    assert names(rememo_events) == ["miss", "not_stored"]


def test_an_exception_is_never_stored(rememo_cache: Cache, rememo_events: Events) -> None:
    """And reaches the caller as it was raised."""

    @memoize
    def fail() -> None:
        raise KeyError("x")

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
    assert names(rememo_events) == ["miss", "miss"]


def test_an_unpicklable_result_is_returned_and_warned_of(rememo_cache: Cache) -> None:
    """The warning names the type and the path inside the value."""

    @memoize
    def make() -> dict[str, object]:
        return {"inner": [lambda: 1]}

    with pytest.warns(rememo.UnpicklableResultWarning, match=r"result\['inner'\]\[0\]"):
        assert make()["inner"]


def test_an_argument_without_fingerprint_runs_and_is_warned_of(rememo_cache: Cache) -> None:
    """An iterator is not consumed by looking at it."""

    @memoize
    def total(items: Any) -> int:
        return sum(items)

    with pytest.warns(rememo.UnfreezableWarning, match="argument 'items'.*iterator"):
        assert total(iter([1, 2])) == 3


def test_arguments_that_do_not_fit_raise_as_the_function_would(rememo_cache: Cache) -> None:
    """Python's own TypeError."""
    with pytest.raises(TypeError, match="required"):
        scaled()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_mutable_result_is_the_callers_own(rememo_cache: Cache) -> None:
    """Changing one does not change the next."""

    @memoize
    def numbers() -> list[int]:
        return [1]

    numbers().append(2)
    numbers().append(3)
    assert numbers() == [1]


def test_events_are_json_lines_where_logging_is_used(
    rememo_cache: Cache, caplog: pytest.LogCaptureFixture
) -> None:
    """On the logger rememo.ops."""
    import json
    import logging

    with caplog.at_level(logging.INFO, logger="rememo.ops"):
        scaled(1)
        scaled(1)
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["event"] for line in lines] == ["bounded", "miss", "stored", "hit"]
    assert {line["function"] for line in lines[1:]} == {f"{__name__}.scaled"}


def test_importing_and_a_hit_are_light(program: Program) -> None:
    """Where the program does not use logging, nothing that is slow to import is imported."""
    program.write(m="from rememo import memoize\n@memoize\ndef f(x): return x\n")
    program.run("from m import f; out = f(1)")
    out, events = program.run("""
        import sys
        before = [*sys.modules]
        from m import f
        f(1)
        slow = {"logging", "inspect", "importlib.metadata", "asyncio", "numpy", "pandas"}
        slow |= {"typing", "pathlib", "contextlib", "re", "enum", "json", "pickle"}
        slow -= set(before)
        out = sorted(slow & set(sys.modules))
    """)
    assert out == []
    assert events == ["hit"]
