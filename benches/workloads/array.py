"""A function with a large result."""

import numpy as np
from numpy.typing import NDArray


def array(size: int) -> NDArray[np.float64]:
    """Returns an array of that many bytes."""
    return np.ones(size // 8)
