"""Names resolved as a call would resolve them: through globals, modules and built-ins."""

from __future__ import annotations

import builtins
import functools
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from . import definitions, libraries, walk
from .encoder import Content, Tag, Target, u64
from .reads import Reads

if TYPE_CHECKING:
    from .listing import Listing
    from .names import Chain, Import, Uses

_ABOUT_THE_MODULE = {
    "__builtins__",
    "__cached__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__path__",
    "__spec__",
}


def names(namespace: dict[str, Any], used: Uses, listing: Listing, content: Content) -> None:
    """Writes what each used name stands for."""
    content.write(u64(len(used.imports)))
    for taken in sorted(used.imports):
        content.write(Tag.IMPORT, u64(taken.level), taken.module)
        _chain(taken.chain, content)
        _imported(namespace, taken, listing, content)
    content.write(u64(len(used.globals)))
    for chain in sorted(used.globals):
        if not _holds_its_import(namespace, chain[0], used):
            content.write(Tag.NAME)
            _chain(chain, content)
            _global(namespace, chain, listing, content)


def _holds_its_import(namespace: dict[str, Any], name: str, used: Uses) -> bool:
    """Whether a global holds what an import in the body fills it with, or nothing yet."""
    if name not in used.imported:
        return False
    if name not in namespace:
        return True
    held = namespace[name]
    for taken in used.imported[name]:
        module = _bring_in(namespace, taken)
        brought = getattr(module, taken.chain[0], None) if taken.chain else module
        if module is not None and brought is held:
            return True
    return False


def _chain(chain: Chain, content: Content) -> None:
    content.write(u64(len(chain)), *chain)


def _global(namespace: dict[str, Any], chain: Chain, listing: Listing, content: Content) -> None:
    first, *rest = chain
    if first in namespace:
        value = namespace[first]
        if isinstance(value, ModuleType):
            _attribute(value, tuple(rest), listing, content)
            return
        owner = namespace.get("__name__")
        name = libraries.module_name(owner) if isinstance(owner, str) else ""
        slot((id(namespace), first), f"{name}.{first}", value, listing, content, kept=namespace)
        return
    outer = definitions.builtins_of(namespace)
    if isinstance(outer, ModuleType):
        if first == "globals" and hasattr(outer, "globals"):
            _everything(namespace, content)
        _attribute(outer, (first,), listing, content)
    elif first in outer:
        name = f"builtins.{first}"
        slot((id(outer), first), name, outer[first], listing, content, kept=outer)
    else:
        content.write(Tag.MISSING)


def _everything(namespace: dict[str, Any], content: Content) -> None:
    module = sys.modules.get(str(namespace.get("__name__")))
    if isinstance(module, ModuleType) and module.__dict__ is namespace:
        whole_module(module, content)


def shared_module(
    variable: str, module: ModuleType, used: Uses, listing: Listing, content: Content
) -> None:
    """What is read from a module that a variable shared between functions holds."""
    content.write(Tag.NAME)
    chains = sorted(chain for chain in used.shared if chain[0] == variable)
    for chain in chains:
        _chain(chain, content)
        _attribute(module, chain[1:], listing, content)
    if not chains:
        whole_module(module, content)


def _attribute(module: ModuleType, chain: Chain, listing: Listing, content: Content) -> None:
    """Follows attributes through modules to the first thing that is not one."""
    if not chain:
        whole_module(module, content)
        return
    first, *rest = chain
    if not hasattr(module, first):
        content.write(Tag.MISSING)
        return
    value = getattr(module, first)
    if isinstance(value, ModuleType):
        _attribute(value, tuple(rest), listing, content)
        return
    name = f"{libraries.module_name(module.__name__)}.{first}"
    library = libraries.library_of(module.__name__)
    if library:
        _patched(value, rest, listing, content)
    if library is None or _counts_by_value(value):
        place = (id(module.__dict__), first)
        slot(place, name, value, listing, content, kept=module)
    elif not definitions.refer(value, listing, content):
        libraries.write_constant(library, name, content)


def _patched(value: Any, rest: list[str], listing: Listing, content: Content) -> None:
    """An attribute that is read from a class of a library and was put there by the user."""
    if isinstance(value, type) and rest and hasattr(value, rest[0]):
        attribute = getattr(value, rest[0])
        if _counts_by_value(attribute):
            module = value.__module__
            full = value.__qualname__ if module == "builtins" else f"{module}.{value.__qualname__}"
            place = (id(value), rest[0])
            slot(place, f"{full}.{rest[0]}", attribute, listing, content, kept=value)


def _counts_by_value(value: Any) -> bool:
    """Whether something found in a library counts by what it is: plain data, and what is not the
    library's own."""
    if value is None or type(value) in {bool, int, float, str, bytes}:
        return True
    if isinstance(value, FunctionType | type):
        return libraries.library_object(value) is None and not _is_of_library(value)
    if isinstance(value, BuiltinFunctionType):
        return False
    kind = type(value)
    if kind in {list, tuple, set, frozenset, dict, functools.partial}:
        return value is not sys.modules
    return not libraries.is_library_class(kind)


def _is_of_library(value: Any) -> bool:
    is_function = isinstance(value, FunctionType)
    home = value.__globals__.get("__name__") if is_function else value.__module__
    return isinstance(home, str) and libraries.library_of(home) is not None


def slot(
    place: tuple[int, str],
    name: str,
    value: object,
    listing: Listing,
    content: Content,
    *,
    kept: object,
) -> None:
    """Refers to a named place: to the definition it holds, else to a part that is the place."""
    if definitions.refer(value, listing, content):
        return

    def write(listing: Listing, content: Content) -> None:
        walk.encode(value, listing, content)

    content.refer(Target(("slot", *place), name, write, (kept, value)))


def whole_module(module: ModuleType, content: Content) -> None:
    """Refers to a module as a whole."""
    if library := libraries.library_of(module.__name__):
        libraries.write_constant(library, module.__name__, content)
        return

    def write(listing: Listing, content: Content) -> None:
        ignored = set(_ABOUT_THE_MODULE)
        if Reads.DOCS not in listing.reads:
            ignored.add("__doc__")
        if Reads.ANNOTATIONS not in listing.reads:
            ignored |= {"__annotate__", "__annotations__", "__conditional_annotations__"}
        held = sorted(set(module.__dict__) - ignored)
        content.write(Tag.MODULE, u64(len(held)))
        for name in held:
            content.write(name)
            _attribute(module, (name,), listing, content)

    name = libraries.module_name(module.__name__)
    content.refer(Target(("object", id(module)), name, write, module))


def _imported(namespace: dict[str, Any], taken: Import, listing: Listing, content: Content) -> None:
    module = _bring_in(namespace, taken)
    if module is None:
        content.write(Tag.MISSING)
    elif isinstance(module, ModuleType):
        _attribute(module, taken.chain, listing, content)
    else:
        place = (id(module), "")
        slot(place, taken.module, module, listing, content, kept=module)


def _bring_in(namespace: dict[str, Any], taken: Import) -> Any:
    """Imports as the body would; `None` where that fails."""
    wanted = [] if taken.from_top else [*taken.chain[:1]] or [""]
    try:
        return builtins.__import__(taken.module, namespace, None, wanted, taken.level)
    except Exception:
        return None
