"""Memoized functions whose module IPython's ``%autoreload`` has read again after an edit.

It changes functions and classes in place: those who imported them by name have the new ones.
What else a module holds it leaves as it was: whoever imported a memoized function by name would go
on with the old code, and with results that were right for that.
"""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    from collections.abc import Callable

EXTENSION = "IPython.extensions.autoreload"

# By what took their place, those that may still be held somewhere: by a bound method, say.
_replaced: WeakKeyDictionary[Any, list[ref[Any]]] = WeakKeyDictionary()


def join(extension: Any) -> None:  # noqa: ANN401  IPython is not imported here
    """Gives the extension, a module, a rule of ours; once, however often it is asked."""
    rules = extension.UPDATE_RULES
    if not any(update is _replace for _, update in rules):
        rules.append((_concerns, _replace))


def _concerns(old: object, new: object) -> bool:
    """Whether one of two that go by one name is a function that is memoized."""
    kinds = [_is_memoized(one) for one in (old, new)]
    return any(kinds) and all(
        kind or isinstance(one, FunctionType) for kind, one in zip(kinds, (old, new), strict=True)
    )


def _is_memoized(one: object) -> bool:
    # The class of whatever `rememo.compat` makes is a package's own, too.
    return type(one).__module__.partition(".")[0] == "rememo" and hasattr(one, "__wrapped__")


def _replace(old: object, new: object) -> None:
    """Puts the new one where the old one is, and has the old one do what the new one does.

    Options are those of the old one where it stays: in a tuple, a closure or a slot.
    """
    holders: list[Any] = gc.get_referrers(old)
    for holder in holders:
        replace = _REPLACE.get(holder.__class__)
        if replace:
            replace(holder, old, new)
    before = [one for one in (old, *(past() for past in _replaced.pop(old, ()))) if one is not None]
    _replaced[new] = [ref(one) for one in before]
    for one in before:
        # What it is made of has to fit: as many variables of functions around it.
        with suppress(AttributeError, TypeError, ValueError):
            sys.modules[EXTENSION].update_function(_plain(one), _plain(new))


def _replace_item(holder: list[Any], old: object, new: object) -> None:
    holder[:] = [new if one is old else one for one in holder]


def _replace_value(holder: dict[Any, Any], old: object, new: object) -> None:
    for name in [name for name, one in holder.items() if one is old]:
        # The namespace of a class is changed through the class, which has to know.
        kinds = [one for one in gc.get_referrers(holder) if isinstance(one, type)]
        owners = [kind for kind in kinds if vars(kind).get(name) is old]
        if owners:
            setattr(owners[0], name, new)
        else:
            holder[name] = new


_REPLACE: dict[type, Callable[[Any, object, object], None]] = {
    list: _replace_item,
    dict: _replace_value,
}


def _plain(one: Any) -> Any:  # noqa: ANN401  a function, memoized or not
    while _is_memoized(one):
        one = one.__wrapped__
    return one
