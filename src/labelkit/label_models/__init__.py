"""Label models: from votes to probabilistic labels."""

from labelkit.label_models.base import GoldVotes, LabelModel
from labelkit.label_models.labels import (
    Answers,
    LabelsWriter,
    labels_bytes,
    labels_from,
    labels_table,
    read_labels,
    run_of,
    write_labels,
)
from labelkit.label_models.majority import MajorityLabelModel
from labelkit.label_models.posterior import Posterior
from labelkit.label_models.snorkel import SnorkelLabelModel, reversals
from labelkit.label_models.storage import load_model, make_model, save_model

__all__ = [
    "Answers",
    "GoldVotes",
    "LabelModel",
    "LabelsWriter",
    "MajorityLabelModel",
    "Posterior",
    "SnorkelLabelModel",
    "labels_bytes",
    "labels_from",
    "labels_table",
    "load_model",
    "make_model",
    "read_labels",
    "reversals",
    "run_of",
    "save_model",
    "write_labels",
]
