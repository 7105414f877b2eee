"""A policy of one's own: which results go first when a cache is full.

The cache keeps to its bound by itself. A policy is asked ahead of that, when nine tenths are taken,
and what it names goes until there is room again; what it does not know of, or is too late for, goes
in the order of the directory.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rememo import _core
from rememo.notices import tell
from rememo.warnings import PolicyWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A policy is asked for room once less than this part is free, or less than some of the largest
# results take; it is asked for twice as much.
PART_FREE = 0.1
OF_THE_LARGEST = 2
MOST_FREE = 0.5
# Seconds that storing waits for a policy. It is asked by a thread of its own, so that one that
# never answers holds up nobody.
PATIENCE = 1.0


@dataclass(frozen=True)
class Worth:
    """What a policy is told of what is stored for a call.

    Attributes:
        function: the identity of the function.
        size: the bytes that go free when it goes.
        seconds: what having it again takes: computing and encoding it.
        uses: how often it was of use so far, its being computed included.

    >>> from rememo.eviction import Worth
    >>> worth = Worth("shop.price", size=1000, seconds=2.0, uses=3)
    >>> worth.seconds * worth.uses / worth.size  # what a byte of it saves
    0.006
    """

    function: str
    size: int
    seconds: float
    uses: int


class EvictionPolicy(ABC):
    """Chooses what goes. One's own are derived from it, and given to `Cache`.

    What is stored for a call is known to it by a key, which is text. Methods are called one at a
    time, before a choice is asked for: what was stored, used and removed since then, by whatever
    process, is told of first.

    >>> from rememo import Cache
    >>> from rememo.eviction import EvictionPolicy, check
    >>> class OldestFirst(EvictionPolicy):
    ...     def __init__(self):
    ...         self.keys = {}
    ...     def add(self, key, worth):
    ...         self.keys[key] = worth
    ...     def access(self, key, worth):
    ...         self.keys[key] = self.keys.pop(key)  # to the end
    ...     def invalidate(self, key, worth):
    ...         del self.keys[key]
    ...     def evict(self):
    ...         oldest = next(iter(self.keys), None)
    ...         self.keys.pop(oldest, None)
    ...         return oldest
    >>> check(OldestFirst)
    >>> with Cache(
    ...     temporary=True, max_size="1 MiB", policy=OldestFirst(), flush_every=0
    ... ) as cache:
    ...     @cache.memoize
    ...     def squares(n):
    ...         return [i * i for i in range(n)]
    ...     for n in range(10_000, 10_100):
    ...         _ = squares(n)
    ...     squares.would_hit(10_000), squares.would_hit(10_099)
    (False, True)
    """

    @abstractmethod
    def add(self, key: str, worth: Worth) -> None:
        """Told of what is new: stored since, or there from before."""

    @abstractmethod
    def access(self, key: str, worth: Worth) -> None:
        """Told of what was used since."""

    @abstractmethod
    def invalidate(self, key: str, worth: Worth) -> None:
        """Told of what is gone, but for what it chose itself."""

    @abstractmethod
    def evict(self) -> str | None:
        """Chooses what goes, forgets it and returns its key; None if it knows of nothing."""


class Adviser:
    """Asks a policy on behalf of a cache.

    Args:
        policy: the policy.
    """

    def __init__(self, policy: EvictionPolicy) -> None:
        """Begins with nothing."""
        self._policy = policy
        self._store: _core.Store | None = None
        self._token: int | None = None
        self._lock = threading.Lock()
        self._known: dict[str, Worth] = {}
        self._largest = 0
        self._chosen = 0
        self._warned = False
        # What asks the policy now, by process: threads do not outlive a fork.
        self._asking: dict[int, threading.Thread] = {}

    def begin(self, store: _core.Store) -> None:
        """Has the policy choose for a store from now on, once that is nearly full."""
        with self._lock:
            if self._token is None:
                self._store = store
                self._token = _core.subscribe(self._stored, ["stored"])

    def close(self) -> None:
        """Asks no more."""
        with self._lock:
            if self._token is not None:
                _core.unsubscribe(self._token)
            self._token = self._store = None

    def _stored(self, _event: Mapping[str, object]) -> None:
        store = self._store
        if store is None:
            return
        try:
            most, most_files, size, files = store.fullness()
        except OSError:
            return  # Whoever stored something is told of it.
        free = max(PART_FREE * most, OF_THE_LARGEST * self._largest)
        free = int(min(free, MOST_FREE / 2 * most))
        if size > most - free or files > most_files * (1 - PART_FREE):
            self.make_room(store, most - 2 * free, int(most_files * (1 - 2 * PART_FREE)))

    def make_room(self, store: _core.Store, size: int, files: int | None = None) -> int:
        """Has the policy choose until what is stored takes no more than that, or time is over.

        Returns how many results went.
        """
        turn = threading.Thread(
            target=self._ask, args=(store, size, files), name="rememo-policy", daemon=True
        )
        if self._asking.setdefault(os.getpid(), turn) is not turn:
            return 0
        self._chosen = 0
        try:
            turn.start()
        except RuntimeError:
            # The interpreter is about to end: results go in the order of the directory.
            return 0
        turn.join(PATIENCE)
        if turn.is_alive():
            self._warn(f"takes longer than {PATIENCE:.0f} s")
        return self._chosen

    def _ask(self, store: _core.Store, size: int, files: int | None) -> None:
        try:
            self._tell(store)
            # Results may share a file, so that less goes free than was thought.
            while (less := self._excess(store, size, files)) > 0:
                went = store.evict(self._choose(less))
                self._chosen += went
                if not went:
                    return
        except Exception as error:  # noqa: BLE001  the policy is the user's, and may do anything
            self._warn(f"raised {error!r}")
        finally:
            del self._asking[os.getpid()]

    @staticmethod
    def _excess(store: _core.Store, size: int, files: int | None) -> int:
        _, _, size_now, files_now = store.fullness()
        excess = size_now - size
        if excess <= 0 and files is not None and files_now > files:
            # One at a time: not everything that goes has a file.
            return 1
        return excess

    def _tell(self, store: _core.Store) -> None:
        """Tells the policy what was stored, used and removed since it was last told."""
        now = {key: Worth(f, size, s, n) for key, f, size, s, n in store.candidates()}
        self._largest = max((worth.size for worth in now.values()), default=0)
        for key in [key for key in self._known if key not in now]:
            self._policy.invalidate(key, self._known.pop(key))
        for key, worth in now.items():
            before = self._known.get(key)
            self._known[key] = worth
            if before is None:
                self._policy.add(key, worth)
            elif worth.uses > before.uses:
                self._policy.access(key, worth)

    def _choose(self, size: int) -> list[str]:
        """Returns what the policy would let go of for so many bytes."""
        chosen: list[str] = []
        while size > 0 and (key := self._policy.evict()) is not None:
            worth = self._known.pop(key, None)
            if worth is None:
                self._warn(f"chose {key!r}, which is not there")
                break
            chosen.append(key)
            size -= worth.size
        return chosen

    def _warn(self, what: str) -> None:
        if self._warned:
            return
        self._warned = True
        tell(
            f"the policy {type(self._policy).__qualname__} {what}: for want of room, results go in "
            f"the order of the directory until it is asked again",
            PolicyWarning,
        )


def checked(policy: EvictionPolicy) -> EvictionPolicy:
    """Returns a policy as it is.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(policy, EvictionPolicy):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(
            f"policy must be the name of one or a rememo.eviction.EvictionPolicy, not {policy!r}"
        )
    return policy


