from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from os import PathLike
from types import CodeType, FunctionType, ModuleType
from typing import (
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeAlias,
    TypeVar,
    final,
    overload,
)

from rememo.acceptances import Acceptance
from rememo.effects import Tape
from rememo.explain import Change, Explanation
from rememo.info import CacheInfo, Entry
from rememo.methods import BoundMemoized
from rememo.rounding import Rounding
from rememo.shelved import Held, Shelved
from rememo.ttl import TTLInterval

__all__ = [
    "Care",
    "FreezeConfig",
    "Frozen",
    "Ignore",
    "Memoized",
    "Retention",
    "Room",
    "Run",
    "Store",
    "__version__",
    "accept",
    "after_fork_in_child",
    "after_fork_in_parent",
    "arguments_are_read",
    "before_fork",
    "begin",
    "bytes_to_read",
    "children",
    "digest_of_contents",
    "end_all",
    "end_epoch",
    "end_worker",
    "expect_to_be_ended",
    "figure_is_made",
    "figure_is_used",
    "freeze",
    "holds",
    "impact",
    "is_of_library",
    "is_recording",
    "module_is_asked_for",
    "module_name",
    "name_is_reached",
    "name_main",
    "nanoseconds",
    "parts",
    "proposed",
    "refuse_calls",
    "register",
    "scan",
    "settings_are_read",
    "settings_are_set",
    "settle_all",
    "subscribe",
    "switch_off",
    "switch_on_again",
    "tapes",
    "time_to_read",
    "track",
    "unsubscribe",
    "variable_is_reached",
]

__version__: str

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_R = TypeVar("_R")
_T = TypeVar("_T")
# Where mypy reads this, it takes it for true.
MYPY: Literal[False] = False
_Results: TypeAlias = Literal["copy", "view"]
_Watch: TypeAlias = Literal["content", "mtime", "off"]
# What it is known by, the function, seconds of Unix time, why, and what changed.
_Acceptance: TypeAlias = tuple[str, str, float, str, tuple[Change, ...]]
_PathT = TypeVar("_PathT", bound=str | bytes | PathLike[Any])
_Self = TypeVar("_Self")

@final
class Store:
    # Opens the directory, making it if need be. For the others see `rememo.access.Access`.
    def __new__(
        cls,
        dir: str,  # noqa: A002
        trust_owner: int | bool,
        shared: bool,
        read_only: bool = False,
        room: Room | None = None,
        durability: str | None = None,
        flush_every: float | None = None,
    ) -> Store: ...
    # Keeps nothing, and reports why as an event.
    @staticmethod
    def unusable(why: str) -> Store: ...
    # Keeps nothing, as asked.
    @staticmethod
    def off(why: str) -> Store: ...
    @property
    def path(self) -> str: ...
    # It is opened again on the next use.
    def close(self) -> None: ...
    # For good, or until a store is opened on the directory again.
    def retire(self) -> None: ...
    def ask_for_room(self, room: Room) -> None: ...
    # The most bytes and files, the policy, then entries, bytes and files as they are.
    def room(self) -> tuple[int, int, str, int, int, int]: ...
    # The most bytes and files, then bytes and files as they are in the index.
    def fullness(self) -> tuple[int, int, int, int]: ...
    # The bytes that so much room is, on this disk.
    def bytes_of(self, room: Room) -> int: ...
    # What may go, oldest first: call key, function, bytes, seconds that it takes to have it again,
    # uses.
    def candidates(self) -> list[tuple[str, str, int, float, int]]: ...
    # Lets go of what is stored under call keys, unless it is pinned; how many results went. All
    # four raise OSError if the store cannot be used.
    def evict(self, keys: list[str]) -> int: ...
    # Lets go of results until they take no more than that; how many went.
    def reduce_to(self, room: Room) -> int: ...
    # For each function and day its identity, the number of the day, and counts by name.
    def stats(self, days_before: int) -> list[tuple[str, int, dict[str, Any]]]: ...
    # The last calls that were not answered, the latest first: function, seconds of Unix time, how
    # many such in a row, reason, what else there is to say, changes, and how many more of them.
    def last_misses(
        self, function: str | None
    ) -> list[tuple[str, float, int, str, str, tuple[Change, ...], int]]: ...
    # Changes of code that were accepted, the latest first; whether there was one to take back.
    def acceptances(self) -> list[_Acceptance]: ...
    def revoke(self, known_as: str) -> bool: ...
    # How many calls were answered in this process, and the seconds that computing them took.
    def answered(self, function: str) -> tuple[int, float]: ...
    def reset_stats(self, function: str | None) -> None: ...
    # And what else happened.
    def note_uses(self) -> None: ...
    def clear(self, tag: str | None) -> int: ...
    # Entries; those that cannot be read, are damaged, or lost their results; wrong counts; files
    # that nothing refers to, and their bytes; whether what was wrong was mended. OSError if the
    # store cannot be used.
    def verify(self, repair: bool) -> tuple[int, int, int, int, int, int, int, bool]: ...
    # How many there were. OSError as above.
    def remove_orphans(self) -> int: ...
    # Gives back the room that is free in the index; how many bytes.
    def compact(self) -> int: ...
    # The newest entry under a call key, and the result that it holds, alone in a tuple. None where
    # there is none, or where the result cannot be read any more.
    def entry(self, key: str) -> Entry | None: ...
    def value(self, key: str, as_view: bool) -> tuple[Any] | None: ...
    def remove(self, key: str) -> bool: ...
    # The call key of each entry and when it was stored, in seconds of Unix time, oldest first.
    def by_age(self) -> list[tuple[str, float]]: ...
    # The most that is asked for in a process counts.
    def ask_for(self, durability: str | None = None, flush_every: float | None = None) -> None: ...
    # Both raise OSError where that cannot be done.
    def commit(self) -> None: ...
    def refresh(self) -> None: ...

