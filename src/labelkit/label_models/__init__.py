"""Label models: from votes to probabilistic labels."""

from labelkit.label_models.base import LabelModel
from labelkit.label_models.labels import Answers, labels_table, read_labels
from labelkit.label_models.majority import MajorityLabelModel
from labelkit.label_models.posterior import Posterior
from labelkit.label_models.snorkel import SnorkelLabelModel

__all__ = [
    "Answers",
    "LabelModel",
    "MajorityLabelModel",
    "Posterior",
    "SnorkelLabelModel",
    "labels_table",
    "read_labels",
]
