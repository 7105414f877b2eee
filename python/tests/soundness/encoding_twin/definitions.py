"""Functions, classes and modules: the parts that others refer to by name."""

from __future__ import annotations

import abc
import builtins
import inspect
import types
import typing
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from . import instances, libraries, resolve, walk
from .encoder import Content, Tag, Target, u64
from .libraries import module_name
from .names import uses_of
from .reads import Reads

if TYPE_CHECKING:
    from .listing import Listing

_ABOUT_A_CLASS = {
    "__annotate__",
    "__annotate_func__",
    "__annotations_cache__",
    "__classdictcell__",
    "__dict__",
    "__firstlineno__",
    "__module__",
    "__pydantic_core_schema__",
    "__pydantic_serializer__",
    "__pydantic_validator__",
    "__qualname__",
    "__slotnames__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
    "_value2member_map_",
}
_DISPATCH_TOOLS = {"_clear_cache", "dispatch", "register"}
_PLAIN_METACLASSES = {"type", "ABCMeta", "EnumType", "EnumMeta"}


def refer(value: Any, listing: Listing, content: Content) -> bool:
    """Encodes a reference to a definition; false, and nothing written, where the value is none."""
    if isinstance(value, ModuleType):
        resolve.whole_module(value, content)
        return True
    if not isinstance(value, FunctionType | type | BuiltinFunctionType):
        return False
    if isinstance(value, type):
        _refer_to_class(value, content)
    elif found := libraries.library_object(value):
        libraries.write_constant(*found, content)
        if isinstance(value, FunctionType):
            _constants_of(value, content)
    elif isinstance(value, FunctionType):
        content.refer(function_target(value))
    else:
        return False
    return True


def _refer_to_class(kind: type, content: Content) -> None:
    found = libraries.library_object(kind) or libraries.static_type(kind)
    if not found:
        content.refer(_class_target(kind))
        return
    libraries.write_constant(*found, content)
    names = sorted(_virtual_subclasses(kind))
    if names:
        content.write(Tag.VIRTUAL_SUBCLASSES, u64(len(names)), *names)


def _virtual_subclasses(kind: type) -> set[str]:
    """The user's classes that are registered with a class of a library, or one derived from it."""
    if type(kind) is type:
        return set()
    below = [kind]
    for each in below:  # it grows meanwhile
        below += [other for other in type.__subclasses__(each) if other not in below]
    known = [other for each in below for other in _registered(each)]
    return {_name(other) for other in known if not libraries.is_library_class(other)}


def function_target(function: FunctionType) -> Target:
    """The part that stands for a function."""

    def write(listing: Listing, content: Content) -> None:
        _function(function, listing, content)

    return Target(("object", id(function)), _name(function), write, function)


def _class_target(kind: type) -> Target:
    def write(listing: Listing, content: Content) -> None:
        _class(kind, listing, content)

    return Target(("object", id(kind)), _name(kind), write, kind)


def _name(definition: Any) -> str:
    module = definition.__module__
    name = module_name(module) if isinstance(module, str) else ""
    return f"{name}.{definition.__qualname__}"


def _versioned(definition: Any, listing: Listing, content: Content) -> bool:
    if "__code_version__" not in definition.__dict__:
        return False
    content.write(Tag.VERSIONED)
    walk.encode(definition.__dict__["__code_version__"], listing, content)
    return True


def _function(function: FunctionType, listing: Listing, content: Content) -> None:
    if _versioned(function, listing, content):
        return
    content.write(Tag.FUNCTION)
    encode_code(function.__code__, listing, content)
    _defaults(function, listing, content)
    _closure(function, listing, content)
    _attributes(function, listing, content)
    if Reads.DOCS in listing.reads:
        walk.encode(function.__doc__, listing, content)
    if Reads.ANNOTATIONS in listing.reads:
        _annotations_of_function(function, listing, content)
    if Reads.NAMES in listing.reads:
        content.write(_name(function))
        walk.encode(function.__name__, listing, content)
        walk.encode(function.__qualname__, listing, content)
    if Reads.SOURCE in listing.reads:
        content.write(_source(function))
    resolve.names(function.__globals__, uses_of(function.__code__), listing, content)


def _annotations_of_function(function: FunctionType, listing: Listing, content: Content) -> None:
    makes = getattr(function, "__annotate__", None)
    if makes is None:
        walk.encode(function.__annotations__, listing, content)
    else:
        # Nothing tells from outside whether they were made: nothing changes what it says of that.
        _lazy_annotations(makes, function.__annotations__, listing, content)


def _annotations_of_class(kind: type, listing: Listing, content: Content) -> None:
    namespace = kind.__dict__
    made = namespace.get("__annotations_cache__")
    makes = namespace.get("__annotate_func__") or namespace.get("__annotate__")
    if makes is not None:
        _lazy_annotations(makes, made, listing, content)
    elif made:
        walk.encode(made, listing, content)


def _lazy_annotations(makes: Any, made: Any, listing: Listing, content: Content) -> None:
    walk.encode(makes, listing, content)
    if made is not None and makes(1) != made:
        walk.encode(made, listing, content)


def encode_code(code: CodeType, listing: Listing, content: Content) -> None:
    content.refer(libraries.interpreter())
    apart = Content()
    walk.encode(code, listing, apart)
    closed = apart.close()
    if closed.targets:
        content.absorb(closed)
    else:
        content.write(closed.folded)


