"""Threads and processes share one store, and do no work twice."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from python.tests.store.conftest import Project

# A child that says how it ended, and is killed if it never does.
FORKING = """
import m, signal
def in_child(work):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(20)
    status = 1
    try:
        events.clear()
        status = 0 if work() else 2
    finally:
        os._exit(status)
def names():
    return [event["event"] for event in events]
"""


def test_a_second_process_hits(project: Project) -> None:
    """What one process stored, the next is given."""
    first = project.run("import m; out = m.noted(3)")
    second = project.run("import m; out = m.noted(3)")
    assert (first.out, first.names) == (6, ["miss", "stored"])
    assert (second.out, second.names) == (6, ["hit"])
    assert project.runs() == ["3"]


def test_processes_that_ask_at_once_compute_once(project: Project) -> None:
    """Those that come while the first one runs wait for it, and hit."""
    call = "import m; out = m.gated(3)"
    runner = project.start(call)
    project.wait_for("runs")
    waiters = [project.start(call) for _ in range(2)]
    for waiter in waiters:
        project.wait_for_claim(waiter)
    project.touch("go")
    assert project.finish(runner).names == ["miss", "stored"]
    for waiter in waiters:
        done = project.finish(waiter)
        assert (done.out, done.names) == (6, ["hit"])
    assert project.runs() == ["3"]


def test_threads_that_ask_at_once_compute_once(project: Project) -> None:
    """As processes do."""
    done = project.run("""
        import m, threading
        barrier, results = threading.Barrier(5), []
        def ask():
            barrier.wait()
            results.append(m.gated(3))
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads: thread.start()
        barrier.wait()
        wait_for("runs")
        time.sleep(0.05)  # So that the others are likely to have asked.
        pathlib.Path("go").touch()
        for thread in threads: thread.join()
        out = results
    """)
    assert done.out == [6] * 4
    assert done.names == ["miss", "stored"] + ["hit"] * 3
    assert project.runs() == ["3"]


def test_a_waiter_can_be_interrupted(project: Project) -> None:
    """As the call itself could be; the runner goes on."""
    runner = project.start("import m; out = m.gated(3)")
    project.wait_for("runs")
    waiter = project.start("""
        import m
        try:
            m.gated(3)
        except KeyboardInterrupt:
            out = "interrupted"
    """)
    project.wait_for_claim(waiter)
    waiter.send_signal(signal.SIGINT)
    assert project.finish(waiter).out == "interrupted"
    project.touch("go")
    assert project.finish(runner).names == ["miss", "stored"]


def test_other_calls_do_not_wait(project: Project) -> None:
    """A call in progress holds up only its like."""
    slow = project.start("import m; m.gated(3)")
    project.wait_for("runs")
    assert project.run("import m; out = m.noted(3), m.text(1, 2)").out == [6, "1,1,"]
    project.touch("go")
    project.finish(slow)


def test_what_processes_store_at_once_is_all_kept(project: Project) -> None:
    """Four writers of fifty keys each, small results and large."""
    writer = "import m\nfor i in range({0}, {0} + 50): m.text(i, 1 + i % 2 * 2000)"
    writers = [project.start(writer.format(100 * n)) for n in range(4)]
    for started in writers:
        assert project.finish(started).names == ["miss", "stored"] * 50
    reader = """
        import m
        keys = [100 * n + i for n in range(4) for i in range(50)]
        out = all(m.text(i, 1 + i % 2 * 2000) == f"{i}," * (1 + i % 2 * 2000) for i in keys)
    """
    done = project.run(reader)
    assert done.out
    assert done.names == ["hit"] * 200


def test_a_forked_child_shares_the_store(project: Project) -> None:
    """It hits what its parent stored, and its parent hits what it stored."""
    done = project.run(
        FORKING
        + """
m.noted(1)
ended = in_child(lambda: (m.noted(1), m.noted(2)) == (2, 4)
    and names() == ["hit", "miss", "stored"])
events.clear()
out = ended, m.noted(1), m.noted(2)
"""
    )
    assert done.out == [0, 2, 4]
    assert done.names == ["hit", "hit"]
    assert project.runs() == ["1", "2"]


def test_a_grandchild_shares_the_store(project: Project) -> None:
    """Forks of forks are no different."""
    done = project.run(
        FORKING
        + """
