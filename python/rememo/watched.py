"""Awaits what a memoized coroutine does, step by step: what each looks at counts for its result."""

from __future__ import annotations

import types
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from rememo import _core


@types.coroutine
def watched(run: _core.Run, steps: Coroutine[Any, Any, object]) -> Generator[Any, Any, object]:
    """Returns what is awaited, or raises what it raises; between the steps, nothing is noted."""
    step = partial(steps.send, None)
    while True:
        try:
            item = run.step(step)
        except StopIteration as end:
            return end.value
        try:
            sent = yield item
        except GeneratorExit:
            run.step(steps.close)
            raise
        except BaseException as error:  # noqa: BLE001  such as that the task is cancelled
            step = partial(steps.throw, error)
        else:
            step = partial(steps.send, sent)
