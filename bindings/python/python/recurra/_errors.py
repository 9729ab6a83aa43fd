"""Exceptions. Their messages are the program's: what was expected and what was found, and where."""


class RecurraError(Exception):
    """What the library refuses. Files that cannot be read raise Python's own `OSError` and its kinds."""


class UsageError(RecurraError, ValueError):
    """An argument that cannot be."""


class QuestionError(RecurraError, ValueError):
    """A question that does not fit the model, or has no answer, or several where a proof rests on there being one."""


class ModelError(RecurraError, ValueError):
    """A model, a checkpoint or a data set that is not what it claims to be."""


class TrainingError(RecurraError, ArithmeticError):
    """A training that left the finite numbers."""


class ForkError(RecurraError, RuntimeError):
    """A model that was opened before the process was forked: its threads are not in the new process."""


class DataError(RecurraError, ValueError):
    """Rows that cannot be worked on, or an output that belongs to something else."""
