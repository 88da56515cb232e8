"""The training kit: minibatches, a loop, measurements, checkpoints and pictures.

Each part works alone, so that a ``for`` loop of one's own can be made of them; start at
:func:`agnesi.training.train`, which is made of them, too.  ``import agnesi`` does not load it.

>>> from agnesi import training
>>> x, y = ag.matrix("x"), ag.input("y", "i64[n]")
>>> w = ag.shared(np.zeros((2, 2), np.float32), "w")
>>> loss = ag.cross_entropy(x @ w, y).mean()
>>> step = ag.function([x, y], loss, updates=ag.optim.adam(ag.grad(loss, [w]), [w], rate=0.1))
>>> points = np.array([[1, 0], [0, 1], [2, 0], [0, 2]], np.float32)
>>> batches = training.Minibatches((points, np.array([0, 1, 0, 1])), size=2, seed=0)
>>> state = training.train(step, batches, epochs=30)
>>> state.rows[-1]["train_loss"] < 0.1
True
"""

from agnesi.training.checkpoints import Checkpoints, load, read, save, variables
from agnesi.training.checks import check_labels
from agnesi.training.errors import (
    CheckpointCorrupt,
    CheckpointError,
    CheckpointMismatch,
    CheckpointUnwritable,
    Diverged,
    MetricsUnwritable,
    TrainingError,
)
from agnesi.training.files import write_atomically
from agnesi.training.loop import Best, State, half_cosine, train
from agnesi.training.metrics import (
    Batches,
    Means,
    MetricsFiles,
    TensorBoard,
    Writer,
    confusion,
    csv_of,
    evaluate,
    named,
)
from agnesi.training.minibatches import Minibatches, split
from agnesi.training.prefetch import prefetched
from agnesi.training.progress import Progress, in_words, progress_bar

__all__ = [
    "Batches",
    "Best",
    "CheckpointCorrupt",
    "CheckpointError",
    "CheckpointMismatch",
    "CheckpointUnwritable",
    "Checkpoints",
    "Diverged",
    "Means",
    "MetricsFiles",
    "MetricsUnwritable",
    "Minibatches",
    "Progress",
    "State",
    "TensorBoard",
    "TrainingError",
    "Writer",
    "check_labels",
    "confusion",
    "csv_of",
    "evaluate",
    "half_cosine",
    "in_words",
    "load",
    "named",
    "prefetched",
    "progress_bar",
    "read",
    "save",
    "split",
    "train",
    "variables",
    "write_atomically",
]
