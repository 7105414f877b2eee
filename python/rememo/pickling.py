"""Results to bytes and back by pickle, with a record of the definitions that the bytes name.

Pickle keeps classes and functions by name only. So that a result never comes back as an instance
of a class that has changed since, each such definition is recorded with its digest, and looked
at again before the result is decoded.
"""

from __future__ import annotations

import io
import sys
from types import BuiltinFunctionType, FunctionType

from rememo import _core

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import pickle
    from typing import Any
else:
    # All of `pickle` that is used here, without what is slow to import.
    import _pickle as pickle

PROTOCOL = 5
# What the program that was started goes by; the second, in processes that were spawned.
MAIN = frozenset(["__main__", "__mp_main__"])


class Outdated(Exception):  # noqa: N818  says what the result is
    """A definition that a stored result refers to has changed, or is gone."""


class DefinitionsPickler(pickle.Pickler):
    """Remembers the classes and functions that it writes down by name."""

    def __init__(self, file: io.BytesIO, buffers: list[pickle.PickleBuffer] | None) -> None:
        """Takes a file, and where large buffers go: into the file, if nowhere else."""
        beside = None if buffers is None else buffers.append
        super().__init__(file, protocol=PROTOCOL, buffer_callback=beside)
        self.definitions: dict[tuple[str, str], object] = {}

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401  any object, any reduction
        """Has everything written down as ever."""
        if isinstance(obj, (type, FunctionType, BuiltinFunctionType)):
            module = getattr(obj, "__module__", None)
            if isinstance(module, str) and module != "builtins":
                self.definitions[module, obj.__qualname__] = obj
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(
        self, stream: bytes, buffers: list[bytes | bytearray], written_as_main: str
    ) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self.written_as_main = written_as_main

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  whatever has the name
        lasting = self.written_as_main if module in MAIN else module
        return super().find_class(_present(lasting), name)


def dumps(value: object) -> tuple[bytes, list[pickle.PickleBuffer], bytes]:
    """Returns the stream, the large buffers beside it, and the record of definitions.

    Raises whatever pickling raises, and TypeError for a definition without a fingerprint.
    """
    stream = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    pickler = DefinitionsPickler(stream, buffers)
    pickler.dump(value)
    if not pickler.definitions:
        return stream.getvalue(), buffers, b""
    definitions = [
        [_core.module_name(module), name, _core.freeze(definition)]
        for (module, name), definition in pickler.definitions.items()
    ]
    import json

    record = json.dumps([_core.module_name("__main__"), definitions])
    return stream.getvalue(), buffers, record.encode()


def loads(stream: bytes, buffers: list[bytes | bytearray], record: bytes) -> object:
    """Decodes what `dumps` returned.

    Raises:
        Outdated: if a definition that the result refers to is not what it was.
    """
    if not record:
        return pickle.loads(stream, buffers=buffers)
    written_as_main = check(record)
    return _Unpickler(stream, buffers, written_as_main).load()


def check(record: bytes) -> str:
    """Looks at the definitions of a record; returns what ``__main__`` was when it was written.

    Raises:
        Outdated: if one is not what it was.
    """
    import json

    written_as_main, definitions = json.loads(record) if record else ("", ())
    for module, name, digest in definitions:
        _check(module, name, digest)
    return written_as_main


def _check(module: str, name: str, digest: str) -> None:
    present = _present(module)
    try:
        __import__(present)
        definition: object = sys.modules[present]
        for part in name.split("."):
            definition = getattr(definition, part)
    except (ImportError, AttributeError, KeyError) as error:
        raise Outdated(f"{module}.{name}, which the result refers to, is gone") from error
    if _core.freeze(definition) != digest:
        raise Outdated(f"{module}.{name}, which the result refers to, has changed")


def _present(module: str) -> str:
    """The name under which a module is to be found in this process."""
    return "__main__" if module == _core.module_name("__main__") else module