# How much room a store is asked to take at most; nothing is asked for by leaving it out.
@final
class Room:
    def __new__(
        cls,
        *,
        max_size: str | int | None = None,
        max_files: int | None = None,
        policy: str | None = None,
        superseded: str | None = None,
    ) -> Room: ...

# How results of a function are kept.
@final
class Retention:
    def __new__(
        cls,
        *,
        pinned: bool = False,
        tag: str | None = None,
        max_result_size: str | int | None = None,
        min_compute_time: str | float | timedelta | None = None,
        results: _Results = "copy",
        ttl: str | float | timedelta | TTLInterval | None = None,
        verify: float = 0.0,
        auto_disable: bool = False,
        cache_exceptions: type[Exception] | tuple[type[Exception], ...] | None = None,
    ) -> Retention: ...
    @property
    def verify(self) -> float: ...
    @property
    def cache_exceptions(self) -> tuple[type[Exception], ...] | None: ...
    @property
    def results(self) -> _Results: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, object]]: ...

# Bytes, and seconds, for people to read.
def bytes_to_read(bytes: int) -> str: ...  # noqa: A002
def time_to_read(seconds: float) -> str: ...

# A duration; `name` is what it is called where it makes no sense.
def nanoseconds(name: str, time: str | float | timedelta) -> int: ...

# What takes down what is written and logged here; whether anything is noted here.
def tapes() -> list[Tape]: ...
def is_recording() -> bool: ...

# The digest of what a file holds, in hexadecimal, or of all files of a directory; None if there
# is none.
def digest_of_contents(path: str | bytes | PathLike[Any]) -> str | None: ...

# Whether that is the digest of a file's contents, and these are its permissions.
def holds(path: str | bytes | PathLike[Any], digest: str, mode: int) -> bool: ...

# Says that what is memoized and running depends on a file, or on all files of a directory.
def track(path: _PathT, /) -> _PathT: ...

# How closely a function is watched, and what it may do for all that.
@final
class Care:
    def __new__(
        cls,
        *,
        watch: _Watch = ...,
        allow: Iterable[str] | None = None,
        assume_pure: bool = False,
        strict: bool = False,
        depends: list[tuple[str, Any]] = ...,
        effects: Iterable[str] | None = None,
        # Its `begin()` is called before each run, and what that returns is asked afterwards: its
        # `objection(function, args, kwargs, result)` says why the result is not to be kept.
        overseer: object = None,
    ) -> Care: ...
    @property
    def effects(self) -> list[str]: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, object]]: ...

