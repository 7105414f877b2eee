"""Docstrings as the site shows them: native methods have theirs, and examples are code."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from griffe import Docstring, Extension
from rememo import _core

if TYPE_CHECKING:
    from griffe import Module, Object

# From the first prompt to the next empty line.
EXAMPLE = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.DOTALL | re.MULTILINE)


def fenced(text: str) -> str:
    """Fences the examples in a text."""
    return EXAMPLE.sub(r"```pycon\n\g<0>\n```", text)


class Docstrings(Extension):
    """Looks at every docstring that there is."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrites one."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Gives those to native methods that the stubs, which have their types, leave out."""
        for kind in pkg["_core"].classes.values():
            native = getattr(_core, kind.name, None)
            for name, member in kind.members.items():
                text = inspect.getdoc(getattr(native, name, None))
                if text and not member.docstring and not name.startswith("_"):
                    member.docstring = Docstring(fenced(text), parent=member)
