"""The generators that the functions of `random` and of `numpy.random` draw from: programs draw the
same numbers, whether their functions are memoized or not, and whether calls hit or miss."""

from __future__ import annotations

import pickle
import random
import types
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rememo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rememo import Cache

pytestmark = pytest.mark.soundness

# Bodies of a function, each with whether a call from the state that the first one was made in hits,
# and whether one from another state does.
DRAWS: dict[str, tuple[str, bool, bool]] = {
    "random.random": ("return random.random()", True, False),
    "by another name": ("from random import random as draw; return draw()", True, False),
    "randint": ("return random.randint(1, 10**6)", True, False),
    "choice, sample and shuffle": (
        "xs = list(range(9)); random.shuffle(xs)\n    return random.choice(xs), random.sample(xs, 3)",
        True,
        False,
    ),
    "gauss": ("return random.gauss(0, 1)", True, False),
    "both of gauss": ("return random.gauss(0, 1), random.gauss(0, 1)", True, False),
    "randbytes": ("return random.randbytes(9)", True, False),
    "many": ("return sum(random.random() for _ in range(2000))", True, False),
    "drawn and thrown away": ("random.random()", True, False),
    "in a helper": ("return helper()", True, False),
    "in a thread": (
        (
            "import threading; seen = []\n"
            "    thread = threading.Thread(target=lambda: seen.append(random.random()))\n"
            "    thread.start(); thread.join(); return seen"
        ),
        True,
        False,
    ),
    "state that is asked for": ("return random.getstate()[1][:3]", True, False),
    "state that is put back": (
        (
            "state = random.getstate(); random.seed(5)\n"
            "    try: return random.random()\n"
            "    finally: random.setstate(state)"
        ),
        True,
        False,
    ),
    "a seed": ("random.seed(7); return random.random()", True, True),
    "a seed, and nothing drawn": ("random.seed('seven')", True, True),
    "drawn, then seeded": ("x = random.random(); random.seed(7); return x", True, False),
    "a memoized function": ("return drawing() + random.random()", True, False),
    "a memoized function that seeds": ("return seeding() + random.random()", True, True),
    "drawn before a memoized function": ("return random.random() + drawing()", True, False),
    "another generator": ("return random.Random(1).random()", True, True),
    "nothing": ("return 1", True, True),
    "numpy's rand": ("return np.random.rand(3)", True, False),
    "numpy's, by another name": ("from numpy.random import rand; return rand()", True, False),
    "numpy's, by a global": ("return uniform(size=2), RAND.normal()", True, False),
    "numpy's choice, permutation and shuffle": (
        (
            "xs = np.arange(9); np.random.shuffle(xs)\n"
            "    return np.random.choice(xs, 3), np.random.permutation(xs)"
        ),
        True,
        False,
    ),
    "half of a pair of numpy's": ("return np.random.randn()", True, False),
    "both of a pair of numpy's": ("return np.random.randn(), np.random.randn()", True, False),
    "many of numpy's": ("return np.random.random_sample(5000).sum()", True, False),
    "numpy's through pandas": ("return pd.Series(range(9)).sample(3).tolist()", True, False),
    "numpy's through scipy": ("return scipy.stats.norm.rvs(size=3)", True, False),
    "numpy's state that is asked for": ("return np.random.get_state()[1][:3]", True, False),
    "numpy's state that is put back": (
        (
            "state = np.random.get_state(); np.random.seed(5)\n"
            "    try: return np.random.rand()\n"
            "    finally: np.random.set_state(state)"
        ),
        True,
        False,
    ),
    "numpy's state that is set": (
        "np.random.set_state(STATE); return np.random.rand()",
        True,
        True,
    ),
    "a seed of numpy's": ("np.random.seed(7); return np.random.rand()", True, True),
    "a seed of numpy's, and nothing drawn": ("np.random.seed(seed=7)", True, True),
    "numpy's drawn, then seeded": (
        "x = np.random.rand(); np.random.seed(7); return x",
        True,
        False,
    ),
    "both generators": ("return random.random() + np.random.rand()", True, False),
    "one of them seeded": ("np.random.seed(1); return random.random()", True, False),
    "a memoized function that seeds numpy's": (
        "return np_seeding() + np.random.rand()",
        True,
        True,
    ),
    "numpy's drawn before a memoized function that seeds": (
        "return np.random.rand() + np_seeding()",
        True,
        False,
    ),
    "a generator of numpy's with a seed": (
        "return np.random.default_rng(1).random(), np.random.RandomState(2).rand()",
        True,
        True,
    ),
}
HEAD = """
import random
import numpy as np
import pandas as pd
import scipy.stats
from numpy.random import uniform
from rememo import memoize
RAND = np.random.mtrand._rand
STATE = np.random.RandomState(5).get_state()
@memoize
def np_seeding(): np.random.seed(3); return np.random.rand()
def helper(): return random.random()
@memoize
def drawing(): return random.random()
@memoize
def seeding(): random.seed(3); return random.random()
"""


