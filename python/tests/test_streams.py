"""Generators: recorded while they are consumed, stored when exhausted, replayed item by item."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest
from rememo import StoreWarning, UnpicklableResultWarning, memoize, tape

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from pathlib import Path

    from conftest import Program

pytestmark = pytest.mark.usefixtures("rememo_cache")

Events = list[dict[str, Any]]


def names(events: Events) -> list[str]:
    """What happened, in order."""
    return [event["event"] for event in events]


@memoize(ignore=["log"])
def count(n: int, log: list[str]) -> Generator[int, None, str]:
    """Counts, and says so."""
    for i in range(n):
        log.append(f"at {i}")
        yield i
    return "done"


@memoize(ignore=["log"])
async def count_later(n: int, log: list[str]) -> AsyncIterator[int]:
    """Counts, and says so."""
    for i in range(n):
        log.append(f"at {i}")
        await asyncio.sleep(0)
        yield i


def test_a_stream_is_stored_when_it_is_exhausted_and_replayed(rememo_events: Events) -> None:
    """One item at a time, and with what it returned."""
    log: list[str] = []
    stream = count(3, log)
    assert inspect.isgenerator(stream)
    assert log == []
    assert next(stream) == 0
    assert log == ["at 0"]
    assert list(stream) == [1, 2]
    assert names(rememo_events) == ["miss", "stored"]

    def all_of(stream: Generator[int, None, str]) -> Generator[Any, None, None]:
        yield (yield from stream)

    again: list[str] = []
    assert list(all_of(count(3, again))) == [0, 1, 2, "done"]
    assert again == []
    assert names(rememo_events) == ["miss", "stored", "hit"]


@pytest.mark.parametrize("how", ["close", "drop", "fail"])
def test_a_stream_that_ends_early_is_not_stored(how: str, rememo_events: Events) -> None:
    """However it comes to its end."""
    stream = count(3, [])
    assert next(stream) == 0
    if how == "close":
        stream.close()
    elif how == "drop":
        del stream
    else:
        with pytest.raises(ValueError, match="enough"):
            stream.throw(ValueError("enough"))
    assert names(rememo_events) == ["miss"]
    assert not count.would_hit(3, [])
    assert list(count(3, [])) == [0, 1, 2]
    assert names(rememo_events) == ["miss", "miss", "stored"]


def test_a_replay_may_end_early() -> None:
    """It stays stored."""
    assert list(count(3, [])) == [0, 1, 2]
    for _ in range(2):
        stream = count(3, [])
        assert next(stream) == 0
        stream.close()
    assert count.would_hit(3, [])


@memoize
def echo(n: int) -> Generator[str, str | None, str]:
    """Answers what is sent in."""
    heard = ""
    for i in range(n):
        try:
            sent = yield f"{i}{heard}"
        except KeyError as error:
            sent = f"error {error.args[0]}"
        heard = sent or heard
    return heard


def talk(stream: Any) -> list[object]:
    """Sends in this and that."""
    out: list[object] = [next(stream), stream.send("a"), next(stream)]
    out.append(stream.throw(KeyError("b")))

    def rest() -> Generator[object, None, None]:
        yield (yield from stream)

    return out + list(rest())


def test_what_a_consumer_sends_in_reaches_the_function(rememo_events: Events) -> None:
    """Whether it is recorded or replayed; what answers the consumer is not stored."""
    expected = talk(echo.__wrapped__(6))
    assert expected == ["0", "1a", "2a", "3error b", "4error b", "5error b", "error b"]
    assert talk(echo(6)) == expected
    assert names(rememo_events) == ["miss"]
    assert list(echo(6)) == ["0", "1", "2", "3", "4", "5"]
    assert talk(echo(6)) == expected
    assert names(rememo_events) == ["miss", "miss", "stored", "hit"]


def test_items_are_taken_down_as_they_are_yielded() -> None:
    """What the function or the consumer does to them afterwards does not count."""

    @memoize
    def growing() -> Iterator[list[int]]:
        buffer: list[int] = []
        for i in range(3):
            buffer.append(i)
            yield buffer

    for item in growing():
        item.append(99)
    assert [list(item) for item in growing()] == [[0], [0, 99, 1], [0, 99, 1, 99, 2]]


def test_an_item_that_cannot_be_pickled_is_yielded_all_the_same(rememo_events: Events) -> None:
    """And nothing is stored."""

    @memoize
    def mixed() -> Iterator[object]:
        yield 1
        yield lambda: 2
        yield 3

    with pytest.warns(UnpicklableResultWarning, match="item 1: result is a function"):
        first, second, third = mixed()
    assert (first, third) == (1, 3)
    assert callable(second)
    assert names(rememo_events) == ["miss", "not_stored"]


def test_a_stream_without_end_does_not_fill_the_memory(
    rememo_events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is recorded up to a bound."""
    monkeypatch.setattr(tape, "MOST_BYTES", 1 << 20)

    @memoize
    def blocks() -> Iterator[bytes]:
        for i in range(100):
            yield bytes([i]) * 50_000

    with pytest.warns(UnpicklableResultWarning, match="it yields more than 1 MiB"):
        assert sum(map(len, blocks())) == 5_000_000
    assert names(rememo_events) == ["miss", "not_stored"]


