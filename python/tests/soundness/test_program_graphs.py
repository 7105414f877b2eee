"""Random programs, edited and changed while they run: a hit is what running returns.

The suite checks the same programs each time; `make generator` checks other ones, and more of them.
A failure shows the smallest program found that fails, and a seed: to begin with that one, set
REMEMO_GENERATOR_SEED to it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from soundness.program_examples import Example, examples
from soundness.runner import Report, Runner, write

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long to go on with new batches of examples; by default, for one batch.
SECONDS = float(os.environ.get("REMEMO_GENERATOR_SECONDS", "0"))
SEED = int(os.environ.get("REMEMO_GENERATOR_SEED", time.time_ns() if SECONDS else 0))
BATCH = 400
# Where files are in memory: thousands of caches are made, of a few entries each.
MEMORY = Path("/dev/shm")
# Imported once, and not by every child.
PRELOADED = (
    "abc", "collections", "contextlib", "dataclasses", "enum", "functools", "importlib", "inspect",
    "math", "operator", "pickle", "rememo.pickling", "string", "types", "typing",
)  # fmt: skip


class Bench:
    """Runs examples in two processes, in which hashes differ."""

    def __init__(self, root: Path, runners: tuple[Runner, Runner]) -> None:
        """Makes programs below a directory."""
        self.root = root
        self.one, self.other = runners
        self.numbers = itertools.count()

    def run(self, runner: Runner, directory: Path, *expressions: str) -> list[Report]:
        """Evaluates expressions in a new process, where the program has been imported."""
        return runner.run(directory, "m", *expressions)[1:]

    def check(self, example: Example) -> None:
        """Runs an example as it is, edited, as it was again, and changed while it runs."""
        directory = self.root / str(next(self.numbers))
        try:
            first = self.check_first(example, directory)
            self.check_edited(example, directory)
            self.check_undone(example, directory, first)
        finally:
            shutil.rmtree(directory)

    def check_first(self, example: Example, directory: Path) -> Report:
        """A program that has never run returns what it returns without a cache, and stores it."""
        write(directory, example.program)
        call, plain = self.run(self.one, directory, *both(example.call))
        assert call.error is None, f"the program fails: {call.error}"
        if not example.impure:
            assert call.value == plain.value, f"runs differ: {call.value}, then {plain.value}"
            assert call.events[-1:] == ["stored"], f"not stored: {call.last}"
        return call

    def check_edited(self, example: Example, directory: Path) -> None:
        """After the edit it returns what is right; if that can do nothing, it hits."""
        write(directory, example.edited)
        if example.impure:
            runs = (
                self.run(self.other, directory, expression) for expression in both(example.call)
            )
            (call,), (plain,) = runs
        else:
            call, plain = self.run(self.other, directory, *both(example.call))
        same(call, plain, "after the edit")
        if example.harmless and not example.impure and plain.error is None:
            assert call.events == ["hit"], f"missed after a harmless edit: {call.last}"

    def check_undone(self, example: Example, directory: Path, first: Report) -> None:
        """With the edit undone, it hits in a process that never ran it; live changes are noticed."""
        write(directory, example.program)
        if example.impure:
            (call,) = self.run(self.other, directory, example.call)
            same(call, first, "after the edit was undone")
            return
        forget, calls = example.remembering, (*both(example.call), example.call)
        steps = [(), *((step, *forget) for step in example.steps), ("undo()", *forget)]
        expressions = [expression for step in steps for expression in (*step, *calls)]
        reports = iter(self.run(self.other, directory, *expressions))
        undoable = all(map(can_be_undone, example.steps))
        for number, step in enumerate(steps):
            changes = [next(reports) for _ in step]
            done, plain, again = (next(reports) for _ in calls)
            where = f"after live change {number} of {len(example.steps)} ({changes[:1]})"
            check_live(done, plain, again, where)
            if number == 0 or (undoable and number == len(steps) - 1):
                assert done.events == ["hit"], f"missed {where}: {done.last}"
                same(done, first, where)


def check_live(done: Report, plain: Report, again: Report, where: str) -> None:
    """A call does what it does without a cache, and is answered from it when made again."""
    same(done, plain, where)
    if plain.error is None:
        assert again.events == ["hit"], f"missed with nothing changed {where}: {again.last}"
        same(again, plain, f"again, {where}")


def both(call: str) -> tuple[str, str]:
    """A call, and the same without a cache."""
    return call, f"plain(lambda: {call})"


def same(one: Report, other: Report, where: str) -> None:
    """Compares results, or the types of what was raised."""
    outcomes = [
        report.value if report.error is None else raised(report.error) for report in (one, other)
    ]
    assert outcomes[0] == outcomes[1], (
        f"{outcomes[0]}, not {outcomes[1]}, {where}: {one.events}, {one.error} {other.error} {one.last}"
    )


def can_be_undone(step: str) -> bool:
    """Whether everything is as it was once a change to live objects has been undone."""
    return step.startswith(("put(", "drop(", "edit(", "cell(", "reorder("))


def raised(error: str) -> str:
    """The type of an exception, from its traceback."""
    return error.strip().splitlines()[-1].partition(":")[0]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """What runs the examples."""
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(dir=memory) as root,
        Runner(1, PRELOADED) as one,
        Runner(2, PRELOADED) as other,
    ):
        yield Bench(Path(root), (one, other))


@pytest.mark.soundness
# The smallest program that fails is looked for, at most for five minutes.
@pytest.mark.timeout(SECONDS + 600)
def test_random_programs(bench: Bench) -> None:
    """A memoized function returns what it would return without a cache, and misses only for cause."""
    end = time.monotonic() + SECONDS
    for number in itertools.count(SEED):
        run_batch(bench, number)
        if time.monotonic() >= end:
            break


def run_batch(bench: Bench, number: int) -> None:
    """Checks the examples of one seed; a failure shows the program, and the seed that led to it."""

    @seed(number)
    @settings(
        max_examples=BATCH,
        phases=[Phase.generate, Phase.shrink],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples())
    def check(example: Example) -> None:
        failure = None
        try:
            bench.check(example)
        except AssertionError as error:
            failure = str(error).partition("\nassert ")[0]
        if failure is not None:
            pytest.fail(f"{failure}\nseed {number}\n{example!r}", pytrace=False)

    check()