@pytest.fixture(autouse=True)
def generator() -> Iterator[None]:
    """Leaves the generator as it was."""
    state, numpys = random.getstate(), np.random.get_state()
    yield
    random.setstate(state)
    np.random.set_state(numpys)


def module(body: str, options: str = "") -> Any:
    """A module with a memoized function `f`, from its body, and a plain one of the same body."""
    made = types.ModuleType("randomness_probe")
    exec(f"{HEAD}@memoize({options})\ndef f():\n    {body}\n", vars(made))
    return made


def draws(call: Any, seed: int, warm: int = 0) -> tuple[object, ...]:
    """What a program gets that makes a call after some draws, and what it draws after that."""
    random.seed(seed)
    np.random.seed(seed)
    for _ in range(warm):
        random.gauss(0, 1)
        np.random.randn()
    result = call()
    state = np.random.get_state(legacy=False)
    then = random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn()
    return pickle.dumps(result), then, random.getstate(), pickle.dumps(state)


@pytest.mark.parametrize("warm", [0, 1])
@pytest.mark.parametrize("name", DRAWS)
def test_programs_draw_the_same_numbers(
    name: str, warm: int, rememo_cache: Cache, rememo_events: list[dict[str, Any]]
) -> None:
    body, same, other = DRAWS[name]
    m = module(body)

    def hits() -> list[bool]:
        own = [e["event"] for e in rememo_events if e["function"] == "randomness_probe.f"]
        del rememo_events[:]
        return [event == "hit" for event in own if event != "stored"]

    with rememo.disabled():
        plain = {seed: draws(m.f.__wrapped__, seed, warm) for seed in (1, 2)}
    assert draws(m.f, 1, warm) == plain[1]
    assert hits() == [False]
    for seed, hit in [(1, same), (2, other), (1, True), (2, True)]:
        for fresh in (False, True):
            # From memory, and from the directory.
            again = module(body) if fresh else m
            assert draws(again.f, seed, warm) == plain[seed], (seed, fresh)
            assert hits() == [hit], (seed, fresh)
            hit = True


def test_half_of_a_pair_that_is_left_counts(rememo_cache: Cache) -> None:
    m = module("return random.gauss(0, 1)")
    random.seed(1)
    expected = [random.gauss(0, 1) for _ in range(6)]
    for _ in range(2):
        random.seed(1)
        assert [m.f() for _ in range(6)] == expected


def test_a_run_that_is_allowed_to_draw_is_kept_whatever_the_state(rememo_cache: Cache) -> None:
    m = module("return random.random()", "allow=['random']")
    random.seed(1)
    first, after = m.f(), random.getstate()
    assert m.f() == first
    assert random.getstate() == after


@pytest.mark.parametrize("draw", ["random.random()", "np.random.rand()"])
def test_what_is_drawn_step_by_step_is_not_kept(draw: str, rememo_cache: Cache) -> None:
    m = module(f"for _ in range(3): yield {draw}")
    with pytest.warns(rememo.RandomnessWarning, match="in steps"):
        list(m.f())
    assert not m.f.would_hit()


