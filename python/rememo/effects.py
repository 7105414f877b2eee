"""What memoized functions do, taken down while they run and done again on a hit."""

from __future__ import annotations

import os
import pickle
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from rememo import _core

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from types import FrameType

    _Buffer = bytes | memoryview[int]

# What is written counts once: not when what is logged, or warned of, is shown.
_quiet = threading.local()
# The module that issued the warning which is done again on this thread.
_issuer = threading.local()
_lock = threading.RLock()


class Tape:
    """Takes down what a run writes and logs.

    Attributes:
        events: what there was, in order: the channel, and what it takes to do it again.
    """

    __slots__ = ("_sources", "_streams", "channels", "events")

    def __init__(self, channels: Sequence[str]) -> None:
        """Takes the channels to listen to: "stdout", "stderr", "logs" or "warnings"."""
        self.channels = channels
        self.events: list[tuple[str, Any]] = []
        self._streams: list[tuple[str, Any]] = []
        self._sources: list[_Source] = []

    def begin(self) -> str | None:
        """Listens from now on; returns why it cannot, if it cannot."""
        with _lock:
            for channel in self.channels:
                if channel in {"stdout", "stderr"}:
                    stream = getattr(sys, channel)
                    if not (stream is None or _listen_to(stream, channel)):
                        return f"what it writes to {channel} cannot be heard: {stream!r}"
                    self._streams.append((channel, stream))
                else:
                    _SOURCES[channel].listen()
                    self._sources.append(_SOURCES[channel])
        return None

    def end(self) -> str | None:
        """Listens no more; returns why what was heard is not all, if it is not."""
        trouble = None
        with _lock:
            for source in self._sources:
                source.listen_no_more()
            for channel, stream in self._streams:
                if stream is not None:
                    _listen_no_more_to(stream)
                if getattr(sys, channel) is not stream:
                    trouble = f"leaves sys.{channel} replaced"
                elif getattr(stream, "closed", False):
                    trouble = f"leaves sys.{channel} closed"
        return trouble

    def note(self, channel: str, what: object) -> None:
        """Takes down one thing."""
        self.events.append((channel, what))


def note(channel: str, what: object) -> None:
    """Has something taken down by all that listen to it here."""
    if getattr(_quiet, "depth", 0) == 0:
        for tape in _core.tapes():
            if channel in tape.channels:
                tape.note(channel, what)


@contextmanager
def _quietly() -> Generator[None]:
    _quiet.depth = getattr(_quiet, "depth", 0) + 1
    try:
        yield
    finally:
        _quiet.depth -= 1


# --- what is written ---------------------------------------------------------------------------


