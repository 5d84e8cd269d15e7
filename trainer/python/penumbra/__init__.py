"""Penumbra in Python: trained nets as PyTorch modules, logs as rows, stores as arrays."""

from .log import metrics
from .store import Split, Store

__all__ = ["Split", "Store", "load", "metrics"]


def load(run, head=None, weights=None):
    """The nets of a run folder as a `penumbra.classifier.Classifier`, a torch.nn.Module.

    head:    "original", "ambiguous" or "mean"; None: the run's own `predict.head`
    weights: "best" or "final"; None: the best where the run had a validation split
    """
    from .classifier import load_classifier  # torch takes a second to import: only this needs it

    return load_classifier(run, head, weights)
