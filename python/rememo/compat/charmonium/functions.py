"""Memoized functions, with the predecessor's habits."""

from __future__ import annotations

import copy
import functools
import importlib
import operator
import random
import sys
import time
import warnings
from datetime import timedelta
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from rememo import _core
from rememo.callables import innermost
from rememo.compat.charmonium.groups import (
    BITS,
    DEFAULT_MEMOIZED_GROUP,
    MemoizedGroup,
    Reference,
    as_reference,
    checksum,
    is_logging,
    log,
    state_of,
)
from rememo.compat.word import as_plain_function, at_its_word, name_of
from rememo.fronts import front_of
from rememo.info import NotCached
from rememo.memoize import memoize as rememo_memoize
from rememo.sending import arrived
from rememo.warnings import RememoWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from rememo.compat.charmonium.freeze import Config
    from rememo.compat.charmonium.stores import Pickler
    from rememo.info import Entry

P = ParamSpec("P")
R = TypeVar("R")
# Caching is said to be thrashing from this much time on that it took more than it saved.
THRASHING = timedelta(seconds=5)
# How long to wait for another who makes the same call, and how often to look, in seconds.
PATIENCE, FIRST_NAP, LONGEST_NAP = 600.0, 0.001, 0.05


class CacheThrashingWarning(RememoWarning):
    """Memoizing a function took more time than it saved."""


def memoize(**options: Any) -> Callable[[Callable[P, R]], Memoized[P, R]]:  # noqa: ANN401
    """Returns a decorator that memoizes a function; for the options see `Memoized`."""

    def memoized(func: Callable[P, R]) -> Memoized[P, R]:
        return Memoized(func, **options)

    return memoized


