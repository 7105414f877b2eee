"""Numbers in arguments, rounded before anything else: like ones then are one call.

The function is given what is left of them. So whatever it returns is what it returns for just
those arguments, and does not depend on which of several calls came first.
"""

from __future__ import annotations

import sys

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FunctionType
    from typing import Any

# Bits of a code object's co_flags, named as in `inspect`, which is slow to import.
CO_VARARGS = 0x04
CO_VARKEYWORDS = 0x08
# In these, numbers are rounded.
_SEQUENCES = frozenset({list, tuple})
# More digits than any number has.
MOST_DIGITS = 400


class Rounding:
    """Rounds some of a function's arguments, each to so many digits after the point."""

    __slots__ = ("_by_name", "_digits", "_named", "_others", "_positions", "_rest")

    def __init__(self, func: FunctionType, digits: Mapping[str, int]) -> None:
        """Remembers which parameters are where.

        Raises:
            TypeError: if it is no mapping of names of parameters to whole numbers.
            ValueError: if such a number makes no sense.
        """
        code = func.__code__
        named = code.co_argcount + code.co_kwonlyargcount
        has_rest, has_others = code.co_flags & CO_VARARGS, code.co_flags & CO_VARKEYWORDS
        parameters = code.co_varnames[: named + bool(has_rest) + bool(has_others)]
        self._digits = _checked(digits, parameters, func.__qualname__)
        self._positions = [self._digits.get(name) for name in parameters[: code.co_argcount]]
        self._by_name = {
            name: self._digits[name]
            for name in parameters[code.co_posonlyargcount : named]
            if name in self._digits
        }
        self._rest = self._digits.get(parameters[named]) if has_rest else None
        self._others = self._digits.get(parameters[-1]) if has_others else None
        # What takes any other keyword takes the names of parameters that have none.
        self._named = frozenset(parameters[code.co_posonlyargcount : named])

    def __call__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any] | None
    ) -> tuple[tuple[Any, ...], dict[str, Any] | None]:
        """Returns arguments as the function is to see them."""
        positions, known = self._positions, len(self._positions)
        args = tuple(
            rounded(value, positions[at] if at < known else self._rest)
            for at, value in enumerate(args)
        )
        if kwargs:
            kwargs = {name: rounded(value, self._of(name)) for name, value in kwargs.items()}
        return args, kwargs

    def _of(self, name: str) -> int | None:
        return self._by_name.get(name) if name in self._named else self._others

    @property
    def digits(self) -> dict[str, int]:
        """What was said: names of parameters, and digits after the point."""
        return dict(self._digits)

    def __repr__(self) -> str:
        """Shows that, in one order."""
        return f"round_floats={dict(sorted(self._digits.items()))}"


def _checked(digits: object, parameters: tuple[str, ...], func: str) -> dict[str, int]:
    said: Any = digits
    if not isinstance(digits, dict):
        raise TypeError(
            "round_floats must say for each parameter how many digits to keep, as in "
            f'{{"x": 6}}, not {digits!r}'
        )
    checked: dict[str, int] = {}
    for name, kept in said.items():
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise TypeError(f"{func} has no parameter {name!r} to round; its parameters: {known}")
        if isinstance(kept, bool) or not isinstance(kept, int):
            raise TypeError(
                f"round_floats must say how many digits of {name!r} to keep after the point, as a "
                f"whole number, not {kept!r}"
            )
        if abs(kept) > MOST_DIGITS:
            raise ValueError(f"round_floats cannot keep {kept} digits of {name!r}")
        checked[name] = kept
    return checked


def rounded(value: Any, digits: int | None) -> Any:  # noqa: ANN401  a value of the same type
    """Returns a value with all numbers with a point in it rounded, and nothing else changed.

    In lists, tuples, dictionaries and arrays, too; those are copies then.

    >>> rounded(0.1 + 0.2, 6), rounded([1, 2.34567], 2), rounded(-0.0001, 2), rounded("1.5", 0)
    (0.3, [1, 2.35], 0.0, '1.5')
    """
    if digits is None:
        return value
    kind = _type(value)
    if kind is float:
        # A zero has no sign then.
        return round(value, digits) + 0.0
    if kind is complex:
        return complex(rounded(value.real, digits), rounded(value.imag, digits))
    inner: Any = value
    if kind in _SEQUENCES:
        return kind(rounded(one, digits) for one in inner)
    if kind is dict:
        return {name: rounded(one, digits) for name, one in inner.items()}
    return _rounded_array(value, digits)


def _type(value: object) -> Any:  # noqa: ANN401  type checkers would narrow by it
    return type(value)


def _rounded_array(value: Any, digits: int) -> Any:  # noqa: ANN401
    numpy: Any = sys.modules.get("numpy")
    is_array = numpy and (type(value) is numpy.ndarray or isinstance(value, numpy.inexact))
    if not is_array or value.dtype.kind not in "fc":
        return value
    return numpy.round(value, digits) + value.dtype.type(0)
