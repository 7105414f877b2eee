"""What a generator yielded and returned, each item encoded when it came."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rememo import notices, pickling
from rememo.warnings import StoreWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo import _core

# Bytes of items that are kept in memory until the generator is exhausted, at most.
MOST_BYTES = 256 << 20


class Packed(NamedTuple):
    """One item: its pickle, the large buffers beside it, and the definitions that it names."""

    stream: bytes
    buffers: list[bytes | bytearray]
    record: bytes

    @property
    def size(self) -> int:
        """Bytes taken."""
        return len(self.stream) + sum(map(len, self.buffers)) + len(self.record)

    def open(self) -> object:
        """Returns a fresh copy of the item."""
        return pickling.loads(self.stream, self.buffers, self.record)


def pack(item: object) -> Packed:
    """Encodes an item as it is now. Raises whatever pickling raises."""
    stream, buffers, record = pickling.dumps(item)
    copies = [
        bytes(view) if view.readonly else bytearray(view)
        for view in (buffer.raw() for buffer in buffers)
    ]
    return Packed(stream, copies, record)


class Tape:
    """The items of a generator that ran to its end, and what it returned."""

    __slots__ = ("items", "returned")

    def __init__(self, items: list[Packed], returned: Packed) -> None:
        """Takes items that are encoded already."""
        self.items = items
        self.returned = returned

    def __reduce__(self) -> tuple[Callable[..., Tape], tuple[list[Packed], Packed]]:
        """Is pickled with the items as bytes, and checked when it is read."""
        return _checked, (self.items, self.returned)


def _checked(items: list[Packed], returned: Packed) -> Tape:
    """Makes a tape of which every definition that it names is what it was.

    Raises:
        rememo.pickling.Outdated: if one is not.
    """
    for record in {packed.record for packed in (*items, returned)}:
        pickling.check(record)
    return Tape(items, returned)


class Recorder:
    """Encodes what a generator yields, until that cannot be done or is too much."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self.why_not = ""
        self._items: list[Packed] = []
        self._size = 0

    def add(self, item: object) -> bool:
        """Adds an item; False if the recording ends here, for the reason in `why_not`."""
        packed = self._pack(item)
        if packed is None:
            return False
        self._size += packed.size
        if self._size > MOST_BYTES:
            self.why_not = f"it yields more than {MOST_BYTES >> 20} MiB"
            return False
        self._items.append(packed)
        return True

    def keep(self, run: _core.Run, returned: object, seconds: float) -> None:
        """Has the whole stored, with what the generator returned and how long it took."""
        if packed := self._pack(returned):
            run.finish(Tape(self._items, packed), seconds)
        else:
            run.give_up(self.why_not)

    def _pack(self, item: object) -> Packed | None:
        try:
            return pack(item)
        except Exception as error:  # noqa: BLE001  pickling runs any code, which may raise anything
            from rememo.unpicklable import describe

            self.why_not = f"item {len(self._items)}: {describe(item, error)}"
            return None


def tell_unreadable(error: Exception) -> None:
    """Warns that an item cannot be decoded, so that the function is run after all."""
    notices.tell(
        f"rememo: an item of a stored generator cannot be read ({error}); the function runs again",
        StoreWarning,
    )