def _source(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _defaults(function: FunctionType, listing: Listing, content: Content) -> None:
    code, defaults = function.__code__, function.__defaults__ or ()
    first = max(code.co_argcount - len(defaults), 0)
    values = list(zip(code.co_varnames[first : code.co_argcount], defaults, strict=False))
    content.write(u64(len(values)))
    values += sorted((function.__kwdefaults__ or {}).items())
    content.write(u64(len(values)))
    for parameter, value in values:
        content.write(parameter)
        name = f"{_name(function)}.<default {parameter}>"
        resolve.slot((id(function), parameter), name, value, listing, content, kept=function)


def _constants_of(function: FunctionType, content: Content) -> None:
    """The defaults of a library's function, as far as they are plain."""
    by_name = sorted((function.__kwdefaults__ or {}).items())
    for values in [function.__defaults__ or (), [value for _, value in by_name]]:
        content.write(u64(len(values)))
        for value in values:
            if not walk.encode_scalar(value, content):
                content.write(b"\0")


def _closure(function: FunctionType, listing: Listing, content: Content) -> None:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for variable, cell in cells:
        try:
            value = cell.cell_contents
        except ValueError:
            content.write(Tag.MISSING)
            continue
        if _is_dispatcher(function) and variable in {"cache_token", "dispatch_cache"}:
            content.write(Tag.MISSING)
        elif variable == "__classdict__" and isinstance(value, dict):
            _class_body(function, value, listing, content)
        elif isinstance(value, ModuleType):
            used = uses_of(function.__code__)
            resolve.shared_module(variable, value, used, listing, content)
        else:
            name = f"{_name(function)}.<closure {variable}>"
            resolve.slot((id(cell), ""), name, value, listing, content, kept=cell)


def _class_body(
    function: FunctionType, namespace: dict[str, Any], listing: Listing, content: Content
) -> None:
    """The names that the function looks up, of those of the class around it."""
    for name in sorted({chain[0] for chain in uses_of(function.__code__).globals}):
        if name in namespace:
            full = f"{_name(function)}.<class {name}>"
            place = (id(namespace), name)
            resolve.slot(place, full, namespace[name], listing, content, kept=namespace)
        else:
            content.write(Tag.MISSING)


def _is_dispatcher(function: FunctionType) -> bool:
    return instances.is_dispatcher_module(str(function.__globals__.get("__name__")))


def _attributes(function: FunctionType, listing: Listing, content: Content) -> None:
    items = sorted(function.__dict__.items())
    if Reads.WRAPPED not in listing.reads:
        items = [item for item in items if item[0] != "__wrapped__"]
    if _is_dispatcher(function):
        items = [item for item in items if item[0] not in _DISPATCH_TOOLS]
    content.write(Tag.ATTRIBUTES, u64(len(items)))
    for name, value in items:
        content.write(name)
        walk.encode(value, listing, content)


def _class(kind: type, listing: Listing, content: Content) -> None:
    content.write(Tag.CLASS, _name(kind))
    if _versioned(kind, listing, content):
        return
    walk.encode(type(kind), listing, content)
    content.write(u64(len(kind.__bases__)))
    for base in kind.__bases__:
        if base is abc.ABC:
            libraries.write_constant(*libraries.library_object(base), content)
        else:
            walk.encode(base, listing, content)
    related = sorted(_related(kind, listing), key=_name)
    content.write(u64(len(related)))
    for other in related:
        walk.encode(other, listing, content)
    if Reads.NAMES in listing.reads:
        for name in ["__name__", "__qualname__"]:
            walk.encode(type.__dict__[name].__get__(kind), listing, content)
    if _uses_annotations(kind) or Reads.ANNOTATIONS in listing.reads:
        _annotations_of_class(kind, listing, content)
    namespace = instances.in_order(dict(kind.__dict__), listing)
    namespace = [item for item in namespace if _counts(kind, *item, listing)]
    content.write(u64(len(namespace)))
    for name, value in namespace:
        content.write(name)
        if _is_descriptor_only(kind, name, value):
            content.write(Tag.DESCRIPTOR)
        else:
            full = f"{_name(kind)}.{name}"
            resolve.slot((id(kind), name), full, value, listing, content, kept=kind)


def _registered(kind: type) -> list[type]:
    if "_abc_impl" not in kind.__dict__:
        return []
    registered = abc._get_dump(kind)[0]  # type: ignore[attr-defined]
    return [other for weak in registered if (other := weak()) is not None]


def _related(kind: type, listing: Listing) -> list[type]:
    related = _registered(kind)
    if Reads.SUBCLASSES in listing.reads:
        related += type.__subclasses__(kind)
    return related


def _counts(kind: type, name: str, value: Any, listing: Listing) -> bool:
    if name == "__doc__":
        return Reads.DOCS in listing.reads
    if name == "__annotations__":
        return (_uses_annotations(kind) or Reads.ANNOTATIONS in listing.reads) and bool(value)
    if name in {"__orig_bases__", "__parameters__"}:
        return Reads.ANNOTATIONS in listing.reads
    if name == "__init__":
        protocols = typing._no_init_or_replace_init  # type: ignore[attr-defined]
        return value is not protocols and value is not object.__init__
    return name not in _ABOUT_A_CLASS


def _uses_annotations(kind: type) -> bool:
    metaclass = type(kind)
    return metaclass.__name__ not in _PLAIN_METACLASSES or not libraries.is_library_class(metaclass)


def _is_descriptor_only(kind: type, name: str, value: Any) -> bool:
    if name == "__hash__" and isinstance(value, types.FunctionType):
        return value.__code__.co_filename.startswith("<attrs generated")
    is_slot = type(value).__name__ == "member_descriptor"
    return is_slot and value.__objclass__ is kind and value.__name__ == name


def builtins_of(namespace: dict[str, Any]) -> Any:
    """The module or dictionary of built-ins that code with these globals sees."""
    own = namespace.get("__builtins__", builtins.__dict__)
    return builtins if own is builtins.__dict__ else own
