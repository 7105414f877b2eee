"""What edits will have computed again: what the command asks Python.

Modules are imported, but no memoized function is called: a module that calls one while it is
imported is refused.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any, TypedDict, cast

from rememo import _core


class Found(TypedDict, total=False):
    """What was found of a function."""

    function: str
    why_not: str
    current: tuple[int, float]
    last: tuple[int, float]
    changes: list[dict[str, str | None]]
    proposed: str


class UnseenError(Exception):
    """A function cannot be looked at; the message says why."""


def look_at(function: str, old: str | None = None) -> Found:
    """Returns what is stored of a function, or of one state of it, beside its code as it is."""
    try:
        memoized, is_method = memoized_named(function)
        _, current, last, changes = _core.impact(memoized)
        proposed = _core.proposed(memoized, old).hex()
    except (UnseenError, TypeError, OSError) as error:
        return {"function": function, "why_not": str(error)}
    if is_method and current[0]:
        why = "its code is as it was, but its class counts with the instance, which only a call has"
        return {"function": function, "why_not": why, "last": current, "proposed": proposed}
    told = [{name: getattr(change, name) for name in _PARTS} for change in changes]
    found: Found = {"function": function, "current": current, "last": last}
    return {**found, "changes": told, "proposed": proposed}


_PARTS = ("kind", "name", "old", "new", "old_source", "new_source", "old_details", "new_details")


def memoized_named(function: str) -> tuple[_core.Memoized[..., Any], bool]:
    """Returns the memoized function of that name, and whether it is called with an instance.

    Raises ``UnseenError`` if there is none.
    """
    if "<" in function:
        why = "it is made anew whenever other code runs"
        raise UnseenError(why)
    words = function.split(".")
    for length in range(len(words) - 1, 0, -1):
        name = ".".join(words[:length])
        module = _imported(name)
        if module is not None:
            return _attribute(module, words[length:])
    why = f"there is no module {words[0]!r} to be imported from {Path.cwd()}"
    raise UnseenError(why)


def _imported(name: str) -> object | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        why = f"{name} cannot be imported: {error}"
        raise UnseenError(why) from error
    # Whatever a module does while it is imported, even if it ends the program.
    except (Exception, SystemExit) as error:
        why = f"{name} cannot be imported: {type(error).__name__}: {error}"
        raise UnseenError(why) from error


def _attribute(module: object, path: list[str]) -> tuple[_core.Memoized[..., Any], bool]:
    found: Any = module
    owner: object = None
    for name in path:
        owner = found
        try:
            found = inspect.getattr_static(found, name)
        except AttributeError as error:
            why = "it is not there any more"
            raise UnseenError(why) from error
    is_method = isinstance(owner, type) and not isinstance(found, (staticmethod, classmethod))
    while not isinstance(found, _core.Memoized):
        inner = _inside(found)
        if inner is None:
            why = "it is not memoized any more"
            raise UnseenError(why)
        found = inner
    return cast("_core.Memoized[..., Any]", found), is_method


def _inside(found: Any) -> Any:  # noqa: ANN401  whatever wraps a function
    """Returns what a property, a static or class method, or another decorator is around."""
    for name in ("__func__", "fget", "func", "__wrapped__"):
        inner = inspect.getattr_static(found, name, None)
        if inner is not None and not isinstance(found, type):
            return getattr(found, name)
    return None


def main() -> None:
    """Reads names of functions from standard input, and writes what was found into a file.

    After the file, the command line may name the state of a function that results are of.
    """
    output, *old = sys.argv[1:]
    functions = json.load(sys.stdin)
    # As programs have them.
    sys.argv[1:] = []
    _core.refuse_calls()
    found = [look_at(function, *old) for function in functions]
    Path(output).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
