"""Calls of asynchronous generator functions: as `rememo.streams`, awaited."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, cast

from rememo import _core
from rememo.context_managers import refuse_caller
from rememo.fronts import named_after
from rememo.tape import Recorder, tell_unreadable
from rememo.watched import watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from rememo.tape import Tape

    _Stream = AsyncGenerator[object, object]


def start(
    memoized: _core.Memoized[..., Any],
    args: tuple[object, ...],
    kwargs: dict[str, object] | None,
    recompute: bool,
) -> _Stream:
    """Returns the generator of a call; nothing is done until the first item is asked for."""
    refuse_caller(memoized.__qualname__, depth=1)

    def begin() -> _Player:
        # Without a claim: nobody can say when, or whether, the consumer goes on.
        run = _core.begin(memoized, args, kwargs, recompute=recompute, claiming=False)
        return _Replay(run) if run.state == "answered" else _Recording(run)

    return named_after(memoized, _play(begin))


def hand_back(memoized: _core.Memoized[..., Any], run: _core.Run) -> _Stream:
    """Returns a generator that replays a stored result."""
    return named_after(memoized, _play(lambda: _Replay(run)))


class _Player(Protocol):
    """Where the items come from."""

    def next(self) -> Awaitable[object]: ...
    def send(self, value: object) -> Awaitable[object]: ...
    def throw(self, error: BaseException) -> Awaitable[object]: ...
    async def close(self) -> None: ...


async def _play(begin: Callable[[], _Player]) -> _Stream:
    player = begin()
    step = player.next()
    try:
        while True:
            try:
                item = await step
            except StopAsyncIteration:
                return
            try:
                sent = yield item
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001  whatever the consumer throws in
                step = player.throw(error)
            else:
                step = player.next() if sent is None else player.send(sent)
    finally:
        await player.close()


class _Recording:
    """The function's own generator, recorded until the consumer has a say in it."""

    def __init__(self, run: _core.Run) -> None:
        self._run = run
        self._source: _Stream = run.call()
        self._recorder = Recorder() if run.state == "missed" else None
        self._spent = 0.0

    async def next(self) -> object:
        begun = time.perf_counter()
        try:
            item = await watched(self._run, cast("Any", anext(self._source)))
        except StopAsyncIteration:
            if self._recorder:
                spent = self._spent + time.perf_counter() - begun
                self._recorder.keep(self._run, None, spent)
            raise
        self._spent += time.perf_counter() - begun
        if self._recorder and not self._recorder.add(item):
            self._run.give_up(self._recorder.why_not)
            self._recorder = None
        return item

    def send(self, value: object) -> Awaitable[object]:
        self._recorder = None
        return self._source.asend(value)

    def throw(self, error: BaseException) -> Awaitable[object]:
        self._recorder = None
        return self._source.athrow(error)

    async def close(self) -> None:
        self._run.abandon()
        await self._source.aclose()


class _Replay:
    """A stored result; or the function's own generator, once the consumer has a say in it."""

    def __init__(self, run: _core.Run) -> None:
        self._run = run
        self._items = cast("Tape", run.value).items
        self._count = 0
        self._source: _Stream | None = None

    async def next(self) -> object:
        if self._source:
            return await anext(self._source)
        if self._count == len(self._items):
            raise StopAsyncIteration
        try:
            item = self._items[self._count].open()
        except Exception as error:  # noqa: BLE001  unpickling runs any code
            tell_unreadable(error)
            return await anext(await self._live())
        self._count += 1
        return item

    async def send(self, value: object) -> object:
        return await (await self._live()).asend(value)

    async def throw(self, error: BaseException) -> object:
        return await (await self._live()).athrow(error)

    async def close(self) -> None:
        if self._source:
            await self._source.aclose()

    async def _live(self) -> _Stream:
        """Returns the function's own generator, as far on as the replay is."""
        source = self._source
        if source is None:
            self._source = source = cast("_Stream", self._run.call())
            for _ in range(self._count):
                await anext(source)
        return source
