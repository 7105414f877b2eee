"""Where arrays and other buffers have their memory, and whether they share it."""

from __future__ import annotations

import sys
from typing import Any


def is_array(thing: object) -> bool:
    """Whether it is an array of numpy."""
    numpy: Any = sys.modules.get("numpy")
    return isinstance(thing, getattr(numpy, "ndarray", ()))


def has_memory(thing: object) -> bool:
    """Whether it is a buffer that others may share."""
    return is_array(thing) or isinstance(thing, (bytearray, memoryview))


def overlap(arrays: list[tuple[object, bool]]) -> bool:
    """Whether one of several arrays shares memory with another, and one of the two is known."""
    spans: list[tuple[int, int, bool]] = []
    for thing, is_known in arrays:
        low, high = bounds(thing)
        if high > low:
            spans.append((low, high, is_known))
    spans.sort()
    reached: list[int] = [0, 0]
    for low, high, is_known in spans:
        if low < reached[True] or (is_known and low < reached[False]):
            return True
        reached[is_known] = max(reached[is_known], high)
    return False


def bounds(thing: Any) -> tuple[int, int]:  # noqa: ANN401
    """Returns where the memory of a buffer begins, and where it ends."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return 0, 0
    if not isinstance(thing, numpy.ndarray):
        if not len(thing):
            return 0, 0
        thing = numpy.frombuffer(thing, numpy.uint8)
    if not thing.size:
        return 0, 0
    first = thing.__array_interface__["data"][0]
    steps = [(n - 1) * stride for n, stride in zip(thing.shape, thing.strides, strict=True)]
    low = first + sum(step for step in steps if step < 0)
    high = first + sum(step for step in steps if step > 0) + thing.itemsize
    return low, high
