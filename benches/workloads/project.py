"""A function in the middle of a project: helpers, classes, constants of libraries, tables."""

from __future__ import annotations

import math

import numpy as np

UNITS = {"km": 1000.0, "m": 1.0, "cm": 0.01}
LEVELS = [1, 2, 5, 10, 20]
OPTIONS = {"scale": 2, "steps": [1, 2, 3]}


class Shape:
    """Something with an area."""

    sides = 0

    def area(self) -> float:
        """Returns none."""
        return float(self.sides)


class Circle(Shape):
    """A circle."""

    def area(self) -> float:
        """Returns the area of a unit circle."""
        return math.pi * LEVELS[0]


class Square(Shape):
    """A square."""

    sides = 4

    @property
    def edge(self) -> float:
        """Returns the length of an edge."""
        return UNITS["m"] * OPTIONS["scale"]  # type: ignore[operator]


def _step_0(value: float) -> float:
    return _step_1(value) + math.sqrt(value)


def _step_1(value: float) -> float:
    return _step_2(value) + float(np.mean([value]))


def _step_2(value: float) -> float:
    return _step_3(value) + LEVELS[2]


def _step_3(value: float) -> float:
    return _step_4(value) + math.sqrt(value)


def _step_4(value: float) -> float:
    return _step_5(value) + float(np.mean([value]))


def _step_5(value: float) -> float:
    return _step_6(value) + LEVELS[0]


def _step_6(value: float) -> float:
    return _step_7(value) + math.sqrt(value)


def _step_7(value: float) -> float:
    return _step_8(value) + float(np.mean([value]))


def _step_8(value: float) -> float:
    return _step_9(value) + LEVELS[3]


def _step_9(value: float) -> float:
    return _step_10(value) + math.sqrt(value)


def _step_10(value: float) -> float:
    return _step_11(value) + float(np.mean([value]))


def _step_11(value: float) -> float:
    return _step_12(value) + LEVELS[1]


def _step_12(value: float) -> float:
    return _step_13(value) + math.sqrt(value)


def _step_13(value: float) -> float:
    return _step_14(value) + float(np.mean([value]))


def _step_14(value: float) -> float:
    return _step_15(value) + LEVELS[4]


def _step_15(value: float) -> float:
    return _step_16(value) + math.sqrt(value)


def _step_16(value: float) -> float:
    return _step_17(value) + float(np.mean([value]))


def _step_17(value: float) -> float:
    return _step_18(value) + LEVELS[2]


def _step_18(value: float) -> float:
    return _step_19(value) + math.sqrt(value)


def _step_19(value: float) -> float:
    return _step_20(value) + float(np.mean([value]))


def _step_20(value: float) -> float:
    return _step_21(value) + LEVELS[0]


def _step_21(value: float) -> float:
    return _step_22(value) + math.sqrt(value)


def _step_22(value: float) -> float:
    return _step_23(value) + float(np.mean([value]))


def _step_23(value: float) -> float:
    return _step_24(value) + LEVELS[3]


def _step_24(value: float) -> float:
    return _step_25(value) + math.sqrt(value)


def _step_25(value: float) -> float:
    return _step_26(value) + float(np.mean([value]))


def _step_26(value: float) -> float:
    return _step_27(value) + LEVELS[1]


def _step_27(value: float) -> float:
    return _step_28(value) + math.sqrt(value)


def _step_28(value: float) -> float:
    return _step_29(value) + float(np.mean([value]))


def _step_29(value: float) -> float:
    return _step_30(value) + LEVELS[4]


def _step_30(value: float) -> float:
    return _step_31(value) + math.sqrt(value)


def _step_31(value: float) -> float:
    return _step_32(value) + float(np.mean([value]))


def _step_32(value: float) -> float:
    return _step_33(value) + LEVELS[2]


def _step_33(value: float) -> float:
    return _step_34(value) + math.sqrt(value)


def _step_34(value: float) -> float:
    return _step_35(value) + float(np.mean([value]))


def _step_35(value: float) -> float:
    return _step_36(value) + LEVELS[0]


def _step_36(value: float) -> float:
    return _step_37(value) + math.sqrt(value)


def _step_37(value: float) -> float:
    return _step_38(value) + float(np.mean([value]))


def _step_38(value: float) -> float:
    return _step_39(value) + LEVELS[3]


def _step_39(value: float) -> float:
    return value


def result(value: float) -> float:
    """Returns something of all of it."""
    return _step_0(value) + Circle().area() + Square().edge