m.noted(1)
out = in_child(lambda: in_child(lambda: m.noted(1) == 2 and names() == ["hit"]) == 0)
"""
    )
    assert done.out == 0


def test_a_child_forked_inside_a_call_leaves_its_parents_claim_alone(project: Project) -> None:
    """Both return, and both results are right."""
    project.write(
        forks="""
        import os
        from rememo import memoize
        @memoize
        def fork(x):
            return os.fork() >= 0 and x
        """
    )
    done = project.run("""
        import forks
        parent = os.getpid()
        result = forks.fork(5)
        if os.getpid() != parent:
            os._exit(0 if result == 5 else 1)
        out = result, os.waitstatus_to_exitcode(os.wait()[1])
    """)
    assert done.out == [5, 0]


def test_forking_while_another_thread_calls_harms_neither(project: Project) -> None:
    """No child finds a lock that nobody is left to give back."""
    done = project.run(
        FORKING
        + """
import threading
# Forking while a module is being imported is Python's own trouble: import all there is.
m.text(0, 1), m.text(0, 2000)
stop = threading.Event()
def call():
    i = 0
    while not stop.is_set():
        m.text(i % 40, 1 + i % 2 * 2000)
        i += 1
        if len(events) > 1000:
            events.clear()  # hits from memory come by the million
threads = [threading.Thread(target=call) for _ in range(2)]
for thread in threads: thread.start()
out = [in_child(lambda: m.text(i, 2000) == f"{i}," * 2000) for i in range(40)]
stop.set()
for thread in threads: thread.join()
"""
    )
    assert done.out == [0] * 40
    assert not done.warnings


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_shares_the_store(project: Project, method: str) -> None:
    """Whichever way its workers are started; what they stored, their parent hits."""
    project.write(
        pool="""
        import m, multiprocessing, sys
        def work(x):
            return m.noted(x)
        def main(method):
            m.noted(0)
            with multiprocessing.get_context(method).Pool(2) as pool:
                return pool.map(work, range(8), chunksize=1)
        """
    )
    done = project.run(f"""
        import m, pool
        first = pool.main({method!r})
        events.clear()
        out = first == [m.noted(x) for x in range(8)] == [2 * x for x in range(8)]
    """)
    assert done.out
    assert done.names == ["hit"] * 8
    assert sorted(project.runs()) == sorted(str(x) for x in range(8))


def test_a_memoized_function_can_be_sent_to_a_pool(project: Project) -> None:
    """By name, as a plain function is."""
    done = project.run("""
        import m, multiprocessing
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            out = pool.map(m.noted, range(4))
    """)
    assert done.out == [0, 2, 4, 6]


def test_a_recursive_function_stores_each_step(project: Project) -> None:
    """And each step is worked out once."""
    project.write(
        steps="""
        from rememo import memoize
        @memoize
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        """
    )
    done = project.run("import steps; out = steps.fib(20)")
    assert done.out == 6765
    assert done.names.count("stored") == done.names.count("miss") == 21
    assert project.run("import steps; out = steps.fib(20)").names == ["hit"]


def test_a_memoized_function_may_call_another(project: Project) -> None:
    """Each has an entry of its own, and a change of the inner one is seen by the outer."""
    module = """
        from rememo import memoize
        @memoize
        def inner(x):
            return x + {0}
        @memoize
        def outer(x):
            return inner(x) * 10
        """
    project.write(nested=module.format(1))
    done = project.run("import nested; out = nested.outer(1), nested.inner(1)")
    assert done.out == [20, 2]
    assert done.names == ["miss", "miss", "stored", "stored", "hit"]
    project.write(nested=module.format(2))
    assert project.run("import nested; out = nested.outer(1)").out == 30


def test_pool_after_pool_shares_the_store(project: Project) -> None:
    """However often and in whichever way a program starts workers; it holds no more files open."""
    project.write(
        pools="""
        import m, multiprocessing, os
        from concurrent.futures import ProcessPoolExecutor
        def work(x):
            return m.noted(x)
        def main():
            results, files = [], []
            for turn, method in enumerate(["fork", "spawn", "fork", "forkserver", "fork"]):
                context = multiprocessing.get_context(method)
                with context.Pool(2) as pool:
                    results += pool.map(work, range(2 * turn, 2 * turn + 4))
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    results += pool.map(work, range(2 * turn, 2 * turn + 4))
                m.noted(0)
                if method == "fork":
                    files.append(len(os.listdir("/proc/self/fd")))
            return results, files
        """
    )
    done = project.run("import pools; out = pools.main()")
    results, files = done.out
    wanted = [[2 * x for x in range(2 * turn, 2 * turn + 4)] * 2 for turn in range(5)]
    assert results == [each for turn in wanted for each in turn]
    # The first turn opens the store; the server of the fourth stays.
    assert files[-1] <= files[1] + 4
    assert sorted(project.runs(), key=int) == [str(x) for x in range(12)]
    assert not done.warnings
