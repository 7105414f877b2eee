"""Libraries that read the arguments of the command line are watched.

A memoized function that has them read depends on them, though nothing in its code says so.
"""

from __future__ import annotations

import functools
import sys

from rememo import _core

# What `typing` has under that name; but `typing` may be in the midst of being imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# By the names of modules: a class, and those of its methods that read `sys.argv` where they are
# given no list.
READERS = {
    "argparse": ("ArgumentParser", ("parse_known_args", "parse_known_intermixed_args")),
    "optparse": ("OptionParser", ("parse_args",)),
}


def watch(library: str) -> None:
    """Has a library tell from now on."""
    name, methods = READERS[library]
    parser: type = getattr(sys.modules[library], name)
    for method in methods:
        setattr(parser, method, _telling(getattr(parser, method)))


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def tell(self: object, args: Any = None, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
        if args is None:
            _core.arguments_are_read()
        return method(self, args, *rest, **named)

    return tell
