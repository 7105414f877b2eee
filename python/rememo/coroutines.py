"""Calls of coroutine functions: awaited once, by one task at a time, and stored when they return.

Tasks of one loop that make the same call wait for the one that runs it. A task that is cancelled
stores nothing, and those that waited for it run the call themselves.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from rememo import _core
from rememo.fronts import named_after
from rememo.watched import watched

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    _Loop = asyncio.AbstractEventLoop

# How long to wait, in seconds, for whoever runs the same call before running it too.
PATIENCE = 60 * 60.0
# How long to wait, in seconds, before looking again what has become of a call in another process.
FIRST_NAP = 0.001
LONGEST_NAP = 0.05

# What tasks run at this moment, by loop and key: done when they are, with whether it was stored.
_under_way: dict[tuple[_Loop, str], asyncio.Future[bool]] = {}


def start(
    memoized: _core.Memoized[..., Any],
    args: tuple[object, ...],
    kwargs: dict[str, object] | None,
    recompute: bool,
) -> Coroutine[Any, Any, object]:
    """Returns the coroutine of a call; nothing is done until it is awaited."""

    def begin(*, claiming: bool) -> _core.Run:
        return _core.begin(memoized, args, kwargs, recompute=recompute, claiming=claiming)

    return named_after(memoized, _answer(begin))


def hand_back(memoized: _core.Memoized[..., Any], run: _core.Run) -> Coroutine[Any, Any, object]:
    """Returns a coroutine that returns a stored result."""
    return named_after(memoized, _given(run.value))


async def _given(value: object) -> object:
    return value


async def _answer(begin: Callable[..., _core.Run]) -> object:
    loop = _running_loop()
    run = await _turn(loop, begin) if loop else begin(claiming=False)
    if run.state == "answered":
        return run.value
    if run.state == "plain":
        return await run.call()
    return await _run(loop, run)


async def _turn(loop: _Loop, begin: Callable[..., _core.Run]) -> _core.Run:
    """Waits until the call is answered or is this task's to make."""
    nap, end = FIRST_NAP, loop.time() + PATIENCE
    claiming = True
    while True:
        run = begin(claiming=claiming)
        if run.state != "busy" or run.key is None:
            return run
        left = end - loop.time()
        if left <= 0:
            claiming = False
        elif runner := _under_way.get((loop, run.key)):
            done, _ = await asyncio.wait([runner], timeout=left)
            # If there is no result, all who waited run the call at once.
            claiming = bool(done) and runner.result()
        else:
            await asyncio.sleep(min(nap, left))
            nap = min(2 * nap, LONGEST_NAP)


async def _run(loop: _Loop | None, run: _core.Run) -> object:
    """Makes the call and keeps its result, and tells those who wait when that is done."""
    stored = False
    runner = _announce(loop, run.key) if loop and run.key else None
    try:
        begun = time.perf_counter()
        value: object = await watched(run, run.call())
        stored = run.finish(value, time.perf_counter() - begun)
    finally:
        # After a result that was kept, there is nothing left to abandon.
        run.abandon()
        if runner:
            runner(stored)
    return value


def _announce(loop: _Loop, key: str) -> Callable[[bool], None] | None:
    """Says that this task runs a call; returns what says that it does not any more."""
    if (loop, key) in _under_way:
        return None
    runner = _under_way[loop, key] = loop.create_future()

    def end(stored: bool) -> None:
        del _under_way[loop, key]
        if not runner.done():
            runner.set_result(stored)

    return end


def _running_loop() -> _Loop | None:
    """Returns asyncio's loop; None where something else drives the coroutine."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