@final
class Memoized(Generic[_P, _R]):
    # `cache_resolver` is asked on every call for the store to use, so it must be quick.
    def __new__(
        cls,
        func: Callable[_P, _R],
        cache_resolver: Callable[[], Store],
        *,
        ignore: Sequence[str] = ...,
        version: object = None,
        freeze: FreezeConfig | None = None,
        # A module with `start` and `hand_back`, for functions whose result comes later.
        front: ModuleType | None = None,
        retention: Retention | None = None,
        care: Care | None = None,
        rounding: Rounding | None = None,
        # What `cache_parameters` tells.
        parameters: dict[str, object] | None = None,
    ) -> Memoized[_P, _R]: ...
    __wrapped__: Callable[_P, _R]
    @property
    def semantics(self) -> tuple[list[str], object, str]: ...
    @property
    def declared_version(self) -> object: ...
    @property
    def care(self) -> Care: ...
    @property
    def ttl(self) -> str | None: ...
    @property
    def rounding(self) -> Rounding | None: ...
    @property
    def resolver(self) -> Callable[[], Store]: ...
    @property
    def freeze_config(self) -> FreezeConfig: ...
    @property
    def retention(self) -> Retention: ...
    __name__: str
    __qualname__: str
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    # As a method, it takes the instance for its first argument; below @classmethod the class, for
    # which checkers ask here as well.
    if MYPY:  # noqa: PYI002  checkers see different things
        # It does not see what the first parameter takes, so arguments are not checked here.
        @overload
        def __get__(self, instance: None, owner: type | None = None, /) -> Memoized[..., _R]: ...
    else:
        @overload
        def __get__(
            self: Memoized[Concatenate[type[_Self], _Q], _R],
            instance: _Self | None,
            owner: type[_Self],
            /,
        ) -> BoundMemoized[_Q, _R]: ...
        @overload
        def __get__(self, instance: None, owner: type | None = None, /) -> Memoized[_P, _R]: ...
    @overload
    def __get__(
        self: Memoized[Concatenate[_Self, _Q], _R], instance: _Self, owner: type | None = None, /
    ) -> BoundMemoized[_Q, _R]: ...
    # Runs the function whatever is stored, and stores the result.
    def call(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    # Raises NotCached where there is no stored result.
    def call_if_cached(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    # Makes the call, and returns a handle of its result: where it is stored, or holding it.
    def call_and_shelve(self, *args: _P.args, **kwargs: _P.kwargs) -> Shelved[_R] | Held[_R]: ...
    def would_hit(self, *args: _P.args, **kwargs: _P.kwargs) -> bool: ...
    def explain(self, *args: _P.args, **kwargs: _P.kwargs) -> Explanation: ...
    # Has results of older code answer for the code as it is, which must differ from it in nothing
    # but code: of the latest such state, or of the one that a result was made by whose key begins
    # as `entry`. ValueError where there is no such state.
    def accept(self, reason: str, *, entry: str | None = None) -> Acceptance: ...
    # What would answer the call; None where nothing would.
    def entry(self, *args: _P.args, **kwargs: _P.kwargs) -> Entry | None: ...
    # Says whether there was an entry to remove.
    def clear_entry(self, *args: _P.args, **kwargs: _P.kwargs) -> bool: ...
    def cache_clear(self) -> None: ...
    # What `functools.lru_cache` would be told: `maxsize` and `typed`.
    def cache_parameters(self) -> dict[str, Any]: ...
    # What notebooks show.
    def _repr_html_(self) -> str: ...
    def cache_info(self) -> CacheInfo: ...

# One call that Python code makes itself, step by step.
@final
class Run:
    # What to do: "answered": take `value`; "missed": make the call, then say what became of it;
    # "plain": make the call, and no more; "busy": wait, for somebody else makes the call.
    @property
    def state(self) -> Literal["answered", "missed", "plain", "busy"]: ...
    @property
    def value(self) -> Any: ...  # noqa: ANN401  as the function returns
    @property
    def key(self) -> str | None: ...
    # Makes the call, past the store.
    def call(self) -> Any: ...  # noqa: ANN401
    # Does one step of the call, and notes what that looks at.
    def step(self, work: Callable[[], _T]) -> _T: ...
    # Keeps the result; whether it was stored.
    def finish(self, value: object, seconds: float) -> bool: ...
    # Stores nothing, and tells why.
    def give_up(self, why: str) -> None: ...
    # Stores nothing. Does nothing after one of the other two.
    def abandon(self) -> None: ...

# Looks for the result of a call, without waiting for anybody. With `claiming`, nobody else makes
# the call until the end of this one.
def begin(
    memoized: Memoized[..., Any],
    args: tuple[object, ...],
    kwargs: dict[str, object] | None,
    *,
    recompute: bool,
    claiming: bool,
) -> Run: ...

# Switches memoization off in the whole process, until it is switched on again as often.
def switch_off() -> None: ...
def switch_on_again() -> None: ...

# From now on, calls of memoized functions raise RuntimeError in this process.
def refuse_calls() -> None: ...

# What counts, where it is not what it seems; module names also stand for what is within.
@final
class FreezeConfig:
    def __new__(
        cls,
        *,
        # Modules of one's own that count by their version.
        by_version: Sequence[str] = ...,
        # Modules of libraries that count by what they contain, as one's own do.
        by_content: Sequence[str] = ...,
        # Libraries whose files are looked at too, once in a process.
        deep: Sequence[str] = ...,
        # Attributes of instances, and of classes, that do not count, as "module.Class.attribute".
        ignore_attributes: Sequence[str] = ...,
        # Classes whose instances do not count, as "module.Class".
        ignore_classes: Sequence[str] = ...,
        # Files and directories whose code does not count; "*" for all.
        ignore_code: Sequence[str | PathLike[str]] = ...,
        # What counts by its name alone: "function module.name", "class module.Name",
        # "global module.NAME" or "closure module.function.<closure variable>".
        by_name: Sequence[str] = ...,
        # Whether the order of the items of a dict counts.
        dict_order: bool = True,
    ) -> FreezeConfig: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...

# An argument that does not count; the function sees the value. To a type checker it may be
# anything, for it stands in the place of the value.
@final
class Ignore(Generic[_T]):
    def __new__(cls, value: _T) -> Any: ...  # noqa: ANN401
    @property
    def value(self) -> _T: ...

# An argument promised not to change: fingerprinted once; the function sees the value.
@final
class Frozen(Generic[_T]):
    def __new__(cls, value: _T) -> Any: ...  # noqa: ANN401
    @property
    def value(self) -> _T: ...

# All of these raise TypeError for what has no fingerprint.
def freeze(obj: object, config: FreezeConfig | None = None) -> str: ...
def parts(obj: object, config: FreezeConfig | None = None) -> list[tuple[str, str, str]]: ...
def children(
    obj: object, config: FreezeConfig | None = None
) -> list[tuple[str, object]] | None: ...
def module_name(module: str) -> str: ...

# From now on, `__main__` goes by that name, where it is but a library's that starts workers.
def name_main(name: str) -> None: ...

# The function's name; how many stored results its code as it is made, and the seconds they took;
# the same for the code that was the last to store anything; what changed since.
def impact(
    memoized: Memoized[..., Any],
) -> tuple[str, tuple[int, float], tuple[int, float], tuple[Change, ...]]: ...

# What there is to accept, for the command to read.
def proposed(memoized: Memoized[..., Any], old: str | None = None) -> bytes: ...
def accept(memoized: Memoized[..., Any], reason: str, entry: str | None = None) -> _Acceptance: ...
def scan(
    function: FunctionType,
) -> tuple[list[list[str]], list[str], list[str], list[tuple[str, str, str]]]: ...

# What `freeze` returns for an instance of the type is what counts of it; another version makes
# what was stored under the old one miss. Raises TypeError if `freeze` cannot be called.
def register(
    type_or_name: type[_T] | str, /, freeze: Callable[[_T], object], *, version: str = ...
) -> None: ...

# An event is a dict with at least "event" and "function"; "event" is one of hit, miss, stored,
# not_stored, bypassed, evicted, verified, switched_off, thrashing, invalidated, orphans_removed,
# adopted, compacted, caution and degraded, and, for those who name it, bounded. The
# result is a token for `unsubscribe`.
# "stored" is told of on a thread of its own.
# With `names`, only of these; with `logged`, only while the logger `rememo.ops` is switched on.
def subscribe(
    callback: Callable[[dict[str, Any]], object],
    names: Sequence[str] | None = None,
    *,
    logged: bool = False,
) -> int: ...
def unsubscribe(token: int) -> None: ...

# What `rememo.command_line` hears of.
def arguments_are_read() -> None: ...

# Something is reached by a name that the code does not say: a module, which is there or not, or
# what a module holds.
def module_is_asked_for(name: str, package: str | None, is_there: bool) -> None: ...
def name_is_reached(module: str, name: str) -> None: ...
def variable_is_reached(variables: dict[str, Any], name: str) -> None: ...
def is_of_library(code: CodeType) -> bool: ...

# What `rememo.pyplot` hears of. Figures have numbers in the order in which they are made; without
# one, it is asked which is current.
def figure_is_made() -> int: ...
def figure_is_used(number: int | None) -> None: ...
def settings_are_read() -> None: ...
def settings_are_set() -> None: ...

# Functions come to keep their results elsewhere, or a store is closed.
def end_epoch() -> None: ...

# Wait until all results so far, of all stores, are written. After `end_all` every call that stores
# waits until its own result is.
def settle_all() -> None: ...
def end_all() -> None: ...

# The same in a worker that is about to end, and writes what was counted.
def end_worker() -> None: ...

# Calls that took long wait, in this process, until their results are written.
def expect_to_be_ended() -> None: ...
def before_fork() -> None: ...
def after_fork_in_parent() -> None: ...
def after_fork_in_child() -> None: ...
