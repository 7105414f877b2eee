"""Runs probes through one cache, each in a process of its own, forked from this one.

Reads from standard input what defines the decorator and, for each probe, its directory and the call
to make. Prints a line for each: the value, what was raised, and whether a memoized function ran.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
import threading
import traceback
import warnings
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

# A probe takes milliseconds. What takes this long will not end.
SECONDS_PER_PROBE = 60


def main() -> None:
    """Runs every probe that standard input names."""
    order = json.load(sys.stdin)
    imports = [line for line in order["opening"].splitlines() if "import" in line.split()]
    # Done once here, every process that is forked has it done.
    exec("\n".join(imports), {})  # noqa: S102  from our own table of caches
    # A collection in a child would copy every page of this process.
    gc.freeze()
    for directory, call in order["probes"]:
        inside, outside = os.pipe()
        if not os.fork():
            os.close(inside)
            opening = order["opening"].format(directory=os.path.join(directory, ".cache"))  # noqa: PTH118
            probe(opening, directory, call, outside)
            # One of the caches writes its index only now. Taking the rest of the interpreter apart
            # as well would take longer than all that came before.
            atexit._run_exitfuncs()  # noqa: SLF001  no public way
            os._exit(0)
        os.close(outside)
        with os.fdopen(inside, encoding="utf-8") as pipe:
            sys.stdout.write((pipe.read() or json.dumps([None, "died", False])) + "\n")
        sys.stdout.flush()
        os.wait()


def probe(opening: str, directory: str, call: str, outside: int) -> None:
    """Runs one probe in this process, which has nothing else to do."""
    signal.alarm(SECONDS_PER_PROBE)
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr
    os.chdir(directory)
    sys.path.insert(0, directory)
    codes: dict[int, CodeType] = {}
    error, value, ran = None, None, False
    try:
        with decorated(opening, codes):
            import m
        value, ran = watched(call, {"m": m, "__name__": "m"}, codes)
    except BaseException:  # noqa: BLE001  whatever it is, it is what the probe came to
        error = traceback.format_exc()
    with os.fdopen(outside, "w", encoding="utf-8") as pipe:
        json.dump([value, error, ran], pipe)


@contextmanager
def decorated(opening: str, codes: dict[int, CodeType]) -> Iterator[None]:
    """Lets `from rememo import memoize` give the decorator of the cache, and notes its functions.

    The decorator is handed the very function that the probe defines, so a cache that reads its
    source, its globals or its closure finds them as they are. Once the probe is imported, the
    decorator's own name stands for the decorator itself.
    """
    names: dict[str, Any] = {}
    exec(opening, names)  # noqa: S102  from our own table of caches
    decorate = names["memoize"]

    def memoize(function: Callable[..., object] | None = None, **options: object) -> object:
        if function is None:
            return partial(memoize, **options)
        code = getattr(function, "__code__", None)
        codes[id(code)] = code
        return decorate(function, **options)

    sys.modules.setdefault("rememo", ModuleType("rememo")).memoize = memoize  # type: ignore[attr-defined]
    yield
    for module in list(sys.modules.values()):
        if vars(module).get("memoize") is memoize:
            module.memoize = decorate  # type: ignore[attr-defined]


def watched(call: str, names: dict[str, Any], codes: dict[int, CodeType]) -> tuple[str, bool]:
    """Makes a call; returns how its value prints, and whether one of the functions ran."""
    ran = False

    def profile(frame: FrameType, event: str, _: object) -> None:
        nonlocal ran
        ran = ran or (event == "call" and id(frame.f_code) in codes)

    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        value = eval(call, names)  # noqa: S307  from our own table of probes
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return repr(value), ran


if __name__ == "__main__":
    main()
