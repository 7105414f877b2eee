"""Groups: functions that share a store, a bound and a policy.

What a call is known by, and that a result is there, is kept by Rememo; the results themselves, made
into bytes by the group's pickler, by the group's object store.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import logging
import os
import pickle
import shutil
import threading
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from rememo.cache import Cache
from rememo.compat.charmonium.freeze import Config, digest_of
from rememo.compat.charmonium.helpers import Future
from rememo.compat.charmonium.locks import FileRWLock
from rememo.compat.charmonium.policies import Entry, Size, bytes_of, policy_of
from rememo.compat.charmonium.stores import DirObjStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo.compat.charmonium.locks import RWLock
    from rememo.compat.charmonium.policies import ReplacementPolicy
    from rememo.compat.charmonium.stores import ObjStore, Pickler

DEFAULT_PATH = ".cache"
# Within the directory of the objects, where it is hidden from those who list them.
INDEX = ".rememo"
DEFAULT_FREEZE_CONFIG = Config()
# Bits of a number that a result is stored under.
BITS = 64
ops_logger = logging.getLogger("charmonium.cache.ops")


class Reference(NamedTuple):
    """What is kept of a result by Rememo."""

    obj_key: int
    """The number that it is stored under."""
    check: str
    """A checksum of its bytes."""
    data_size: int
    """What it counts as, in bytes."""
    function_seconds: float
    serialization_seconds: float
    held: bytes | None
    """The bytes themselves, where they are not in the object store."""

    def entry(self) -> Entry:
        """Returns what a policy is told of it."""
        return Entry(
            self.held,
            Size(self.data_size),
            timedelta(seconds=self.function_seconds),
            timedelta(seconds=self.serialization_seconds),
            self.held is None,
        )


class MemoizedGroup:
    """What several memoized functions have in common.

    Args:
        obj_store: where results are kept; by default, files in ``.cache``.
        replacement_policy: what goes first; a policy, or ``"gdsize"``.
        size: the most bytes of results; 100 KiB, as there, unless said otherwise.
        pickler: turns results into bytes and back.
        lock: held while objects are read and written; by default, a file of the store's directory.
        fine_grain_persistence: accepted: what is stored is always there for other processes at
            once.
        fine_grain_eviction: whether the bound is kept after each call, or in `commit` and at exit.
        extra_system_state: called before each call; what it returns counts for all functions.
        freeze_config: what counts.
        temporary: whether the results are removed at exit.

    Attributes:
        time_cost: by function, what memoization took in this process.
        time_saved: by function, what the calls would have taken that were answered in it.

    Raises:
        ValueError: if the size, the policy or the configuration makes no sense.
    """

    def __init__(  # noqa: PLR0913  options, each by its name
        self,
        *,
        obj_store: ObjStore | None = None,
        replacement_policy: str | ReplacementPolicy = "gdsize",
        size: Any = 100 * 1024,  # noqa: ANN401  a number, text, or bitmath's
        pickler: Pickler | None = None,
        lock: RWLock | None = None,
        fine_grain_persistence: bool = False,
        fine_grain_eviction: bool = False,
        extra_system_state: Callable[[], object] | None = None,
        freeze_config: Config = DEFAULT_FREEZE_CONFIG,
        temporary: bool = False,
    ) -> None:
        """Takes the options; see the class."""
        freeze_config.to_rememo()
        self._cache = Cache(temporary=True) if temporary else Cache(_directory(obj_store) / INDEX)
        # Made for this group, so that it goes with it.
        self._own = _beside(self._cache.path) if temporary and obj_store is None else None
        if obj_store is None:
            obj_store = DirObjStore(self._own or DEFAULT_PATH)
        self.obj_store: ObjStore = obj_store
        self.replacement_policy = policy_of(replacement_policy)
        self.size = bytes_of(size)
        if lock is None:
            lock = FileRWLock(_directory(obj_store) / ".lock")
        self.lock: RWLock = lock
        self._pickler = pickler
        self.fine_grain_persistence = fine_grain_persistence
        self.fine_grain_eviction = fine_grain_eviction
        self.extra_system_state = extra_system_state
        self.freeze_config = freeze_config
        self.temporary = temporary
        self._forget()
        atexit.register(self._end, os.getpid())

    def _forget(self) -> None:
        self.time_cost: dict[str, timedelta] = defaultdict(timedelta)
        self.time_saved: dict[str, timedelta] = defaultdict(timedelta)
        self._entries: dict[str, Reference] = {}
        self._known = False
        self.memory_lock = threading.RLock()

    @property
    def pickler(self) -> Pickler:
        """Turns results into bytes and back."""
        return cast("Pickler", pickle) if self._pickler is None else self._pickler

    @property
    def cache(self) -> Cache:
        """What keeps account of the results."""
        return self._cache

    # --- results ---------------------------------------------------------------

    def keep(self, obj_key: int, payload: bytes) -> None:
        """Puts the bytes of a result into the object store."""
        with self.lock.writer:
            self.obj_store[obj_key] = payload

    def read(self, reference: Reference) -> bytes | None:
        """Returns the bytes of a result, unless they are gone or others."""
        payload = reference.held
        if payload is None:
            with self.lock.reader:
                payload = self.obj_store.get(reference.obj_key, None)
        whole = payload is not None and checksum(payload) == reference.check
        return payload if whole else None

    def added(self, key: str, reference: Reference) -> None:
        """Takes note of a result that was stored."""
        with self.memory_lock:
            self.refresh()
            self._entries[key] = reference
            self.replacement_policy.add(key, reference.entry())

    def used(self, key: str, reference: Reference) -> None:
        """Takes note of a result that was used."""
        with self.memory_lock:
            self.refresh()
            if key not in self._entries:
                self._entries[key] = reference
                self.replacement_policy.add(key, reference.entry())
            self.replacement_policy.access(key, reference.entry())

    def forget(self, key: str) -> None:
        """Removes a result that somebody wants to be rid of, and tells the policy of it."""
        with self.memory_lock:
            reference = self._entries.get(key)
            if reference is not None:
                self.replacement_policy.invalidate(key, reference.entry())
            self._remove(key, "cascading_delete")

    def _remove(self, key: str, event: str, **what: object) -> None:
        """Removes a result, and logs what happened."""
        store = self._cache.open_store()
        reference = self._entries.pop(key, None) or as_reference(store.value(key, as_view=False))
        store.remove(key)
        if reference is None:
            return
        if reference.held is None:
            with self.lock.writer:
                if reference.obj_key in self.obj_store:
                    del self.obj_store[reference.obj_key]
        size = {"entry.data_size": reference.data_size}
        log(event, key=key, obj_key=reference.obj_key, **size, **what)

    # --- the bound ---------------------------------------------------------------

    def refresh(self) -> None:
        """Tells the policy of the results that other processes stored before this one began."""
        with self.memory_lock:
            if self._known:
                return
            self._known = True
            store = self._cache.open_store()
            for key, _ in store.by_age():
                reference = as_reference(store.value(key, as_view=False))
                if reference is not None and key not in self._entries:
                    self._entries[key] = reference
                    self.replacement_policy.add(key, reference.entry())

    def evict(self) -> None:
        """Removes results, as the policy says, until they take no more than the size."""
        with self.memory_lock:
            self.refresh()
            total = sum(reference.data_size for reference in self._entries.values())
            while total > self.size:
                try:
                    key, entry = self.replacement_policy.evict()
                except ValueError:
                    # A policy may know of less than there is.
                    return
                if key in self._entries:
                    total -= entry.data_size.bytes
                    self._remove(key, "evict", new_total_size=total)

    def commit(self) -> None:
        """Keeps the bound. Results are on disk already."""
        self.evict()
        self._cache.open_store().note_uses()

    def remove_orphans(self) -> None:
        """Removes from the object store what no result refers to."""
        store = self._cache.open_store()
        found = (as_reference(store.value(key, as_view=False)) for key, _ in store.by_age())
        used = {reference.obj_key for reference in found if reference}
        with self.lock.writer:
            for obj_key in list(self.obj_store):
                if obj_key not in used:
                    del self.obj_store[obj_key]
                    log("remove_orphan", obj_key=obj_key)

    # --- the rest ------------------------------------------------------------------

    def _end(self, owner: int) -> None:
        # A forked child must not remove what its parent still uses.
        if os.getpid() != owner:
            return
        if self.temporary:
            self._cache.close()
            self.obj_store.clear()
            if self._own:
                shutil.rmtree(self._own, ignore_errors=True)
        elif self._entries:
            self.commit()

    def __getstate__(self) -> dict[str, object]:
        """Leaves out what belongs to this process."""
        own = {"memory_lock", "_entries", "_known", "time_cost", "time_saved"}
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Begins anew with what the other had stored."""
        vars(self).update(state)
        self._forget()

    def __getfrozenstate__(self) -> None:
        """Where results are kept does not count for results."""