class Memoized(Generic[P, R]):
    """A function whose results are kept.

    Args:
        func: the function. Taken at its word: what it does to the world, and what it looks at
            outside of its arguments and code, does not count.
        group: what it has in common with others, by default with all that say nothing; it may be
            another later.
        name: what tells its results from those of others; by default, its module and name.
        use_obj_store: whether results are kept in the group's object store, or else by the index.
        use_metadata_size: whether what the index takes counts for the group's size.
        pickler: turns results into bytes and back; by default, the group's.
        extra_func_state: called with the function before each call; what it returns counts.

    Raises:
        TypeError: if it cannot be memoized, or gives its results later than it is called.
    """

    def __init__(  # noqa: PLR0913  options, each by its name
        self,
        func: Callable[P, R],
        *,
        group: MemoizedGroup | None = None,
        name: str | None = None,
        use_obj_store: bool = True,
        use_metadata_size: bool = False,
        pickler: Pickler | None = None,
        extra_func_state: Callable[[Callable[P, R]], object] | None = None,
    ) -> None:
        """Takes the function and the options; see the class."""
        self._function = as_plain_function(func)
        if front_of(innermost(self._function)):
            raise TypeError(
                f"{self._function.__qualname__} gives its result later than it is called: "
                "use rememo.memoize"
            )
        self.func = func
        self._group: MemoizedGroup = DEFAULT_MEMOIZED_GROUP if group is None else group
        # Whether it was given another group than the one that its definition says.
        self._regrouped = False
        # What is found by its name, where it is a copy of that.
        self._original: Memoized[P, R] | None = None
        # The function goes by the same name in all processes; its module may not.
        self._given_name = name
        self.name = name or f"{self._function.__module__}.{self._function.__qualname__}"
        self._use_obj_store = use_obj_store
        self._use_metadata_size = use_metadata_size
        self._pickler = pickler
        self._extra_func_state = extra_func_state
        self._known: tuple[tuple[object, str, Config], Any] | None = None
        functools.update_wrapper(self, self._function)
        if not use_obj_store and not use_metadata_size:
            warnings.warn(
                f"results of {self.name} are kept by the index, whose size does not count, so "
                "nothing bounds them: say use_metadata_size=True, or leave out use_obj_store=False",
                UserWarning,
                stacklevel=3,
            )

    @property
    def group(self) -> MemoizedGroup:
        """What it has in common with others. It may be set, and goes along to other processes."""
        return self._group

    @group.setter
    def group(self, group: MemoizedGroup) -> None:
        self._group, self._regrouped = group, True

    @property
    def pickler(self) -> Pickler:
        """Turns results into bytes and back."""
        return self.group.pickler if self._pickler is None else self._pickler

    # --- calls -----------------------------------------------------------------

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns the stored result, or calls the function."""
        start, call_id = time.perf_counter(), random.getrandbits(BITS)
        memoized, words = self._memoized(), self._words(args, kwargs)
        run = _turn(memoized, words, recompute=False)
        reference = as_reference((run.value,)) if run.state == "answered" else None
        payload = self.group.read(reference) if reference else None
        if reference and payload is not None:
            value = self._loaded(payload)
            if value:
                key: str = memoized.entry(*words[0], **words[1]).key
                log("hit", call_id=call_id, name=self.name, key=key, obj_key=reference.obj_key)
                self.group.used(key, reference)
                self._account(start, 0.0, reference.function_seconds)
                return value[0]
        if run.state == "answered":
            # Its object is gone, or not what it was.
            run = _turn(memoized, words, recompute=True)
        return self._computed(run, (start, call_id), args, kwargs)

    def _computed(self, run: _core.Run, begun: tuple[float, int], args: Any, kwargs: Any) -> R:  # noqa: ANN401
        """Calls the function, and keeps the result."""
        start, call_id = begun
        key = run.key or ""
        log("miss", call_id=call_id, name=self.name, key=key, obj_key=_obj_key(key))
        try:
            before = time.perf_counter()
            value = cast("Callable[..., R]", self.func)(*args, **kwargs)
            seconds = time.perf_counter() - before
            if run.state == "missed":
                self._keep(run, key, value, seconds)
        finally:
            run.abandon()
        self._account(start, seconds, 0.0)
        return value

    def _keep(self, run: _core.Run, key: str, value: R, seconds: float) -> None:
        before = time.perf_counter()
        try:
            payload = self.pickler.dumps(value)
        except Exception as error:  # noqa: BLE001  a pickler may raise whatever it likes
            run.give_up(f"{type(error).__name__}: {error}")
            return
        size = len(payload) if self._use_obj_store else 0
        held = None if self._use_obj_store else payload
        if self._use_metadata_size:
            size += len(key) + len(held or b"")
        took = time.perf_counter() - before
        obj_key = _obj_key(key)
        if held is None:
            self.group.keep(obj_key, payload)
        reference = Reference(obj_key, checksum(payload), size, seconds, took, held)
        if run.finish(tuple(reference), seconds):
            self.group.added(key, reference)

    def _loaded(self, payload: bytes) -> tuple[R] | None:
        try:
            return (self.pickler.loads(payload),)
        except Exception:  # noqa: BLE001  unpickling runs any code; there, too, it is a miss
            return None

    def _account(self, start: float, inevitable: float, saved: float) -> None:
        group = self.group
        with group.memory_lock:
            if group.fine_grain_eviction:
                group.evict()
            taken = time.perf_counter() - start - inevitable
            group.time_cost[self.name] += timedelta(seconds=taken)
            group.time_saved[self.name] += timedelta(seconds=saved)
            all_taken, all_saved = group.time_cost[self.name], group.time_saved[self.name]
        if all_saved < all_taken and all_taken > THRASHING:
            warnings.warn(
                f"caching {self.name} took {all_taken.total_seconds():.1f} s and saved only "
                f"{all_saved.total_seconds():.1f} s: do not memoize it, or give it more to do",
                CacheThrashingWarning,
                stacklevel=3,
            )

    # --- questions and orders -----------------------------------------------------

    def would_hit(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Says whether a call would be answered."""
        found = self._found(args, kwargs)
        if is_logging():
            key = found[0].key if found else self._key(args, kwargs)
            log(
                "hit" if found else "miss",
                call_id=random.getrandbits(BITS),
                name=self.name,
                key=key,
                obj_key=_obj_key(key),
            )
        return found is not None

    def call_if_cached(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns the stored result.

        Raises:
            rememo.NotCached: if there is none.
        """
        found = self._found(args, kwargs)
        value = self._loaded(found[2]) if found else None
        if value is None:
            raise NotCached(f"no stored result for this call of {self.name}")
        return value[0]

    def clear_entry(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Removes the result of a call; whether there was one."""
        words = self._words(args, kwargs)
        entry: Entry | None = self._memoized().entry(*words[0], **words[1])
        if entry is None:
            return False
        self.group.forget(entry.key)
        return True

    def log_usage_report(self) -> None:
        """Writes what memoization took and saved in this process to the error output."""
        cost = self.group.time_cost[self.name].total_seconds()
        saved = self.group.time_saved[self.name].total_seconds()
        sys.stderr.write(
            f"Caching {self.name}: cost {cost:.1f}s, saved {saved:.1f}s, "
            f"net saved {saved - cost:.1f}s\n"
        )

    def _key(self, args: Any, kwargs: Any) -> str:  # noqa: ANN401
        """Returns what a call is known by, whether there is a result or not."""
        words = self._words(args, kwargs)
        return self._memoized().explain(*words[0], **words[1]).key or ""

    def _found(self, args: Any, kwargs: Any) -> tuple[Entry, Reference, bytes] | None:  # noqa: ANN401
        words = self._words(args, kwargs)
        entry: Entry | None = self._memoized().entry(*words[0], **words[1])
        if entry is None:
            return None
        store = self.group.cache.open_store()
        reference = as_reference(store.value(entry.key, as_view=False))
        payload = self.group.read(reference) if reference else None
        return (entry, reference, payload) if reference and payload is not None else None

    # --- what a call is known by ---------------------------------------------------

    def _memoized(self) -> Any:  # noqa: ANN401  called with words in place of arguments
        """Returns what looks for results, as far as states of whatever kind are what they are."""
        group = self.group
        version = getattr(self.func, "__version__", None)
        state = (
            self._given_name,
            group.extra_system_state and group.extra_system_state(),
            version() if callable(version) else version,
            self._extra_func_state and self._extra_func_state(self.func),
        )
        text = state_of(state, group.freeze_config)
        # Configurations can be changed.
        config = group.freeze_config
        if self._known is None or self._known[0] != (group.cache, text, config):
            memoized: Any = rememo_memoize(
                self._function,
                cache=group.cache,
                version=text,
                freeze=config.to_rememo(),
                watch="off",
                # What goes is for the group's policy to say.
                pinned=True,
            )
            self._known = (group.cache, text, copy.deepcopy(config)), memoized
        return self._known[1]

    @staticmethod
    def _words(args: Any, kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:  # noqa: ANN401
        """Returns what arguments count as."""
        by_name = {name: _word(value) for name, value in kwargs.items()}
        return tuple(_word(value) for value in args), by_name

    # --- the rest ----------------------------------------------------------------------

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401
        """Binds the function to an instance, as methods are."""
        return self if instance is None else BoundMemoized(self, instance)

    def __getfrozenstate__(self) -> object:
        """Counts as the function does, for whoever uses it."""
        return self._function

    def __reduce__(self) -> str | tuple[Callable[..., Any], tuple[object, ...]]:
        """Travels by its name, or else with its function; with its group where that is another."""
        if name := name_of(self._original or self):
            return (_regroup, (self.__module__, name, self.group)) if self._regrouped else name
        module = _core.module_name(self._function.__module__)
        return _rebuild, (self.func, module, self._options())

    def with_group(self, group: MemoizedGroup) -> Memoized[P, R]:
        """Returns the same function in another group, and leaves this one as it is."""
        made = Memoized(self.func, **self._options())
        made.group = group
        made._original = self._original or self
        return made

    def _options(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "name": self._given_name,
            "use_obj_store": self._use_obj_store,
            "use_metadata_size": self._use_metadata_size,
            "pickler": self._pickler,
            "extra_func_state": self._extra_func_state,
        }

    def __str__(self) -> str:
        """Shows the name."""
        return f"memoized {self.name}"


class BoundMemoized(Generic[P, R]):
    """A memoized function with its first argument."""

    def __init__(self, memoized: Memoized[..., R], instance: object) -> None:
        """Takes the function and the argument."""
        self.memoized = memoized
        self.instance = instance

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Returns the stored result, or calls the function."""
        return self.memoized(self.instance, *args, **kwargs)

    def would_hit(self, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401
        """Says whether a call would be answered; the instance may be named once more, as there."""
        return self.memoized.would_hit(*self._bound(args, kwargs), **kwargs)

    def call_if_cached(self, *args: Any, **kwargs: Any) -> R:  # noqa: ANN401
        """Returns the stored result, or raises `rememo.NotCached`."""
        return self.memoized.call_if_cached(*self._bound(args, kwargs), **kwargs)

    def clear_entry(self, *args: Any, **kwargs: Any) -> bool:  # noqa: ANN401
        """Removes the result of a call; whether there was one."""
        return self.memoized.clear_entry(*self._bound(args, kwargs), **kwargs)

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Puts the instance first, unless it is there and the call would not do with two of it."""
        with_instance = (self.instance, *args)
        if not args or args[0] is not self.instance:
            return with_instance
        import inspect

        signature = inspect.signature(self.memoized.func)
        try:
            signature.bind(*with_instance, **kwargs)
        except TypeError:
            return args
        return with_instance

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Finds everything else on the function."""
        return getattr(self.memoized, name)


def _rebuild(func: Any, module: str, options: dict[str, Any]) -> Memoized[..., Any]:  # noqa: ANN401
    if isinstance(func, FunctionType):
        arrived(func, module)
    return Memoized(func, **options)


def _regroup(module: str, name: str, group: MemoizedGroup) -> Memoized[..., Any]:
    found: Memoized[..., Any] = operator.attrgetter(name)(importlib.import_module(module))
    return found.with_group(group)


def _word(value: Any) -> Any:  # noqa: ANN401
    """What an argument counts as: what its class says in `__cache_key__` and `__cache_ver__`."""
    kind = cast("type[object]", type(value))
    key, version = getattr(kind, "__cache_key__", None), getattr(kind, "__cache_ver__", None)
    if key is None and version is None:
        return at_its_word(value)
    said = (kind, key(value) if key else value, version(value) if version else None)
    return _core.Frozen(said)


def _obj_key(key: str) -> int:
    return int(key[: BITS // 4] or "0", 16)


def _turn(memoized: Any, words: Any, *, recompute: bool) -> _core.Run:  # noqa: ANN401
    """Looks for a result, and waits while another makes the same call."""
    nap, end = FIRST_NAP, time.monotonic() + PATIENCE
    claiming = True
    while True:
        run = _core.begin(memoized, *words, recompute=recompute, claiming=claiming)
        if run.state != "busy":
            return run
        claiming = time.monotonic() < end
        time.sleep(nap)
        nap = min(2 * nap, LONGEST_NAP)
