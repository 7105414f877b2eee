"""Every public name has a docstring, with an example that does what it says."""

from __future__ import annotations

import doctest
import importlib
import importlib.metadata
import inspect
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rememo

if TYPE_CHECKING:
    from collections.abc import Iterator

# Where names are for users; of the last two, those that the reference has.
PUBLIC = {
    "rememo": None,
    "rememo.auto": None,
    "rememo.compat.charmonium": None,
    "rememo.compat.joblib": None,
    "rememo.eviction": ["EvictionPolicy", "Worth", "check"],
    "rememo.figures": ["save"],
}
WARNINGS_PAGE = Path(__file__).parents[2] / "docs" / "warnings-and-errors.md"


def public() -> Iterator[tuple[str, object]]:
    """Yields each name with what it names."""
    for name, members in PUBLIC.items():
        module = importlib.import_module(name)
        for member in members or module.__all__:
            yield f"{name}.{member}", getattr(module, member)


def is_documented(thing: object) -> bool:
    """Whether it is a thing that says what it is: no constant, whose type does."""
    return inspect.isclass(thing) or callable(thing)


def members(name: str, thing: object) -> Iterator[tuple[str, object]]:
    """Yields the public methods and properties of one of our classes."""
    for owner in thing.__mro__ if inspect.isclass(thing) else ():
        if owner.__module__.startswith("rememo"):
            for member, value in vars(owner).items():
                plain = getattr(value, "__func__", value)
                if not member.startswith("_") and (
                    callable(plain) or inspect.isdatadescriptor(plain)
                ):
                    yield f"{name}.{member}", plain


NAMES = dict(public())
OF_CLASSES = dict(found for name, thing in NAMES.items() for found in members(name, thing))


def test_each_name_says_what_it_is() -> None:
    """In words of its own, not those of a base."""
    silent = [
        name
        for name, thing in {**NAMES, **OF_CLASSES}.items()
        if is_documented(thing) and not (thing.__doc__ or "").strip()
    ]
    assert not silent


def told_elsewhere(name: str, thing: object) -> bool:
    """Warnings and errors have their examples on a page of their own; what stands in for another
    package, in the text of its module."""
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return thing.__name__ in WARNINGS_PAGE.read_text(encoding="utf-8")
    told = importlib.import_module(name.rpartition(".")[0]).__doc__
    return name.startswith("rememo.compat.") and ">>> " in str(told)


@pytest.mark.parametrize("name", [name for name in NAMES if is_documented(NAMES[name])])
def test_its_example_does_what_it_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so do those of its methods; of what is called most, each has one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["numpy"]\n')
    inner = {of: value for of, value in OF_CLASSES.items() if of.startswith(f"{name}.")}
    for of, value in {name: NAMES[name], **inner}.items():
        module = importlib.import_module(NAMES[name].__module__)
        names = {**vars(module), "__name__": "__main__"}
        parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
        test = parser.get_doctest(inspect.cleandoc(value.__doc__ or ""), names, of, None, None)
        is_called = name == "rememo.Memoized" and callable(value)
        if of == name or (is_called and not inspect.isdatadescriptor(value)):
            assert test.examples or told_elsewhere(of, value), of
        written: list[str] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rememo.DroppedOutputWarning)
            runner.run(test, out=written.append)
        assert runner.failures == 0, "".join(written)


def test_the_version_is_told() -> None:
    """The one that the package is installed as."""
    assert rememo.__version__ == importlib.metadata.version("rememo")
