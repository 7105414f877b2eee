"""`rememo.auto` memoizes the functions of modules as they are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Program

MODULE = """
    calls = []
    def work(x):
        calls.append  # Its state is not changed.
        return [helper(x)]
    def helper(x):
        return x + 1
    def other(x):
        return [x]
"""
CODE = """
    import rememo.auto
    rememo.auto.install("mod", min_compute_time="1ns")
    import mod
    from mod import work
    out = [work(1), mod.work(1), type(work).__name__, rememo.auto.report()]
"""


def test_what_is_installed_is_remembered_until_it_changes(program: Program) -> None:
    """Also for those who import a function by name."""
    program.write(mod=MODULE)
    out, events = program.run(CODE)
    assert out[:3] == [[2], [2], "Memoized"]
    # The helper and what calls it.
    assert events.count("stored") == 2
    out, events = program.run(CODE)
    assert (out[0], events.count("hit"), events.count("miss")) == ([2], 2, 0)
    assert "  mod.work: 2 calls answered, " in out[3]
    assert "rememo: 2 functions never called" in out[3]
    program.write(mod=MODULE.replace("x + 1", "x + 5"))
    out, events = program.run(CODE)
    assert out[:2] == [[6], [6]]
    assert events[0] == "miss"


def test_other_modules_are_left_alone(program: Program) -> None:
    """And what is compiled is no other for programs without Rememo."""
    program.write(mod=MODULE, beside=MODULE)
    out, _ = program.run(
        """
        import sys
        sys.dont_write_bytecode = False
        import rememo.auto
        rememo.auto.install("mod", min_compute_time="1ns")
        import mod, beside
        out = [type(mod.work).__name__, type(beside.work).__name__]
        """
    )
    assert out == ["Memoized", "function"]
    out, events = program.run("import mod\nout = [type(mod.work).__name__, mod.work(1)]")
    assert (out, events) == (["function", [2]], [])


def test_a_project_says_which_modules(program: Program) -> None:
    """In a table of its pyproject.toml."""
    (program.directory / "pyproject.toml").write_text(
        '[tool.rememo.auto]\nmodules = ["mod", "pkg.*"]\nmin_compute_time = "1ns"\n'
    )
    program.write(mod=MODULE, script="import rememo.auto\nimport mod\nprint(mod.work(1))\n")
    program.run_script("script")
    told = program.run_python(
        "-B", "-c", "import rememo.auto, mod; mod.work(1); print(rememo.auto.report())"
    )
    assert "mod.work: 1 call answered" in told


def test_what_a_project_says_that_makes_no_sense_is_warned_of(program: Program) -> None:
    """And nothing is memoized."""
    tables = {
        "modules = 3": "modules must be a list of names, not 3",
        "modules = ['a', 1]": "modules must be a list of names",
        "module = ['a']": "there is no setting module",
        "min_compute_time = 'soon'": "soon",
    }
    for table, said in tables.items():
        (program.directory / "pyproject.toml").write_text(f"[tool.rememo.auto]\n{table}\n")
        out, _ = program.run(
            """
            import warnings
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                import rememo.auto
            out = [str(one.message) for one in told]
            """
        )
        assert len(out) == 1
        assert said in out[0]


def test_modules_that_were_imported_before_are_told_of(program: Program) -> None:
    """Their functions are what they were."""
    program.write(mod=MODULE)
    out, _ = program.run(
        """
        import warnings
        import mod, rememo.auto
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            rememo.auto.install("mod")
        out = [type(mod.work).__name__, *(str(one.message) for one in told)]
        """
    )
    assert out[0] == "function"
    assert "mod was imported before" in out[1]


def test_its_user_is_warned_of_nothing(program: Program) -> None:
    """What is not kept is in the report, for nobody asked for it to be kept."""
    program.write(mod="import time\ndef now():\n    return time.time()\n")
    out, events = program.run(
        """
        import warnings
        import rememo.auto
        rememo.auto.install("mod", min_compute_time="1ns")
        import mod
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            mod.now(), mod.now()
        out = [len(told), rememo.auto.report()]
        """
    )
    assert out[0] == 0
    assert "  mod.now: looks at the clock" in out[1]
    # The second call is not even looked up.
    assert events.count("miss") == 1


def test_nobody_listens_to_hits(program: Program) -> None:
    """Or each would take ten times as long; they are counted all the same."""
    program.write(mod=MODULE)
    listening = """
    from rememo import _core
    asked, subscribe = [], _core.subscribe
    def noted(callback, names=None, **options):
        asked.append(names)
        return subscribe(callback, names, **options)
    _core.subscribe = noted
    """
    out, events = program.run(listening + CODE + "\n    out.append(asked)")
    assert out[-1]
    assert all(names and "hit" not in names for names in out[-1])
    assert events.count("hit") == 1
    assert "  mod.work: 1 call answered, " in out[3]
