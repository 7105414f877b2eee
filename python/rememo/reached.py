"""Libraries that reach code and variables by name are watched.

A name in a text, such as that of a module to import or of a variable in a query, is nowhere in the
code of the function that uses it.
"""

from __future__ import annotations

import functools
import importlib
import sys
from types import FunctionType

from rememo import _core

# What `typing` has under that name; but `typing` may be in the midst of being imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

# Where `importlib.import_module` finds what tells of it, and itself as it was.
TELLS, PLAIN = "_rememo_tells", "_rememo_plain"


def watch(library: str) -> None:
    """Has a library tell from now on."""
    _WATCHED[library](importlib.import_module(library))


def _watch_imports(library: Any) -> None:  # noqa: ANN401  a module
    """Has `import_module` tell, under whichever name somebody holds it already."""
    function = library.import_module
    if hasattr(library, PLAIN):
        return
    plain = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    setattr(library, PLAIN, plain)
    setattr(library, TELLS, _core.module_is_asked_for)
    own = function.__code__
    function.__code__ = _import_module.__code__.replace(
        co_filename=own.co_filename,
        co_name=own.co_name,
        co_qualname=own.co_qualname,
        co_firstlineno=own.co_firstlineno,
    )


def _import_module(name: str, package: str | None = None) -> Any:  # noqa: ANN401
    # Runs among the globals of `importlib`.
    try:
        module: Any = _rememo_plain(name, package)  # type: ignore[name-defined]  # noqa: F821
    except ImportError:
        _rememo_tells(name, package, False)  # type: ignore[name-defined]  # noqa: F821
        raise
    _rememo_tells(name, package, True)  # type: ignore[name-defined]  # noqa: F821
    return module  # pyright: ignore[reportUnknownVariableType]


def _watch_pandas_names(library: Any) -> None:  # noqa: ANN401
    """Names in the text of `DataFrame.query` and `eval`, and of `pandas.eval`."""
    plain = library.Scope.resolve

    @functools.wraps(plain)
    def resolve(self: object, key: str, is_local: bool) -> object:
        value = plain(self, key, is_local)
        if _core.is_recording():
            _tell_of_names([key])
        return value

    library.Scope.resolve = resolve


def _watch_numexpr_names(library: Any) -> None:  # noqa: ANN401
    """Names in the text of `numexpr.evaluate`."""
    plain = library.getArguments

    @functools.wraps(plain)
    def arguments(
        names: Iterable[str],
        local_dict: Any = None,  # noqa: ANN401
        global_dict: Any = None,  # noqa: ANN401
        _frame_depth: int = 2,
    ) -> object:
        found = plain(names, local_dict, global_dict, _frame_depth=_frame_depth + 1)
        if _core.is_recording() and local_dict is None:
            _tell_of_names(names)
        return found

    library.getArguments = arguments


def _tell_of_names(names: Iterable[str]) -> None:
    """Tells of those names that are global variables of the code on whose behalf they are used."""
    unknown = set(names)
    # What `inspect.currentframe` does; but `inspect` is slow to import.
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    while frame is not None and unknown:
        own = frame.f_globals
        if not _core.is_of_library(frame.f_code):
            is_function = frame.f_locals is not own
            unknown -= {name for name in unknown if is_function and name in frame.f_locals}
            for name in {name for name in unknown if name in own}:
                _core.variable_is_reached(own, name)
                unknown.discard(name)
        frame = frame.f_back


def _watch_accessors(library: Any) -> None:  # noqa: ANN401
    """What is registered for `df.name`, in pandas, and for `array.name`, in xarray."""
    names = ("Accessor", "CachedAccessor", "_CachedAccessor")
    kind = next(getattr(library, name) for name in names if hasattr(library, name))
    plain: Callable[[Any, object, object], object] = kind.__get__

    @functools.wraps(plain)
    def get(self: Any, obj: object, cls: object) -> object:  # noqa: ANN401
        if _core.is_recording():
            made_by = self._accessor
            module, name = (getattr(made_by, of, None) for of in ("__module__", "__qualname__"))
            if isinstance(module, str) and isinstance(name, str):
                _core.name_is_reached(module, name)
        return plain(self, obj, cls)

    kind.__get__ = get


_WATCHED: dict[str, Callable[[Any], None]] = {
    "importlib": _watch_imports,
    "numexpr.necompiler": _watch_numexpr_names,
    "pandas.core.accessor": _watch_accessors,
    "pandas.core.computation.scope": _watch_pandas_names,
    "xarray.core.extensions": _watch_accessors,
}
