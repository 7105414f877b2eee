"""A function that uses large libraries, and few of their names."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd


def plotted(size: int) -> float:
    """Returns a small result, and comes near none of the libraries."""
    if size < 0:
        table = pd.DataFrame({"x": np.arange(size), "y": np.sin(np.arange(size))})
        plt.plot(table["x"], table["y"])
    return size * 2.0