def checksum(payload: bytes) -> str:
    """Returns what bytes are told from others by."""
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def as_reference(found: tuple[object] | None) -> Reference | None:
    """Returns what the stored result of a call refers to, if it is a reference."""
    value = found[0] if found else None
    if type(value) is not tuple:
        return None
    fields = cast("tuple[Any, ...]", value)
    return Reference(*fields) if len(fields) == len(Reference._fields) else None


def is_logging() -> bool:
    """Whether anybody asked for the log."""
    return ops_logger.isEnabledFor(logging.DEBUG)


def log(event: str, **what: object) -> None:
    """Logs what happened, as a line of JSON, at level DEBUG."""
    if is_logging():
        line = {"pid": os.getpid(), "tid": threading.get_native_id(), "event": event, **what}
        ops_logger.debug(json.dumps(line, default=str))


def _directory(obj_store: ObjStore | None) -> Path:
    """Where there is room beside the objects for what is not one."""
    if isinstance(obj_store, DirObjStore) and isinstance(obj_store.path, Path):
        return obj_store.path
    return Path(DEFAULT_PATH)


def _beside(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}-objects")


def state_of(state: object, config: Config) -> str:
    """Returns what a state of whatever kind is told from others by."""
    return digest_of(state, config)


# Made when it is first needed.
DEFAULT_MEMOIZED_GROUP: Any = Future[MemoizedGroup].create(MemoizedGroup)
