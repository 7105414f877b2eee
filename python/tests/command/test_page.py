"""What the page on the command shows works as it is written there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command.steady import steady

if TYPE_CHECKING:
    from command.conftest import Rememo

PAGE = Path(__file__).parents[3] / "docs" / "command.md"
MODULE = """
    from rememo import memoize
    @memoize
    def price(x):
        return x {} 3
"""
TRAIN = """
from rememo import memoize
SEED = 7
@memoize
def fit(rows):
    return bytes([SEED]) * rows
fit(100_000)
"""
# Words of the page that stand for what the reader has.
STANDS_FOR = {"FUNCTION": "price", "TEXT": "commutes"}


def shown() -> list[list[str]]:
    """The commands of the first block, each without its name and comment."""
    block = re.search(r"^```console\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    lines = [shlex.split(line, comments=True) for line in block[1].splitlines()]
    assert all(words[:2] == ["$", "rememo"] for words in lines)
    return [[STANDS_FOR.get(word, word) for word in words[2:]] for words in lines]


def test_the_page_names_every_command(command: Rememo) -> None:
    """But those that turn another one round, or are for whoever packs it."""
    listed = command("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    commands = {line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)}
    named = {words[0] for words in shown() if words}
    assert commands - named == {"unpin", "completions", "man"}


@pytest.mark.parametrize("words", shown(), ids=" ".join)
def test_a_command_of_the_page_does_what_it_says(
    words: list[str], tmp_path: Path, command: Rememo
) -> None:
    """On a cache with results of two versions of a function, and an edit since."""
    from conftest import Program

    program = Program(tmp_path)
    for operator in ("-", "*"):
        program.write(shop=MODULE.format(operator))
        program.run("import shop; out = [shop.price(1), shop.price(2)]")
    program.write(shop=MODULE.format("*").replace("x * 3", "3 * x"))
    if words[:1] == ["accept"]:
        # Here, nobody is there to be asked.
        words = [*words, "--yes"]
    if words[:1] == ["import"]:
        command("export", words[1])
    done = command(*words)
    assert done.out
    assert "error" not in done.err


SHOP = """
    from rememo import memoize
    RATE = 3
    def helper(x):
        return x * RATE
    @memoize
    def price(x):
        return helper(x)
"""
TOOLS = """
    def clean(rows):
        return sorted(rows)
"""
STEPS = """
    import time
    from rememo import memoize
    from tools import clean
    @memoize
    def model(n):
        # So that it is the slower one.
        time.sleep(0.01)
        return clean([n])
    @memoize
    def load(n):
        return n
"""


def block(command: str, directory: Path) -> list[str]:
    """Returns what the page shows of a command, without what is another each time."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^```console\n\$ {command}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return steady(found[1], directory).splitlines()


def test_why_shows_what_the_page_shows(tmp_path: Path, command: Rememo) -> None:
    """The source with what changed in it."""
    from conftest import Program

    program = Program(tmp_path)
    for source in (SHOP, SHOP.replace("x * RATE", "x * RATE + 100")):
        program.write(shop=source)
        program.run("import shop; out = shop.price(1)")
    told = steady(command("why", "price").out, tmp_path).splitlines()
    assert told == block("rememo why price", tmp_path)


def test_show_shows_what_the_page_shows(tmp_path: Path, command: Rememo) -> None:
    """Of a result that a script stored."""
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "pyproject.toml").touch()
    for _ in range(2):
        subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=True)
    told = steady(command("show", "fit").out, tmp_path).splitlines()
    assert told == block("rememo show fit", tmp_path)


def test_impact_shows_what_the_page_shows(tmp_path: Path, command: Rememo) -> None:
    """Of an edit that nobody ran yet."""
    from conftest import Program

    program = Program(tmp_path)
    program.write(tools=TOOLS, steps=STEPS)
    program.run("import steps; out = [(steps.model(n), steps.load(n)) for n in range(12)]")
    program.write(tools=TOOLS.replace("sorted", "list"))
    told = steady(command("impact").out, tmp_path).splitlines()
    assert told == block("rememo impact", tmp_path)


def test_accept_shows_what_the_page_shows(tmp_path: Path, command: Rememo) -> None:
    """But for the question, which is not asked where nobody is there."""
    from conftest import Program

    program = Program(tmp_path)
    program.write(shop=SHOP)
    program.run("import shop; out = shop.price(1)")
    edited = "times = RATE\n        return times * x"
    program.write(shop=SHOP.replace("return x * RATE", edited))
    words = ("accept", "price", "--reason", "renamed a variable")
    told = steady(command(*words, "--yes").out, tmp_path).splitlines()
    shown = block('rememo accept price --reason "renamed a variable"', tmp_path)
    assert told == [line for line in shown if not line.endswith("[y/N] y")]
