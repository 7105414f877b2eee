"""The command says why calls ran, in processes that are over, down to the line that changed."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from command.conftest import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

    from command.conftest import Rememo

    from conftest import Program

MODULE = """
    from rememo import memoize
    RATE = 3
    def helper(x):
        return x * RATE
    @memoize
    def price(x, file=None):
        if file:
            open(file).read()
        return helper(x) + 1
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """A program in the directory of the command."""
    from conftest import Program

    return Program(tmp_path)


def test_the_helper_that_changed_is_shown_with_its_source(
    program: Program, command: Rememo
) -> None:
    """And what else differed."""
    program.write(shop=MODULE)
    program.run("import shop; out = shop.price(1)")
    assert "nothing was stored for this function" in command("why", "price").out
    program.write(shop=MODULE.replace("x * RATE", "x * RATE + 100"))
    program.run("import shop; out = shop.price(1)")
    told = command("why", "price").out
    assert "the function, or something it uses, was not what it was" in told
    assert "function shop.helper" in told
    assert "-    return x * RATE\n" in told
    assert "+    return x * RATE + 100\n" in told
    (miss,) = command.json("why", "shop.price")["misses"]
    assert miss["reason"] == "state changed"
    assert [change["name"] for change in miss["changes"]] == ["shop.helper"]
    assert command("why").out == told
    assert told.startswith(command("why", miss["key"][:10]).out)
    assert len(command.json("why", "price", "--all")["misses"]) == 2
    assert "\x1b[3" in command("why", "price", "--color", "always").out


def test_two_states_are_compared(program: Program, command: Rememo) -> None:
    """Without a run, and either way round."""
    program.write(shop=MODULE)
    program.run("import shop; out = shop.price(1)")
    assert "was made of the same" in command("diff", "price", status=1).err
    program.write(shop=MODULE.replace("RATE = 3", "RATE = 4"))
    program.run("import shop; out = shop.price(2)")
    found = command.json("diff", "price")
    assert {(change["kind"], change["name"]) for change in found["changes"]} == {
        ("global", "shop.RATE"),
        ("argument", "x"),
    }
    old, new = found["old"]["key"], found["new"]["key"]
    back = command.json("diff", new, old)
    assert back["old"]["key"] == new
    assert {change["new"] for change in back["changes"]} == {
        change["old"] for change in found["changes"]
    }
    assert "nothing differs" in command("diff", old, old).out


def test_the_file_that_changed_is_named(program: Program, command: Rememo) -> None:
    """With its size and age."""
    program.write(shop=MODULE)
    file = command.directory / "prices.txt"
    file.write_text("one")
    program.run(f"import shop; out = shop.price(1, {str(file)!r})")
    file.write_text("one two")
    program.run(f"import shop; out = shop.price(1, {str(file)!r})")
    told = command("why", "price").out
    assert f"file {file}" in told
    assert "3 bytes" in told
    assert "7 bytes" in told


def test_calls_past_the_cache_are_explained(program: Program, command: Rememo) -> None:
    """By what could not be fingerprinted."""
    program.write(shop=MODULE)
    program.run("import shop; out = shop.price(iter([1])) if False else 1; shop.helper = None")
    program.run("import shop\ntry: shop.price(iter([1]))\nexcept TypeError: pass\nout = 1")
    (miss,) = command.json("why", "price")["misses"]
    assert miss["reason"] == "bypassed"
    assert "iterator" in miss["detail"]


def test_what_nobody_called_is_not_known(program: Program, command: Rememo) -> None:
    """Said plainly."""
    program.write(shop=MODULE)
    program.run("import shop; out = shop.price(1)")
    assert "did you mean shop.price?" in command("why", "rice", status=1).err


def test_shells_complete_and_the_manual_is_there(tmp_path: Path) -> None:
    """As installed with the package."""
    share = COMMAND.parent.parent / "share"
    script = share / "bash-completion" / "completions" / "rememo"
    typed = f"source {script}; COMP_WORDS=(rememo sho); COMP_CWORD=1; _rememo rememo sho rememo"
    done = subprocess.run(
        ["bash", "-c", f"{typed}; echo ${{COMPREPLY[@]}}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["show"]
    scripts = {
        "bash": script,
        "zsh": share / "zsh" / "site-functions" / "_rememo",
        "fish": share / "fish" / "vendor_completions.d" / "rememo.fish",
    }
    for shell, script in scripts.items():
        assert "rememo" in script.read_text()
        # Of each shell that is here: nothing else knows its grammar.
        if shutil.which(shell):
            subprocess.run([shell, "-n", script], check=True)
    manual = (share / "man" / "man1" / "rememo.1").read_text()
    for name in ("ls", "why", "doctor"):
        assert f"rememo-{name}" in manual or f"rememo {name}" in manual


def test_functions_that_are_alike_go_by_their_own_names(tmp_path: Path, command: Rememo) -> None:
    """Though what they are made of is stored once, by the name of the first."""
    from conftest import Program

    source = """
        from rememo import memoize
        RATE = {}
        @memoize
        def first(k):
            return k * RATE
        @memoize
        def second(k):
            return k * RATE
    """
    program = Program(tmp_path)
    for rate in (3, 4):
        program.write(shop=source.format(rate))
        program.run("import shop; out = shop.first(1) + shop.second(1)")
    (entry, *_) = command.json("show", "second")["entries"]
    assert [part["name"] for part in entry["parts"] if part["kind"] == "function"] == [
        "shop.second"
    ]
    for found in (command.json("why", "second")["misses"][0], command.json("diff", "second")):
        assert [change["name"] for change in found["changes"]] == ["shop.RATE"]
    explained = program.run("import shop; shop.RATE = 5; out = str(shop.second.explain(1))")
    assert "shop.RATE changed" in str(explained)
    assert "first" not in str(explained)
    command("report", "-o", "report.html")
    assert '"calls":["shop.' not in (tmp_path / "report.html").read_text()
