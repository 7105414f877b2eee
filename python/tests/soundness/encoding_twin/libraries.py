"""What counts by its library's version, and how the library of a module is found."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from .encoder import Content, Tag, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .listing import Listing


@dataclass(frozen=True)
class Library:
    """An installed distribution, or the standard library."""

    name: str
    version: str


def library_target(identity: str, library: Library) -> Target:
    """The part that stands for a library, whose content is its version."""

    def write(_: Listing, content: Content) -> None:
        content.write(library.version)

    return Target(("library", identity), library.name, write, library)


def write_constant(library: Library, qualified: str, content: Content) -> None:
    """A reference to a named thing of a library."""
    content.write(Tag.EXTERNAL, qualified)
    content.refer(library_target(library.name, library))


def interpreter() -> Target:
    """The part that stands for the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    return library_target("", Library("python", f"{sys.implementation.name} {version}"))


def library_of(module: str) -> Library | None:
    """The library a module belongs to; None for the user's own."""
    top = module.split(".", maxsplit=1)[0]
    if top == "__main__":
        return None
    if top == "rememo":
        return Library("rememo", importlib.metadata.version("rememo"))
    loaded = sys.modules.get(module) or sys.modules.get(top)
    if loaded is None:
        return None
    file = _file(loaded) or _file(sys.modules.get(top))
    site = file and next((up for up in file.parents if up.name in _SITES), None)
    if file and site:
        return _distribution(site, file.relative_to(site).as_posix(), top)
    standard = Path(os.__file__).parent
    if top in sys.stdlib_module_names and (file is None or file.is_relative_to(standard)):
        return Library("python", sys.version)
    return None


_SITES = {"site-packages", "dist-packages"}


def _file(module: Any) -> Path | None:
    if isinstance(file := getattr(module, "__file__", None), str):
        return Path(file)
    path = list(getattr(module, "__path__", []))
    return Path(path[0]) if path else None


@functools.cache
def _distribution(site: Path, wanted: str, top: str) -> Library | None:
    for name, version, record in sorted(
        _records(site), key=lambda found: _plain(found[0]) != top.lower()
    ):
        rests = [line[len(wanted) :] for line in record.splitlines() if line.startswith(wanted)]
        if any(not rest or rest[0] in ",/" for rest in rests):
            digest = blake3(record.encode()).hexdigest()[:12]
            return Library(name, f"{version} {digest}")
    return None


@functools.cache
def _records(site: Path) -> list[tuple[str, str, str]]:
    """Name, version and list of files of each distribution: what is installed stays."""
    return list(_read_records(site))


def _read_records(site: Path) -> Iterator[tuple[str, str, str]]:
    for info in site.glob("*.dist-info"):
        name, _, version = info.stem.partition("-")
        file = info / "RECORD"
        yield name, version, file.read_bytes().decode() if file.exists() else ""


def _plain(distribution: str) -> str:
    return distribution.lower().replace("-", "_").replace(".", "_")


def library_object(value: Any) -> tuple[Library, str] | None:
    """The library and full name of something that is found there under its own name."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(name, str):
        name = getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    library = library_of(module)
    if library is None or (isinstance(value, FunctionType) and not _at_home(value)):
        return None
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return (library, f"{module}.{name}") if found is value else None


def _at_home(function: FunctionType) -> bool:
    """A function of the user's may claim a library's name, as `functools.wraps` makes it do."""
    home = function.__globals__.get("__name__")
    of_library = isinstance(home, str) and library_of(home) is not None
    return of_library and not _has_code_of_the_user(function)


def _has_code_of_the_user(function: FunctionType) -> bool:
    """Code from a file that is there, and belongs neither to the module nor to any library."""
    file = Path(function.__code__.co_filename)
    if str(file) == function.__globals__.get("__file__") or not file.is_absolute():
        return False
    of_library = any(up.name in _SITES for up in file.parents)
    standard = file.is_relative_to(Path(os.__file__).parent)
    there = file.exists() or file.parent.name.startswith("ipykernel_")
    return not of_library and not standard and there


def is_made_while_running(kind: type) -> bool:
    """Whether a class is not part of the interpreter or an extension."""
    return bool(kind.__flags__ & _MADE_WHILE_RUNNING)


_MADE_WHILE_RUNNING = 1 << 9  # Py_TPFLAGS_HEAPTYPE


def static_type(kind: type) -> tuple[Library, str] | None:
    """The same for a type made in C, which may not be found under its name."""
    if is_made_while_running(kind):
        return None
    module = kind.__module__ if isinstance(kind.__module__, str) else ""
    library = library_of(module)
    return (library, f"{module}.{kind.__name__}") if library else None


def is_library_class(kind: type) -> bool:
    """Whether a class is a library's."""
    return library_object(kind) is not None


def module_name(module: str) -> str:
    """The name a module goes by: `__main__` by its module or file name."""
    main = sys.modules["__main__"]
    if module != "__main__":
        return module
    if getattr(main, "__spec__", None):
        return main.__spec__.name.removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else module
