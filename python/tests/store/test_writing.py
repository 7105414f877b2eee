"""Results are written behind the calls, and before a process ends, in whichever way it does."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from python.tests.store.conftest import Project

# So long that nothing is written because it is time.
LATER = {"REMEMO_FLUSH_EVERY": "3600"}
# As it is where nobody asks for anything.
USUAL = {"REMEMO_FLUSH_EVERY": ""}


def stored(project: Project, *keys: int) -> bool:
    """Whether all of these are hits for a fresh process."""
    done = project.run(f"import m; out = [m.noted.would_hit(x) for x in {[*keys]}]")
    return done.out == [True] * len(keys)


def test_a_result_on_its_way_is_a_hit(project: Project) -> None:
    """For this process, though nothing is stored yet."""
    done = project.run(
        """
        import m, rememo
        m.noted(1), m.noted(1)
        # Another wrapper of the same function does not know what the first one has in memory.
        again = rememo.memoize(m.noted.__wrapped__, watch="off")
        out = again.call_if_cached(1), again.would_hit(1), again.explain(1).hit
        """,
        **LATER,
    )
    assert done.out == [2, True, True]
    assert done.names[:3] == ["miss", "hit", "hit"]
    assert project.runs() == ["1"]


def test_commit_stores_what_is_on_its_way(project: Project) -> None:
    """And by the time that it returns, the events were told."""
    done = project.run(
        """
        import m, rememo
        for i in range(10): m.noted(i)
        def count():
            return [event["event"] for event in events].count("stored")
        out = [count()]
        rememo.Cache(".rememo").commit()
        out.append(count())
        """,
        **LATER,
    )
    assert done.out == [0, 10]


def test_questions_and_orders_count_what_is_on_its_way(project: Project) -> None:
    """A result that cannot be seen in the index yet is an entry all the same."""
    done = project.run(
        """
        import m
        m.noted(1), m.noted(2)
        out = [m.noted.cache_info().entries]
        m.noted(3)
        out += [m.noted.clear_entry(3), m.noted.would_hit(3)]
        m.noted(4)
        m.noted.cache_clear()
        out += [m.noted.would_hit(1), m.noted.would_hit(4)]
        """,
        **LATER,
    )
    assert done.out == [2, True, False, False, False]


def test_results_are_stored_when_it_is_time(project: Project) -> None:
    """Without anybody asking for it."""
    done = project.run(
        """
        import m
        m.noted(1)
        while not any(event["event"] == "stored" for event in events):
            time.sleep(0.001)
        """,
        **USUAL,
    )
    assert done.names == ["miss", "stored"]


ENDINGS = {
    "the end of the program": "pass",
    "sys.exit": "sys.exit(3)",
    "an exception": "raise ValueError",
    "an interrupt": "raise KeyboardInterrupt",
    "an exception in a thread": """
import threading
def fail():
    m.noted(2)
    raise ValueError
thread = threading.Thread(target=fail)
thread.start()
thread.join()
os._exit(0)""",
    "a thread that outlives the main one": """
import threading
threading.Thread(target=lambda: (time.sleep(0.2), m.noted(2))).start()""",
    "a call at exit": """
import atexit
atexit.register(m.noted, 2)""",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_results_are_stored_before_a_program_ends(project: Project, ending: str) -> None:
    """Whatever ends it, short of a signal."""
    process = project.start(f"import threading, m; m.noted(1)\n{ending}", **LATER)
    process.communicate(timeout=60)
    assert stored(project, 1, *([2] if "noted(2)" in ending or "m.noted, 2" in ending else []))


def test_calls_after_the_end_are_stored_at_once(project: Project) -> None:
    """A handler that was registered before the first call runs after the last flush."""
    project.run(
        """
        import atexit, m
        atexit.register(m.noted, 2)
        m.noted(1)
        """,
        **LATER,
    )
    assert stored(project, 1, 2)


def test_the_hook_for_exceptions_is_chained(project: Project) -> None:
    """What was there before is called, with the results stored already."""
    done = project.run(
        """
        import m
        def report(kind, error, traceback):
            print([event["event"] for event in events], kind.__name__)
        sys.excepthook = report
        m.noted(1)
        sys.excepthook(ValueError, ValueError(), None)
        assert sys.excepthook is not report
        """,
        **LATER,
    )
    assert done.names == ["miss", "stored"]


POOL = """
import m, sys, multiprocessing
def work(x):
    return m.noted(x)
def main(method):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        pool.map(work, range(6), chunksize=1)
        pool.close()
        pool.join()
    process = context.Process(target=work, args=(6,))
    process.start()
    process.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("before", ["", "m.noted(7)\n"], ids=["fresh", "in use"])
def test_workers_store_their_results(project: Project, method: str, before: str) -> None:
    """Those of `multiprocessing` end without running what is registered with `atexit`."""
    project.write(pool=POOL)
    project.run(f"import m, pool\n{before}pool.main({method!r})", **LATER)
    assert stored(project, *range(7))


def test_workers_of_an_executor_store_their_results(project: Project) -> None:
    """Of `concurrent.futures`, started in whatever way is usual here."""
    project.write(pool=POOL)
    project.run(
        """
        import pool
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2) as executor:
            out = list(executor.map(pool.work, range(6)))
        """,
        **LATER,
    )
    assert stored(project, *range(6))


