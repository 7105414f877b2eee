"""The generator that the functions of `random` draw from: programs draw the same numbers, whether
their functions are memoized or not, and whether calls hit or miss."""

from __future__ import annotations

import random
import types
import warnings
from typing import TYPE_CHECKING, Any

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
}
HEAD = """
import random
from rememo import memoize
def helper(): return random.random()
@memoize
def drawing(): return random.random()
@memoize
def seeding(): random.seed(3); return random.random()
"""


@pytest.fixture(autouse=True)
def generator() -> Iterator[None]:
    """Leaves the generator as it was."""
    state = random.getstate()
    yield
    random.setstate(state)


def module(body: str, options: str = "") -> Any:
    """A module with a memoized function `f`, from its body, and a plain one of the same body."""
    made = types.ModuleType("randomness_probe")
    exec(f"{HEAD}@memoize({options})\ndef f():\n    {body}\n", vars(made))
    return made


def draws(call: Any, seed: object, warm: int = 0) -> tuple[object, ...]:
    """What a program gets that makes a call after some draws, and what it draws after that."""
    random.seed(seed)
    for _ in range(warm):
        random.gauss(0, 1)
    return call(), random.random(), random.gauss(0, 1), random.getstate()


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


def test_what_is_drawn_step_by_step_is_not_kept(rememo_cache: Cache) -> None:
    m = module("for _ in range(3): yield random.random()")
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


def test_explain_names_the_generator(rememo_cache: Cache) -> None:
    m = module("return random.random()")
    random.seed(1)
    m.f()
    random.seed(2)
    assert "random generator random changed" in str(m.f.explain())
