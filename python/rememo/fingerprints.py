"""Fingerprints of objects: what counts, what is inside, and where two objects differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FunctionType

    from rememo._core import FreezeConfig

T = TypeVar("T")

# Where `code_version` leaves the version; the walk looks for it there.
CODE_VERSION = "__code_version__"
SHOWN = 60


class Part(NamedTuple):
    """One part of an object: a function, class, global, value or library that it depends on."""

    kind: str
    name: str
    digest: str


class Difference(NamedTuple):
    """A place in two objects where they differ."""

    path: str
    """The way from the objects to the place, as in ``[0].weight``."""
    old: object
    new: object

    def __str__(self) -> str:
        """Shows the place and what is there in either object."""
        return f"object{self.path}: {_shortened(self.old)} became {_shortened(self.new)}"


class Scan(NamedTuple):
    """What a function uses, as far as its code tells."""

    names: tuple[str, ...]
    """Global names, with the attributes read from them in a row."""
    imports: tuple[str, ...]
    """Modules that the body imports."""
    reaches: tuple[str, ...]
    """The function itself, and every function and class it reaches."""
    impurities: tuple[Impurity, ...]
    """Sources of what arguments and code do not determine."""


class Impurity(NamedTuple):
    """A use of something that arguments and code do not determine."""

    user: str
    """The function that uses it."""
    name: str
    """What is used, as in ``time.time``."""
    kind: str
    """What it reaches: clock, random, environment, network and so on."""


def freeze_tree(obj: object, config: FreezeConfig | None = None) -> list[Part]:
    """Lists what `obj` depends on, itself first, in the order in which it is met.

    Raises:
        TypeError: if something in it has no fingerprint.

    >>> from rememo import freeze_tree
    >>> [part.kind for part in freeze_tree(abs)]
    ['argument', 'library']
    """
    return [Part(*part) for part in _core.parts(obj, config)]


def iterate_diffs(
    old: object, new: object, config: FreezeConfig | None = None
) -> Iterator[Difference]:
    """Yields the innermost places in which two objects differ.

    Raises:
        TypeError: if something in them has no fingerprint.

    >>> from rememo import iterate_diffs
    >>> [str(difference) for difference in iterate_diffs({"a": [1, 2]}, {"a": [1, 3]})]
    ["object['a'][1]: 2 became 3"]
    """
    pending: list[Difference] = [Difference("", old, new)]
    # Containers that were compared, kept alive so that their addresses stay theirs: what is shared,
    # or contains itself, is looked into once.
    compared: dict[tuple[int, int], Difference] = {}
    while pending:
        path, one, other = place = pending.pop()
        if _core.freeze(one, config) == _core.freeze(other, config):
            continue
        ours, theirs = _core.children(one, config), _core.children(other, config)
        matched = type(one) is type(other) and bool(ours) and bool(theirs)
        if not matched or [step for step, _ in ours or ()] != [step for step, _ in theirs or ()]:
            yield place
            continue
        if compared.setdefault((id(one), id(other)), place) is not place:
            continue
        inner = [
            Difference(path + step, mine, yours)
            for (step, mine), (_, yours) in zip(ours or (), theirs or (), strict=True)
            if _core.freeze(mine, config) != _core.freeze(yours, config)
        ]
        if not inner:
            yield place
        pending.extend(reversed(inner))


def summarize_diffs(old: object, new: object, config: FreezeConfig | None = None) -> str:
    """Says in lines of text where two objects differ; nothing where they do not.

    >>> from rememo import summarize_diffs
    >>> print(summarize_diffs([1, "a"], [2, "a"]))
    object[0]: 1 became 2
    """
    return "\n".join(map(str, iterate_diffs(old, new, config)))


def scan(function: FunctionType) -> Scan:
    """Tells which names a function uses, what it reaches, and what makes it impure.

    >>> import time
    >>> from rememo import scan
    >>> def stamp():
    ...     return time.time()
    >>> scan(stamp).impurities[0].name
    'time.time'
    """
    names, imports, reaches, impurities = _core.scan(function)
    return Scan(
        tuple(".".join(chain) for chain in names),
        tuple(imports),
        tuple(reaches),
        tuple(Impurity(*impurity) for impurity in impurities),
    )


def code_version(version: object) -> Callable[[T], T]:
    """Lets a version stand for the code of a function or class.

    Whatever the function is made of, and whatever it calls, counts no more: only the version.

    >>> from rememo import code_version
    >>> @code_version("1.0")
    ... def stable(x):
    ...     return x + 1
    """

    def mark(definition: T) -> T:
        setattr(definition, CODE_VERSION, version)
        return definition

    return mark


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
