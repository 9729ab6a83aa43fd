"""Tiny recursive models: networks of a few million weights that answer hard questions by thinking again.

    >>> import recurra
    >>> model = recurra.Model.from_pretrained("models/sudoku4.safetensors")
    >>> results = model.solve(["1.....3..2.....4"])
    >>> results[0].answer, results[0].verified
    ('1342243142133124', True)

What there is:

* `Model`: `from_pretrained`, `solve`, `ask`, `predict`, `trace`, `quantize`, `save_pretrained`, `to_torch`.
* `Results`: answers as columns; `to_pandas()`, `to_arrow()`.
* `train`, `quantize`, `import_checkpoint`, `load_data`.
* `tasks`: reading, making, checking and exactly solving puzzles without a model: `tasks.sudoku`, `tasks.maze`, `tasks.grid(rules=...)`.
* `recurra.ray`, `recurra.spark`: many questions on many machines.

`verified` of an answer means that the task's own rules hold for the whole answer and for what the question gives. For a puzzle with
one solution, and all others are refused, that is proof.

Calls that compute let other threads run, and Ctrl-C ends them within an improvement step. A model may be shared by threads. It is
pickled as its path (or its bytes, if it has none), and must be opened again after a fork.
"""

from recurra import tasks
from recurra._checkpoint import import_checkpoint, load_data
from recurra._errors import DataError, ForkError, ModelError, QuestionError, RecurraError, TrainingError, UsageError
from recurra._model import Model, Prediction, quantize
from recurra._native import version as _version
from recurra._results import Answer, Results
from recurra._trace import Trace
from recurra._train import Progress, Training, train

__version__ = _version()

__all__ = [
    "Answer",
    "DataError",
    "ForkError",
    "Model",
    "ModelError",
    "Prediction",
    "Progress",
    "QuestionError",
    "RecurraError",
    "Results",
    "Trace",
    "Training",
    "TrainingError",
    "UsageError",
    "import_checkpoint",
    "load_data",
    "quantize",
    "tasks",
    "train",
]
