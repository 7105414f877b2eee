"""Fingerprints with the predecessor's names.

The configuration has its fields; those that have no counterpart here are refused where they say
something. But for locks, nothing is left out by default.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from rememo import _core
from rememo import fingerprints as _fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

__all__ = [
    "Config",
    "FreezeError",
    "FreezeRecursionError",
    "ObjectLocation",
    "UnfreezableTypeError",
    "freeze",
    "global_config",
    "iterate_diffs",
    "summarize_diffs",
]


LOCKS = {
    ("_thread", "lock"),
    ("_thread", "RLock"),
    ("multiprocessing.synchronize", "Lock"),
    ("multiprocessing.synchronize", "RLock"),
}


class FreezeError(Exception):
    """Something has no fingerprint."""


class UnfreezableTypeError(FreezeError, NotImplementedError):
    """Something of its type has none."""


class FreezeRecursionError(FreezeError):
    """Never raised here: what contains itself has a fingerprint."""


@dataclass
class Config:
    """What counts."""

    recursion_limit: int | None = None
    """Accepted: there is no limit here."""
    ignore_attributes: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Attributes of instances that do not count: module, class and attribute."""
    ignore_objects_by_class: set[tuple[str, str]] = field(default_factory=LOCKS.copy)
    """Classes whose instances do not count: module and class. By default, those of locks."""
    ignore_dict_order: bool = False
    """Whether dictionaries of the same items in another order are the same."""
    ignore_classes: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])
    ignore_all_classes: bool = False
    ignore_objects_by_id: set[int] = field(default_factory=set[int])
    ignore_module_attrs: set[str] = field(default_factory=set[str])
    ignore_globals: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    ignore_nonlocals: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    ignore_functions: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    ignore_files: set[Any] = field(default_factory=set[Any])
    ignore_all_code: bool = False
    ignore_extensions: bool = True
    """Accepted: extensions count by their versions."""
    special_class_attributes: set[str] = field(default_factory=set[str])
    hasher: Callable[[bytes], int] | None = None
    """Makes the number of the bytes of a fingerprint; by default, it is their first bits."""
    use_hash: bool = True
    """Whether a fingerprint is a number; else it is text."""
    hash_length: int = 64
    """Bits of the number: up to 256."""
    log_width: int = 250
    """Accepted, and of no consequence."""
    memo: dict[int, Any] = field(default_factory=dict[int, Any])
    """Accepted, and always empty: nothing that was changed is remembered as it was."""

    def __setattr__(self, name: str, value: object) -> None:
        """Sets a field, and nothing else."""
        if name not in {one.name for one in fields(Config)}:
            raise AttributeError(f"Config has no field {name!r}")
        object.__setattr__(self, name, value)

    def to_rememo(self) -> _core.FreezeConfig:
        """Returns what it comes to.

        Raises:
            ValueError: if it asks for what there is not.
        """
        for name, instead in _UNKNOWN.items():
            if getattr(self, name):
                raise ValueError(f"Config.{name} has no counterpart in Rememo: {instead}")
        return _core.FreezeConfig(
            ignore_attributes=[".".join(one) for one in sorted(self.ignore_attributes)],
            ignore_classes=[".".join(one) for one in sorted(self.ignore_objects_by_class)],
            dict_order=not self.ignore_dict_order,
        )


_MARK = "mark what reads it with rememo.code_version"
_MARK_CLASS = "mark a class whose definition does not count with rememo.code_version"
_UNKNOWN = {
    "ignore_classes": _MARK_CLASS,
    "ignore_all_classes": _MARK_CLASS,
    "ignore_objects_by_id": "say ignore_objects_by_class, or wrap an argument in rememo.Ignore",
    "ignore_module_attrs": _MARK,
    "special_class_attributes": _MARK_CLASS,
    "ignore_globals": _MARK,
    "ignore_nonlocals": _MARK,
    "ignore_functions": "mark them with rememo.code_version",
    "ignore_files": "say by_version= of their modules in a rememo.FreezeConfig",
    "ignore_all_code": "mark the function with rememo.code_version",
}
global_config = Config()


def freeze(obj: object, config: Config | None = None) -> Hashable:
    """Returns the fingerprint of an object: a number, or text with ``use_hash=False``.

    Raises:
        UnfreezableTypeError: if something in it has none.
        ValueError: if the configuration asks for what there is not.

    >>> from rememo.compat.charmonium.freeze import freeze
    >>> freeze([1, 2]) == freeze([1, 2]), freeze([1, 2]) == freeze([2, 1])
    (True, False)
    """
    config = config or global_config
    digest = digest_of(obj, config)
    if not config.use_hash:
        return digest
    if config.hasher:
        return config.hasher(bytes.fromhex(digest))
    return int(digest, 16) >> (256 - config.hash_length)


def digest_of(obj: object, config: Config) -> str:
    """Returns the whole fingerprint of an object, as text.

    Raises:
        UnfreezableTypeError: if something in it has none.
        ValueError: if the configuration asks for what there is not.
    """
    try:
        return _core.freeze(obj, config.to_rememo())
    except TypeError as error:
        raise UnfreezableTypeError(str(error)) from error


@dataclass
class ObjectLocation:
    """A place within an object."""

    labels: tuple[str, ...]
    """What it is called: the object, and the way to the place."""
    objects: tuple[object, ...]
    """The value that is there, last."""

    @staticmethod
    def create(label: int, obj: object) -> ObjectLocation:
        """Returns the whole of an object, which is called by a number."""
        return ObjectLocation((f"obj{label}",), (obj,))

    def append(self, label: str, obj: object) -> ObjectLocation:
        """Returns a place within this one."""
        return ObjectLocation((*self.labels, label), (*self.objects, obj))

    @property
    def tail(self) -> object:
        """The value that is there."""
        return self.objects[-1]


def iterate_diffs(
    obj0: object, obj1: object, config: Config | None = None
) -> Iterator[tuple[ObjectLocation, ObjectLocation]]:
    """Yields the places in which two objects differ.

    Raises:
        UnfreezableTypeError: if something in them has no fingerprint.
    """
    found = _fingerprints.iterate_diffs(obj0, obj1, (config or global_config).to_rememo())
    while True:
        try:
            place = next(found)
        except StopIteration:
            return
        except TypeError as error:
            raise UnfreezableTypeError(str(error)) from error
        yield (
            ObjectLocation.create(0, obj0).append(place.path, place.old),
            ObjectLocation.create(1, obj1).append(place.path, place.new),
        )


def summarize_diffs(obj0: object, obj1: object, config: Config | None = None) -> str:
    """Says where two objects differ.

    Raises:
        UnfreezableTypeError: if something in them has no fingerprint.

    >>> from rememo.compat.charmonium.freeze import summarize_diffs
    >>> print(summarize_diffs([1, 2], [1, 3]))
    obj0[1] == 2
    obj1[1] == 3
    """
    lines = [
        f"{''.join(place.labels)} == {place.tail!r}"
        for both in iterate_diffs(obj0, obj1, config)
        for place in both
    ]
    return "\n".join(lines) or "no differences"
