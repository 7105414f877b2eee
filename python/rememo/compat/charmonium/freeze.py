"""Fingerprints with the predecessor's names.

The configuration has its fields, and they do what they do there; the few that have no counterpart
here are refused where they say something. But for locks, nothing is left out by default.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from rememo import _core
from rememo import fingerprints as _fingerprints

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

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


# What modules say of themselves, and classes of theirs, that does not count there.
MODULE_ATTRIBUTES = {
    "__builtins__",
    "__cached__",
    "__doc__",
    "__file__",
    "__loader__",
    "__spec__",
}
CLASS_ATTRIBUTES = {
    "__annotations__",
    "__dict__",
    "__doc__",
    "__hash__",
    "__module__",
    "__mro_entries__",
    "__orig_bases__",
    "__parameters__",
    "__slotnames__",
    "__slots__",
    "__weakref__",
}
STANDARD_MODULES = {*sys.stdlib_module_names, *sys.builtin_module_names}


@dataclass
class Config:
    """What counts.

    Definitions are named by module and name, wherever in the module they are.
    """

    recursion_limit: int | None = None
    """Accepted: there is no limit here."""
    ignore_attributes: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    """Attributes of instances and classes that do not count: module, class and attribute."""
    ignore_objects_by_class: set[tuple[str, str]] = field(default_factory=LOCKS.copy)
    """Classes whose instances do not count: module and class. By default, those of locks."""
    ignore_dict_order: bool = False
    """Whether dictionaries of the same items in another order are the same."""
    ignore_classes: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])
    """Classes that count by their names: module and class, or None for all of the module."""
    ignore_all_classes: bool = False
    """Whether all classes count by their names."""
    ignore_functions: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Functions that count by their names: module and function."""
    ignore_globals: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Globals whose values do not count: module and variable."""
    ignore_nonlocals: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Variables of enclosing functions whose values do not count: module and variable."""
    ignore_files: set[Any] = field(default_factory=set[Any])
    """Files, and directories, of functions whose code does not count; what these use does."""
    ignore_all_code: bool = False
    """Whether no code counts."""
    use_version_exceptions: set[str] = field(default_factory=set[str])
    """Libraries that count by what they contain, and not by their versions."""
    ignore_objects_by_id: set[int] = field(default_factory=set[int])
    ignore_module_attrs: set[str] = field(default_factory=MODULE_ATTRIBUTES.copy)
    special_class_attributes: set[str] = field(default_factory=CLASS_ATTRIBUTES.copy)
    stdlib_modules: set[str] = field(default_factory=STANDARD_MODULES.copy)
    use_version: bool = True
    ignore_extensions: bool = True
    """Accepted: extensions count by their versions."""
    assume_purity: bool = True
    """Accepted: what functions use from outside counts always."""
    override_impure_modules: set[str] = field(default_factory=lambda: {"random"})
    """Accepted, as the other."""
    override_pure_modules: set[str] = field(
        default_factory=lambda: {"re", "urllib.parse", "charmonium.freeze"}
    )
    """Accepted, as the other."""
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

    @property
    def assume_impurity(self) -> bool:
        """The opposite of `assume_purity`."""
        return not self.assume_purity

    def to_rememo(self) -> _core.FreezeConfig:
        """Returns what it comes to.

        Raises:
            ValueError: if it asks for what there is not.
        """
        refused: dict[str, set[Any]] = {
            "ignore_objects_by_id": self.ignore_objects_by_id,
            "ignore_module_attrs": self.ignore_module_attrs - MODULE_ATTRIBUTES,
            "special_class_attributes": self.special_class_attributes - CLASS_ATTRIBUTES,
            "stdlib_modules": self.stdlib_modules - STANDARD_MODULES,
            "use_version": set() if self.use_version else {False},
        }
        for name, asked in refused.items():
            if asked:
                what = f"Config.{name} with {min(map(repr, asked))}"
                raise ValueError(f"{what} has no counterpart in Rememo: {_INSTEAD[name]}")
        classes = {pair for pair in self.ignore_classes if pair[1] is not None}
        modules = self.ignore_classes - classes
        closures = {(module, f"<closure {name}>") for module, name in self.ignore_nonlocals}
        everything = ["class *"] if self.ignore_all_classes else []
        files = sorted(map(os.fspath, self.ignore_files))
        return _core.FreezeConfig(
            by_content=sorted(self.use_version_exceptions),
            ignore_attributes=_named(self.ignore_attributes),
            ignore_classes=_named(self.ignore_objects_by_class),
            ignore_code=["*"] if self.ignore_all_code else files,
            by_name=[
                *(f"class {name}" for name in _named(classes)),
                *(f"class {module}.*" for module, _ in sorted(modules, key=str)),
                *everything,
                *(f"function {name}" for name in _named(self.ignore_functions)),
                *(f"global {module}.{name}" for module, name in sorted(self.ignore_globals)),
                *(f"closure {name}" for name in _named(closures)),
            ],
            dict_order=not self.ignore_dict_order,
        )


def _named(names: Iterable[tuple[str | None, ...]]) -> list[str]:
    """Returns patterns of what has one of the names in its module, on top or within something."""
    patterns: list[str] = []
    for module, *rest in sorted(names, key=str):
        name = ".".join(map(str, rest))
        patterns += [f"{module}.{name}", f"{module}.*.{name}"]
    return patterns


_INSTEAD = {
    "ignore_objects_by_id": (
        "an id is another object's later; say ignore_objects_by_class or ignore_globals, or wrap "
        "an argument in rememo.Ignore"
    ),
    "ignore_module_attrs": "say ignore_globals, with the module",
    "special_class_attributes": "say ignore_attributes, with module and class",
    "stdlib_modules": "say ignore_files, or by_version= in a rememo.FreezeConfig",
    "use_version": "name the libraries in use_version_exceptions",
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
