"""Standard wrappers around functions and values, which count by what they wrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .reads import Reads

if TYPE_CHECKING:
    from .listing import Listing

WRAPPED = {
    ("builtins", "staticmethod"): "__func__",
    ("builtins", "classmethod"): "__func__",
    ("builtins", "method"): "__func__ __self__",
    ("builtins", "property"): "fget fset fdel",
    ("builtins", "builtin_function_or_method"): "__name__ __self__",
    ("builtins", "method-wrapper"): "__name__ __self__",
    ("builtins", "mappingproxy"): "",
    ("builtins", "memoryview"): "",
    ("builtins", "super"): "__thisclass__ __self__",
    ("builtins", "member_descriptor"): "__objclass__ __name__",
    ("builtins", "getset_descriptor"): "__objclass__ __name__",
    ("builtins", "classmethod_descriptor"): "__objclass__ __name__",
    ("builtins", "dict_keys"): "",
    ("builtins", "dict_values"): "",
    ("builtins", "dict_items"): "",
    ("builtins", "odict_keys"): "",
    ("builtins", "odict_values"): "",
    ("builtins", "odict_items"): "",
    ("_struct", "Struct"): "format",
    ("re", "Match"): "re string pos endpos regs lastindex",
    ("_ctypes", "CField"): "offset size",
    ("ctypes", "CField"): "offset size",
    ("_contextvars", "ContextVar"): "name",
    ("abc", "abstractproperty"): "fget fset fdel",
    ("enum", "property"): "fget fset fdel",
    ("functools", "_lru_cache_wrapper"): "__wrapped__",
    ("contextlib", "_GeneratorContextManager"): "func args kwds",
    ("contextlib", "_AsyncGeneratorContextManager"): "func args kwds",
    ("_thread", "_local"): "__dict__",
    ("weakref", "ReferenceType"): "",
    ("weakref", "finalize"): "",
    ("weakref", "WeakValueDictionary"): "",
    ("weakref", "WeakKeyDictionary"): "",
    ("_weakrefset", "WeakSet"): "",
    ("functools", "cached_property"): "func attrname",
    ("rememo._core", "Memoized"): "__wrapped__ semantics",
    ("rememo._core", "Frozen"): "value",
    ("rememo._core", "Ignore"): "",
    ("pydantic._internal._decorators", "Decorator"): "cls_var_name func shim info",
    ("pydantic.fields", "ModelPrivateAttr"): "default default_factory",
    ("dataclasses", "Field"): "name default default_factory init repr hash compare kw_only"
    " metadata",
}


def type_name(kind: type) -> tuple[str, str]:
    """The module and name of a type."""
    module = kind.__module__
    return module if isinstance(module, str) else "", kind.__name__


def wrapped(value: Any, wrapper: tuple[str, str], listing: Listing) -> list[object]:
    """What a wrapper, or one of the user's own that derives from it, wraps."""
    name = wrapper[1]
    fields = [getattr(value, field) for field in WRAPPED[wrapper].split()]
    match name:
        case "mappingproxy" | "WeakValueDictionary" | "WeakKeyDictionary":
            return [dict(value.items())]
        case "memoryview":
            return [value.format, value.shape, value.tobytes()]
        case "ContextVar":
            nothing = object()
            held = value.get(nothing)
            return fields if held is nothing else [*fields, held]
        case "finalize":
            return [value.peek()]
        case "ReferenceType":
            return [value()]
        case _ if name.startswith(("dict_", "odict_")):
            return [list(value)]
        case "property" | "abstractproperty" if Reads.DOCS in listing.reads:
            return [*fields, value.__doc__]
        case "WeakSet":
            return [set(value)]
        case "_lru_cache_wrapper" | "cached_property" | "Memoized" | "staticmethod" | "classmethod":
            attributes = _set_on(value, name, listing)
            return [*fields, attributes] if attributes else fields
        case _:
            return fields


_DESCRIBE = {
    "__doc__": Reads.DOCS,
    "__annotate__": Reads.ANNOTATIONS,
    "__annotations__": Reads.ANNOTATIONS,
    "__type_params__": Reads.ANNOTATIONS,
    "__module__": Reads.NAMES,
    "__name__": Reads.NAMES,
    "__qualname__": Reads.NAMES,
}


_OF_PROPERTIES = {"attrname", "func", "lock"}


def _set_on(value: Any, wrapper: str, listing: Listing) -> dict[str, object]:
    """What was set on a wrapper around a function, without what describes the function."""
    return {
        name: attribute
        for name, attribute in sorted(vars(value).items())
        if (name not in _DESCRIBE or _DESCRIBE[name] in listing.reads)
        and name not in {"__code_version__", "__wrapped__", "cache_parameters"}
        and not (wrapper == "cached_property" and name in _OF_PROPERTIES)
    }
