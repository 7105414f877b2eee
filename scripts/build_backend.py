"""Builds the package: maturin, with the command `rememo` built first so that the wheel has it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import maturin
from maturin import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

# Where the command is laid for the wheel; maturin wants it there before there is anything in it.
DATA = Path("target/wheel-data")


def build_wheel(
    directory: str, settings: Mapping[str, str] | None = None, metadata: str | None = None
) -> str:
    """Builds a wheel; returns its name."""
    _build_command()
    return maturin.build_wheel(directory, settings, metadata)


def build_editable(
    directory: str, settings: Mapping[str, str] | None = None, metadata: str | None = None
) -> str:
    """Builds a wheel that leads to the sources; returns its name."""
    _build_command()
    return maturin.build_editable(directory, settings, metadata)


def prepare_metadata_for_build_wheel(
    directory: str, settings: Mapping[str, str] | None = None
) -> str:
    """Writes what is known of a wheel before it is built; returns the directory's name."""
    DATA.mkdir(parents=True, exist_ok=True)
    return maturin.prepare_metadata_for_build_wheel(directory, settings)


def prepare_metadata_for_build_editable(
    directory: str, settings: Mapping[str, str] | None = None
) -> str:
    """Does the same for a wheel that leads to the sources."""
    DATA.mkdir(parents=True, exist_ok=True)
    return maturin.prepare_metadata_for_build_editable(directory, settings)


def _build_command() -> None:
    # Packed sources keep no permission to execute.
    subprocess.run(["bash", Path(__file__).with_name("build-command")], check=True)
