"""Caches and memoized functions as notebooks show them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rememo.cache import Cache


def of_function(memoized: _core.Memoized[..., Any]) -> str:
    """Shows a memoized function: what became of its calls, and where it keeps results."""
    function = memoized.__wrapped__
    name = f"{_core.module_name(function.__module__)}.{function.__qualname__}"
    info = memoized.cache_info()
    store = memoized.resolver()
    rows = [
        ("hits in this process", f"{info.hits:,}"),
        ("misses in this process", f"{info.misses:,}"),
        ("stored results", f"{info.entries:,}"),
        ("kept in", store.path or "nothing is kept"),
    ]
    ignore, _, watch = memoized.semantics
    version = memoized.declared_version
    if ignore:
        rows.append(("does not count", ", ".join(ignore)))
    if version is not None:
        rows.append(("version", repr(version)))
    if watch != "content":
        rows.append(("watch", watch))
    return _table(f"memoized function {name}", rows)


def of_cache(cache: Cache) -> str:
    """Shows a cache: what it takes, and what it saved, by function."""
    try:
        rows = [("kept in", str(cache.path)), ("takes", str(cache.usage()))]
        rows += [(name, str(stats)) for name, stats in cache.stats().items()]
    except (OSError, RuntimeError) as error:
        rows = [("kept in", str(cache.path)), ("cannot be used", str(error))]
    return _table("cache", rows)


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table><caption>{escape(title)}</caption>{lines}</table>"