def test_workers_of_joblib_store_their_results(project: Project) -> None:
    """Its workers, loky's, stay for later work, until their parent ends."""
    project.write(pool=POOL)
    project.run(
        """
        import joblib, pool
        from joblib.externals.loky import get_reusable_executor
        out = joblib.Parallel(n_jobs=2)(joblib.delayed(pool.work)(x) for x in range(6))
        get_reusable_executor().shutdown(wait=True)
        """,
        **LATER,
    )
    assert stored(project, *range(6))


def test_a_long_call_is_stored_before_its_pool_is_ended(project: Project) -> None:
    """`with Pool()` kills its workers as soon as it has their results."""
    project.write(
        slow="""
        import m, multiprocessing
        from rememo import memoize
        @memoize
        def slow(x):
            import time
            time.sleep(0.05)
            return m.double.__wrapped__(x)
        def main():
            with multiprocessing.Pool(2) as pool:
                return pool.map(slow, range(4), chunksize=1)
        """
    )
    assert project.run("import slow; out = slow.main()", **LATER).out == [0, 2, 4, 6]
    done = project.run("import slow; out = [slow.slow.would_hit(x) for x in range(4)]")
    assert done.out == [True] * 4


def test_a_fork_finds_all_results_stored(project: Project) -> None:
    """A child that is forked by hand sees them, and has nothing of its parent's to write."""
    done = project.run(
        """
        import m
        m.noted(1)
        child = os.fork()
        if child == 0:
            os._exit(0 if m.noted.would_hit(1) else 1)
        out = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        """,
        **LATER,
    )
    assert done.out == 0
    assert done.names == ["miss", "stored"]


def test_forks_amid_writing(project: Project) -> None:
    """From a thread that is not the writer's, while it and others work."""
    done = project.run(
        """
        import m, threading
        m.noted(0)
        over = threading.Event()
        def call(first):
            for x in range(first, first + 100_000):
                if over.is_set():
                    return
                m.double(x)
        threads = [threading.Thread(target=call, args=(n * 100_000,)) for n in range(2)]
        for thread in threads: thread.start()
        out = []
        for n in range(40):
            child = os.fork()
            if child == 0:
                import signal
                signal.alarm(30)
                os._exit(0 if m.noted(0) == 0 and m.double(-n) == -2 * n else 1)
            out.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        over.set()
        for thread in threads: thread.join()
        events.clear()
        """,
        **USUAL,
    )
    assert done.out == [0] * 40


def test_what_a_killed_process_told_of_is_stored(project: Project) -> None:
    """In the middle of writing in the background."""
    writer = project.start(
        """
        import itertools, m
        from rememo import _core
        def say(event):
            if event["event"] == "stored":
                os.write(1, b"stored\\n")
        _core.subscribe(say)
        for x in itertools.count():
            m.noted(x)
        """,
        **USUAL,
    )
    assert writer.stdout
    told = [next(writer.stdout) for _ in range(300)]
    writer.kill()
    told += writer.communicate()[0].splitlines()
    # They are told of in the order of the calls.
    assert stored(project, *range(len(told)))


@pytest.mark.parametrize("durability", ["background", "fsync", "fast"])
def test_durability(project: Project, durability: str) -> None:
    """Whatever is asked for, results are stored; with "fsync" before their calls return."""
    done = project.run(
        f"""
        import rememo
        cache = rememo.Cache(".rememo", durability={durability!r})
        @cache.memoize
        def repeat(x, times):
            return x * times
        repeat("a", 1), repeat("b", 5000)
        out = [event["event"] for event in events].count("stored")
        """,
        **LATER,
    )
    assert done.out == (2 if durability == "fsync" else 0)
    done = project.run(f"""
        import rememo
        cache = rememo.Cache(".rememo", durability={durability!r})
        @cache.memoize
        def repeat(x, times):
            return x * times
        out = repeat.would_hit("a", 1), repeat.call_if_cached("b", 5000) == "b" * 5000
    """)
    assert done.out == [True, True]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("durability='safe'", "durability must be one of 'background', 'fsync', 'fast'"),
        ("durability=2", "durability must be one of"),
        ("flush_every=-1", "flush_every must be from 0 to"),
        ("flush_every=float('nan')", "flush_every must be from 0 to"),
        ("flush_every='1s'", "flush_every must be a number of seconds"),
    ],
)
def test_options_without_meaning_are_refused(project: Project, options: str, error: str) -> None:
    """When the cache is made, with what there is to choose from."""
    done = project.run(f"""
        import rememo
        try:
            rememo.Cache(".rememo", {options})
        except (ValueError, TypeError) as refusal:
            out = str(refusal)
    """)
    assert error in done.out


def test_a_variable_without_meaning_is_ignored_with_a_warning(project: Project) -> None:
    """The program runs as if it were not set."""
    done = project.run(
        "import m; out = m.noted(1)", REMEMO_FLUSH_EVERY="soon", REMEMO_DURABILITY="very"
    )
    assert done.out == 2
    (durability, flush_every) = (message for _, message in done.warnings)
    assert durability.startswith("ignored REMEMO_DURABILITY: durability must be one of ")
    assert flush_every.startswith("ignored REMEMO_FLUSH_EVERY: could not convert ")
    assert stored(project, 1)


def test_importing_sets_no_hooks() -> None:
    """A program that stores nothing is left as it is."""
    check = "import sys, rememo; assert sys.excepthook is sys.__excepthook__"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=60)