def test_what_lru_cache_keeps_of_draws_is_not_kept(rememo_cache: Cache) -> None:
    m = module("return kept()")
    exec("import functools\n@functools.lru_cache\ndef kept(): return random.random()", vars(m))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m.f()
    m.kept()
    assert not m.f.would_hit()


@pytest.mark.parametrize(
    "body",
    [
        "return kept()",
        "return np.random.default_rng(np.random.get_bit_generator()).random()",
        "np.random.seed(); return np.random.rand()",
    ],
)
def test_what_is_drawn_of_numpys_in_other_ways_is_not_kept(body: str, rememo_cache: Cache) -> None:
    m = module(body)
    exec("import functools\n@functools.lru_cache\ndef kept(): return np.random.rand()", vars(m))
    with pytest.warns(rememo.RandomnessWarning):
        m.f()
    assert not m.f.would_hit()


@pytest.mark.parametrize(
    "body",
    [
        "return np.random.RandomState(2).rand()",
        "return np.random.RandomState(np.uint32(2)).rand()",
        "return pd.Series(range(9)).sample(3, random_state=0).tolist()",
        "return scipy.stats.norm.rvs(size=3, random_state=1)",
        "return train_test_split(list(range(9)), random_state=0)",
    ],
)
def test_what_is_given_a_seed_is_kept(body: str, rememo_cache: Cache) -> None:
    m = module(body)
    exec("from sklearn.model_selection import train_test_split", vars(m))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        m.f()
    assert m.f.would_hit()


@pytest.mark.parametrize(
    "body",
    [
        "return np.random.RandomState().rand()",
        "return np.random.MT19937().random_raw()",
        "import secrets; return np.random.RandomState(secrets.randbits(9)).rand()",
        "x = np.random.MT19937(); y = x.random_raw(); x._legacy_seeding(1); return y",
        "import secrets; x = secrets.randbits(128); np.random.seed(1); return x",
        # The instruction, and where the frame lies, may be that of the one before.
        (
            "import os; rs = np.random.RandomState(1); take = lambda: os.urandom(8)\n"
            "    seed = lambda: rs.seed(1)\n"
            "    x = take(); seed(); return x"
        ),
        (
            "import os; rs = np.random.RandomState(1)\n"
            "    return [call(n) for call, n in [(os.urandom, 8), (rs.seed, 1)]]"
        ),
    ],
)
def test_what_is_given_no_seed_is_not_kept(body: str, rememo_cache: Cache) -> None:
    m = module(body)
    with pytest.warns(rememo.RandomnessWarning):
        m.f()
    assert not m.f.would_hit()


def test_another_kind_of_generator_behind_numpys_functions_is_restored(rememo_cache: Cache) -> None:
    before = np.random.get_bit_generator()
    try:
        for kind in (np.random.PCG64, np.random.Philox, np.random.SFC64):
            np.random.set_bit_generator(kind(7))
            m = module(f"'{kind.__name__}'; return np.random.random_sample(3)")
            first, then = m.f(), np.random.random_sample()
            np.random.set_bit_generator(kind(7))
            assert m.f.would_hit()
            assert (m.f() == first).all()
            assert np.random.random_sample() == then
    finally:
        np.random.set_bit_generator(before)


def test_explain_names_the_generator(rememo_cache: Cache) -> None:
    m = module("return random.random()")
    random.seed(1)
    m.f()
    random.seed(2)
    assert "random generator random changed" in str(m.f.explain())
    m = module("return np.random.rand()")
    m.f()
    assert "random generator numpy.random changed" in str(m.f.explain())


def test_half_of_a_pair_that_is_drawn_before_a_seed_counts(rememo_cache: Cache) -> None:
    @rememo_cache.memoize
    def f() -> float:
        drawn = random.gauss(0, 1)
        random.seed(7)
        return drawn

    def after_a_half(seed: int) -> float:
        random.seed(seed)
        random.gauss(0, 1)
        return f()

    assert [after_a_half(1), after_a_half(1)] == [after_a_half(1)] * 2
    assert after_a_half(1) != after_a_half(2)