class _Heard:
    """A stream whose methods are stood in for."""

    def __init__(self, stream: Any, channel: str) -> None:  # noqa: ANN401
        self.stream = stream
        self.count = 1
        self.set: list[tuple[Any, str, object]] = []
        self._stand_in(stream, "write", channel)
        with suppress(AttributeError):
            # It writes what is left over of the text, which is taken down already.
            self._stand_in(stream, "flush", None)
            self._stand_in(stream.buffer, "write", channel)

    def _stand_in(self, owner: Any, name: str, channel: str | None) -> None:  # noqa: ANN401
        plain: Callable[..., Any] = getattr(owner, name)

        def heard(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            with _quietly():
                done = plain(*args, **kwargs)
            if channel and args:
                what = args[0]
                note(channel, what if isinstance(what, str) else bytes(what))
            return done

        setattr(owner, name, heard)
        self.set.append((owner, name, heard))

    def restore(self) -> None:
        for owner, name, heard in self.set:
            with suppress(AttributeError):
                if owner.__dict__.get(name) is heard:
                    delattr(owner, name)


_streams: dict[int, _Heard] = {}


def _listen_to(stream: object, channel: str) -> bool:
    known = _streams.get(id(stream))
    if known is not None:
        known.count += 1
        return True
    try:
        _streams[id(stream)] = _Heard(stream, channel)
    except (AttributeError, TypeError):
        return False
    return True


def _listen_no_more_to(stream: object) -> None:
    known = _streams[id(stream)]
    known.count -= 1
    if known.count == 0:
        del _streams[id(stream)]
        known.restore()


# --- what is logged and warned of --------------------------------------------------------------


class _Source:
    """A function of a library that is stood in for while anybody listens."""

    def __init__(self, library: str, owner: str, name: str, told: Callable[..., Any]) -> None:
        self._library, self._owner, self._name, self._told = library, owner, name, told
        self._count = 0
        self.shows: object = None
        self._plain: Callable[..., Any] | None = None

    def listen(self) -> None:
        import importlib

        self._count += 1
        if self._count > 1:
            return
        owner: Any = importlib.import_module(self._library)
        self.shows = _shows(owner)
        owner = getattr(owner, self._owner) if self._owner else owner
        plain: Callable[..., Any] = getattr(owner, self._name)
        told, channel = self._told, next(name for name, one in _SOURCES.items() if one is self)

        def heard(*args: Any) -> Any:  # noqa: ANN401
            what = told(*args)
            if what is not None:
                note(channel, what)
            with _quietly():
                return plain(*args)

        self._plain, self._set, self._at = plain, heard, owner
        setattr(owner, self._name, heard)

    def listen_no_more(self) -> None:
        self._count -= 1
        if self._count == 0 and getattr(self._at, self._name) is self._set:
            setattr(self._at, self._name, self._plain)


def _shows(library: Any) -> object:  # noqa: ANN401
    # What shows warnings; another one while they are caught.
    return getattr(library, "_showwarnmsg_impl", None)


def _told_of_record(_logger: object, record: Any) -> dict[str, Any]:  # noqa: ANN401
    state = dict(record.__dict__)
    state["msg"], state["args"] = record.getMessage(), None
    if record.exc_info:
        import logging

        state["exc_text"] = logging.Formatter().formatException(record.exc_info)
        state["exc_info"] = None
    for name in ("created", "msecs", "relativeCreated", "thread", "process"):
        state.pop(name, None)
    return {name: value for name, value in state.items() if _is_picklable(value)}


def _is_picklable(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001  whatever it raises
        return False
    return True


def _told_of_warning(shown: Any) -> tuple[object, ...] | None:  # noqa: ANN401
    import warnings

    if _shows(warnings) != _SOURCES["warnings"].shows:
        # The run catches it itself.
        return None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    module: str | None = getattr(_issuer, "module", None)
    while frame is not None and module is None:
        if frame.f_code.co_filename == shown.filename and frame.f_lineno == shown.lineno:
            module = frame.f_globals.get("__name__")
        frame = frame.f_back
    text = shown.message if _is_picklable(shown.message) else str(shown.message)
    return text, shown.category, shown.filename, shown.lineno, module


# --- doing it again ----------------------------------------------------------------------------


def written(tape: Tape | None, files: list[tuple[Any, ...]]) -> bytes | None:
    """Returns all that is to be done again; None if that is nothing."""
    events = _joined(tape.events) if tape else []
    if not events and not files:
        return None
    return pickle.dumps((files, events), protocol=5)


def _joined(events: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    joined: list[tuple[str, Any]] = []
    for channel, what in events:
        if joined and isinstance(what, str | bytes):
            last, before = joined[-1]
            if last == channel and type(before) is type(what):
                joined[-1] = channel, cast("Any", before) + what
                continue
        joined.append((channel, what))
    return joined


def replay(listed: bytes, contents: list[Any]) -> None:
    """Does it again: files first, then what was written and logged, in order.

    Raises:
        OSError: if a file cannot be made what it was, or a stream not be written to.
    """
    files: list[tuple[Any, ...]]
    files, events = pickle.loads(listed)  # noqa: S301  as trusted as the result beside it
    _restore([one for one in files if one[0] != "file"])
    for _, path, mode, modified, at, digest in (one for one in files if one[0] == "file"):
        _write(path, mode, modified, contents[at], digest)
    for channel, what in events:
        _REPLAYS[channel](channel, what)


def _restore(files: list[tuple[Any, ...]]) -> None:
    for kind, path, *_ in sorted(files, key=lambda one: one[1], reverse=True):
        if kind == "nothing":
            _remove(path)
    for kind, path, *mode in sorted(files, key=lambda one: one[1]):
        if kind == "directory":
            with suppress(FileExistsError):
                os.mkdir(path)
                os.chmod(path, *mode)


def _remove(path: bytes) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        os.rmdir(path)


def _write(path: bytes, mode: int, modified: int | None, content: _Buffer, digest: str) -> None:
    # Who listens is to hear that it is written.
    if (
        not _core.is_recording()
        and modified is None
        and _core.holds(os.fsdecode(path), digest, mode)
    ):
        return
    with open(path, "wb") as file:
        file.write(content)
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) != mode:
            os.fchmod(file.fileno(), mode)
    if modified is not None:
        os.utime(path, ns=(modified, modified))


def _write_out(channel: str, what: str | bytes) -> None:
    stream: Any = getattr(sys, channel)
    if stream is None:
        return
    if isinstance(what, str):
        stream.write(what)
        return
    stream.flush()
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        stream.write(what.decode(errors="replace"))
    else:
        buffer.write(what)


def _log(_channel: str, state: dict[str, Any]) -> None:
    import logging

    record = logging.makeLogRecord(state)
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def _warn(_channel: str, what: tuple[Any, ...]) -> None:
    import warnings

    message, category, filename, lineno, module = what
    home: Any = sys.modules.get(module)
    # As if the module itself had issued it, so that it is shown as often.
    known: dict[Any, Any] | None = getattr(home, "__warningregistry__", None)
    registry: dict[Any, Any] = {} if known is None else known
    if home is not None:
        home.__warningregistry__ = registry
    # Of no module, it is none that filters could know.
    issuer = {} if module is None else {"module": module}
    _issuer.module = module
    try:
        warnings.warn_explicit(message, category, filename, lineno, **issuer, registry=registry)
    finally:
        _issuer.module = None


_REPLAYS: dict[str, Callable[[str, Any], None]] = {
    "stdout": _write_out,
    "stderr": _write_out,
    "logs": _log,
    "warnings": _warn,
}
_SOURCES = {
    "logs": _Source("logging", "Logger", "handle", _told_of_record),
    "warnings": _Source("warnings", "", "_showwarnmsg", _told_of_warning),
}