def check(make: Callable[[], EvictionPolicy]) -> None:
    """Checks what every policy must hold to, given what makes one as it begins.

    Raises:
        AssertionError: if the policy breaks one of its promises; the message says which.

    >>> from rememo.eviction import EvictionPolicy, check
    >>> class Stubborn(EvictionPolicy):
    ...     def add(self, key, worth): ...
    ...     def access(self, key, worth): ...
    ...     def invalidate(self, key, worth): ...
    ...     def evict(self): ...  # None, whatever is there
    >>> try:
    ...     check(Stubborn)
    ... except AssertionError as broken:
    ...     print(str(broken)[:14])
    each goes once
    """
    _check_that_all_goes(make())
    _check_that_what_is_gone_is_forgotten(make())
    _check_that_use_does_no_harm(make())


EQUAL = Worth("function", size=100, seconds=0.001, uses=1)


def _promise(kept: bool, what: str) -> None:
    if not kept:
        raise AssertionError(what)


def _check_that_all_goes(policy: EvictionPolicy) -> None:
    keys = [str(number) for number in range(20)]
    extremes = [Worth("f", size, seconds, 1) for size in (0, 2**60) for seconds in (0.0, 1e9)]
    for at, key in enumerate(keys):
        policy.add(key, extremes[at % len(extremes)])
    chosen = [policy.evict() for _ in keys]
    _promise(sorted(map(str, chosen)) == sorted(keys), f"each goes once, and not {chosen}")
    _promise(policy.evict() is None, "nothing is left")


def _check_that_what_is_gone_is_forgotten(policy: EvictionPolicy) -> None:
    for key in "abc":
        policy.add(key, EQUAL)
    policy.invalidate("b", EQUAL)
    chosen = {policy.evict(), policy.evict()}
    _promise(chosen == {"a", "c"}, f"what was removed is not chosen any more, as in {chosen}")
    _promise(policy.evict() is None, "nothing is left of what was removed")
    policy.add("b", EQUAL)
    _promise(policy.evict() == "b", "what is stored again is there again")


def _check_that_use_does_no_harm(policy: EvictionPolicy) -> None:
    keys = [str(number) for number in range(10)]
    used = keys[::2]
    for key in keys:
        policy.add(key, EQUAL)
    for uses in range(2, 6):
        for key in used:
            policy.access(key, Worth("function", EQUAL.size, EQUAL.seconds, uses))
    first = {policy.evict() for _ in range(len(keys) - len(used))}
    _promise(not first & set(used), f"what is used outlives what is not, but {first} went first")
