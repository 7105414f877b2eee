"""Sees to it that results on their way are written before a process ends."""

from __future__ import annotations

import atexit
import sys

from rememo import _core

# What `typing` has under that name; but `typing` is slow to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

# After whatever else a worker does at its end, which may be calls.
_LAST = -1000


def prepare() -> None:
    """Runs in each process before it stores its first result, in forked ones too.

    In workers, before their first call: one may do nothing but be answered.
    """
    global _prepared
    if not _prepared:
        _prepared = True
        atexit.register(_core.end_all)
        _chain_except_hooks()
    _prepare_worker()


_prepared = False


def _prepare_worker() -> None:
    """Writes when a worker of `multiprocessing` ends: most end without running `atexit`."""
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None:
        return
    from multiprocessing.util import Finalize

    Finalize(None, _core.end_worker, exitpriority=_LAST)
    _core.expect_to_be_ended()


def _chain_except_hooks() -> None:
    """Writes before an uncaught exception is reported: whoever reads of it may kill the process."""
    reported = sys.excepthook

    def report(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        _core.settle_all()
        reported(kind, error, traceback)

    sys.excepthook = report
    if "threading" not in sys.modules:
        return
    import threading

    reported_by_thread = threading.excepthook

    def report_by_thread(error: Any) -> None:  # noqa: ANN401  threading.ExceptHookArgs
        _core.settle_all()
        reported_by_thread(error)

    threading.excepthook = report_by_thread
