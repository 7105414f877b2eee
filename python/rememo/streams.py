"""Calls of generator functions: recorded while consumed, stored when exhausted, then replayed.

A consumer that stops early, or that sends something in, gets what it would have got from the
function, and nothing is stored.
"""

from __future__ import annotations

import itertools
import time
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from rememo import _core
from rememo.context_managers import refuse_caller
from rememo.fronts import named_after
from rememo.tape import Recorder, tell_unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rememo.tape import Tape

    _Stream = Generator[object, object, object]
    _Step = Callable[[], object]


def start(
    memoized: _core.Memoized[..., Any],
    args: tuple[object, ...],
    kwargs: dict[str, object] | None,
    recompute: bool,
) -> _Stream:
    """Returns the generator of a call; nothing is done until the first item is asked for."""
    refuse_caller(memoized.__qualname__, depth=1)

    def begin() -> _core.Run:
        # Without a claim: nobody can say when, or whether, the consumer goes on.
        return _core.begin(memoized, args, kwargs, recompute=recompute, claiming=False)

    return named_after(memoized, _answer(begin))


def hand_back(memoized: _core.Memoized[..., Any], run: _core.Run) -> _Stream:
    """Returns a generator that replays a stored result."""
    return named_after(memoized, _replay(run))


def _answer(begin: Callable[[], _core.Run]) -> _Stream:
    run = begin()
    if run.state == "answered":
        return (yield from _replay(run))
    source: _Stream = run.call()
    if run.state == "plain":
        return (yield from source)
    try:
        return (yield from _record(run, source))
    finally:
        run.abandon()


def _record(run: _core.Run, source: _Stream) -> _Stream:
    recorder, spent = Recorder(), 0.0
    while True:
        begun = time.perf_counter()
        try:
            item = run.step(partial(next, source))
        except StopIteration as end:
            recorder.keep(run, end.value, spent + time.perf_counter() - begun)
            return end.value
        spent += time.perf_counter() - begun
        if not recorder.add(item):
            run.give_up(recorder.why_not)
            return (yield from _go_on(source, lambda: item))  # noqa: B023  called at once
        try:
            sent = yield item
        except GeneratorExit:
            source.close()
            raise
        except BaseException as error:  # noqa: BLE001  whatever the consumer throws in
            step = partial(source.throw, error)
        else:
            if sent is None:
                continue
            step = partial(source.send, sent)
        # What comes now is an answer to the consumer.
        run.abandon()
        return (yield from _go_on(source, step))


def _replay(run: _core.Run) -> _Stream:
    tape = cast("Tape", run.value)
    for count, packed in enumerate(tape.items):
        try:
            item = packed.open()
        except Exception as error:  # noqa: BLE001  unpickling runs any code
            tell_unreadable(error)
            source = _after(run, count)
            return (yield from _go_on(source, partial(next, source)))
        try:
            sent = yield item
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  whatever the consumer throws in
            source = _after(run, count + 1)
            step = partial(source.throw, error)
        else:
            if sent is None:
                continue
            source = _after(run, count + 1)
            step = partial(source.send, sent)
        return (yield from _go_on(source, step))
    return tape.returned.open()


def _after(run: _core.Run, count: int) -> _Stream:
    """Returns the function's own generator, `count` items on."""
    source: _Stream = run.call()
    for _ in itertools.islice(source, count):
        pass
    return source


def _go_on(source: _Stream, step: _Step) -> _Stream:
    """Yields what a step gives, and then whatever the generator does."""
    while True:
        try:
            item = step()
        except StopIteration as end:
            return end.value
        try:
            sent = yield item
        except GeneratorExit:
            source.close()
            raise
        except BaseException as error:  # noqa: BLE001  whatever the consumer throws in
            step = partial(source.throw, error)
        else:
            step = partial(source.send, sent)