def test_an_item_that_cannot_be_read_back_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that come after it."""
    log: list[str] = []
    assert list(count(4, log)) == [0, 1, 2, 3]
    opened = tape.Packed.open

    def fails_at_two(packed: tape.Packed) -> object:
        item = opened(packed)
        if item == 2:
            raise ValueError("no")
        return item

    monkeypatch.setattr(tape.Packed, "open", fails_at_two)
    log.clear()
    with pytest.warns(StoreWarning, match=r"cannot be read \(no\)"):
        assert list(count(4, log)) == [0, 1, 2, 3]
    assert log == ["at 0", "at 1", "at 2", "at 3"]


def test_classes_of_items_that_change_make_it_run_again(program: Program) -> None:
    """Before the first item is yielded."""
    text = """
        from rememo import memoize
        class Item:
            size = {0}
            def __init__(self, x):
                self.x = x
        def make(x):
            return globals()["Item"](x)
        @memoize
        def items():
            for x in (1, 2):
                yield make(x)
    """
    for size, expected in ((1, ["miss", "stored"]), (1, ["hit"]), (2, ["miss", "stored"])):
        program.write(m=text.format(size))
        out, events = program.run("from m import items; out = [i.x * i.size for i in items()]")
        assert out == [size, 2 * size]
        assert events == expected


def test_asynchronous_streams(rememo_events: Events) -> None:
    """Are recorded and replayed in the same way."""
    log: list[str] = []

    async def all_of(n: int) -> list[int]:
        return [item async for item in count_later(n, log)]

    async def first_of(n: int) -> int:
        async with contextlib.aclosing(count_later(n, log)) as stream:  # type: ignore[type-var]
            return await anext(stream)

    assert asyncio.run(first_of(3)) == 0
    assert names(rememo_events) == ["miss"]
    assert asyncio.run(all_of(3)) == [0, 1, 2]
    assert log == ["at 0", "at 0", "at 1", "at 2"]
    assert asyncio.run(all_of(3)) == [0, 1, 2]
    assert asyncio.run(first_of(3)) == 0
    assert len(log) == 4
    assert names(rememo_events) == ["miss", "miss", "stored", "hit", "hit"]


def test_what_is_sent_into_an_asynchronous_stream_reaches_the_function(
    rememo_events: Events,
) -> None:
    """Whether it is recorded or replayed."""

    @memoize
    async def answers(n: int) -> Any:
        heard = ""
        for i in range(n):
            try:
                sent = yield f"{i}{heard}"
            except KeyError as error:
                sent = f"error {error.args[0]}"
            heard = sent or heard

    async def talk(stream: Any) -> list[object]:
        out = [await anext(stream), await stream.asend("a"), await anext(stream)]
        out.append(await stream.athrow(KeyError("b")))
        return out + [item async for item in stream]

    async def listen(stream: Any) -> list[object]:
        return [item async for item in stream]

    expected = asyncio.run(talk(answers.__wrapped__(6)))
    assert expected == ["0", "1a", "2a", "3error b", "4error b", "5error b"]
    assert asyncio.run(talk(answers(6))) == expected
    assert asyncio.run(listen(answers(6))) == ["0", "1", "2", "3", "4", "5"]
    assert asyncio.run(talk(answers(6))) == expected
    assert names(rememo_events) == ["miss", "miss", "stored", "hit"]


def test_questions_to_a_stream() -> None:
    """Are answered without consuming anything."""
    assert not count.would_hit(2, [])
    assert list(count.call(2, [])) == [0, 1]
    assert count.would_hit(2, [])
    assert list(count.call_if_cached(2, [])) == [0, 1]
    assert count.clear_entry(2, [])


def test_context_managers_are_refused() -> None:
    """Both ways of writing one, with what to do instead."""
    with pytest.raises(TypeError, match=r"^cannot memoize the context manager \S*opened: entering"):

        @memoize
        @contextlib.contextmanager
        def opened() -> Iterator[int]:
            yield 1

    with pytest.raises(TypeError, match=r"^cannot memoize the context manager \S*later: entering"):

        @memoize
        @contextlib.asynccontextmanager
        async def later() -> AsyncIterator[int]:
            yield 1

    @contextlib.contextmanager
    @memoize
    def inside() -> Iterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"^cannot memoize the context manager \S*inside: enter"):
        inside()

    @contextlib.asynccontextmanager
    @memoize
    async def inside_later() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match=r"^cannot memoize the context manager \S*inside_later"):
        inside_later()


def test_what_it_reads_counts_and_not_what_its_consumer_reads(
    tmp_path: Path, rememo_events: Events
) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    own.write_text("one")
    other.write_text("one")

    @memoize
    def f() -> Iterator[str]:
        yield "first"
        yield own.read_text()

    @memoize
    async def g() -> AsyncIterator[str]:
        yield "first"
        await asyncio.sleep(0)
        yield own.read_text()

    async def consumed() -> list[str]:
        return [item + other.read_text()[:0] async for item in g()]

    def both() -> tuple[list[str], list[str]]:
        return [item + other.read_text()[:0] for item in f()], asyncio.run(consumed())

    assert both() == both() == (["first", "one"], ["first", "one"])
    other.write_text("two")
    both()
    assert [e["event"] for e in rememo_events] == ["miss", "stored"] * 2 + ["hit"] * 4
    own.write_text("two")
    assert both() == (["first", "two"], ["first", "two"])
