"""The stores that are open in this process, and what is done with them when it ends."""

from __future__ import annotations

import os

from rememo import _core
from rememo.durability import durability_from_environment, flush_every_from_environment

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from rememo.access import Access

# A directory is opened once in a process, however many caches name it.
open_stores: dict[tuple[str, Access], _core.Store] = {}


def store_at(
    path: str,
    access: Access,
    room: _core.Room | None,
    durability: str | None = None,
    flush_every: float | None = None,
) -> _core.Store:
    """Returns the store of a directory, opening it if it is not open yet."""
    durability = durability_from_environment() if durability is None else durability
    flush_every = flush_every_from_environment() if flush_every is None else flush_every
    try:
        resolved = os.path.realpath(path)
    except (OSError, ValueError):
        # What cannot be resolved cannot be opened either, and opening it says why.
        resolved = path
    store = open_stores.get((resolved, access))
    if store is None:
        # By the name it was given: whoever could change a link in it counts as well.
        store = _core.Store(path, *access, room, durability, flush_every)
        if not open_stores:
            import atexit

            atexit.register(_note_uses)
        store = open_stores.setdefault((resolved, access), store)
    else:
        store.ask_for(durability, flush_every)
        if room is not None:
            store.ask_for_room(room)
    return store


def _note_uses() -> None:
    for store in open_stores.values():
        store.note_uses()
        if os.environ.get("REMEMO_REPORT", "0") not in {"", "0"}:
            _report(store)
        if path := os.environ.get("REMEMO_PERF_LOG"):
            _log_performance(store, path)


def _log_performance(store: _core.Store, path: str) -> None:
    import sys

    from rememo.accounts import append, stats_of

    try:
        append(path, store.path, stats_of(store, days=1))
    except OSError as error:
        # Too late for a warning.
        sys.stderr.write(f"rememo: REMEMO_PERF_LOG was not written: {error}\n")


def _report(store: _core.Store) -> None:
    import sys
    from contextlib import suppress

    from rememo.accounts import report, stats_of

    # A process that ends is not to be bothered with what is wrong with a directory.
    with suppress(OSError):
        sys.stderr.write(f"{store.path}, today, {report(stats_of(store, days=1))}\n")
