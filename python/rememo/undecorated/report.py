"""What was memoized that nobody has decorated, and what was not, and why."""

from __future__ import annotations

import atexit
import sys

from rememo import _core
from rememo.undecorated.judge import Judge, judges, passed_over


def text() -> str:
    """Says it in lines, the most useful first."""
    used = sorted(
        (one for one in judges.values() if one.hits or (one.stored and not one.verdict)),
        key=lambda one: (-one.saved, one.name),
    )
    left = {one.name: one.verdict for one in judges.values() if one.verdict} | passed_over
    quick = [
        one.name for one in judges.values() if not one.verdict and one not in used and one.runs
    ]
    left |= dict.fromkeys(quick, "too quick")
    never = sum(1 for one in judges.values() if not (one.verdict or one in used or one.runs))
    saved = _core.time_to_read(sum(one.saved for one in used))
    lines = [f"rememo: {_counted(len(used), 'function')} memoized, {saved} saved"]
    lines += [f"  {one.name}: {_account(one)}" for one in used]
    if left:
        lines.append(f"rememo: {_counted(len(left), 'function')} left as written")
        lines += [f"  {name}: {why}" for name, why in sorted(left.items())]
    if never:
        lines.append(f"rememo: {_counted(never, 'function')} never called")
    return "\n".join(lines)


def at_exit(file: str | None = None) -> None:
    """Has the report written when the program ends: to stderr, or a file."""

    def write() -> None:
        try:
            # What the program printed comes first where both go to one place.
            if sys.stdout is not None:
                sys.stdout.flush()
            if file is not None:
                with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123  as it was typed
                    out.write(text() + "\n")
            elif sys.stderr is not None:
                sys.stderr.write(text() + "\n")
        except (OSError, ValueError) as error:
            # Neither a full disk nor a closed stream is the program's trouble.
            if sys.__stderr__ is not None and not sys.__stderr__.closed:
                sys.__stderr__.write(f"rememo: the report could not be written: {error}\n")

    atexit.register(write)


def _account(judge: Judge) -> str:
    parts: list[str] = []
    if judge.hits:
        saved = _core.time_to_read(judge.saved)
        parts.append(f"{_counted(judge.hits, 'call')} answered, {saved} saved")
    if judge.stored:
        parts.append(f"{_counted(judge.stored, 'result')} stored")
    if judge.verdict:
        parts.append(f"then left as written: {judge.verdict}")
    return "; ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
