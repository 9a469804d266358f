"""Label models: from votes to probabilistic labels."""

from labelkit.label_models.additive import Contributions
from labelkit.label_models.annotators import annotator_votes
from labelkit.label_models.auto import AutoLabelModel, Choice
from labelkit.label_models.base import GoldVotes, LabelModel
from labelkit.label_models.calibration import Calibration, CalibrationCounts, calibration_report
from labelkit.label_models.dawid_skene import DawidSkeneLabelModel
from labelkit.label_models.ensemble import EnsembleLabelModel
from labelkit.label_models.labels import (
    Answers,
    LabelsWriter,
    labels_content,
    labels_files,
    labels_table,
    read_labels,
    run_of,
    write_labels,
)
from labelkit.label_models.majority import MajorityLabelModel
from labelkit.label_models.pooled import PooledLabelModel
from labelkit.label_models.posterior import Posterior
from labelkit.label_models.snorkel import SnorkelLabelModel, reversals
from labelkit.label_models.storage import load_model, make_model, save_model
from labelkit.label_models.summary import lf_summary
from labelkit.label_models.weighted import WeightedLabelModel

__all__ = [
    "Answers",
    "AutoLabelModel",
    "Calibration",
    "CalibrationCounts",
    "Choice",
    "Contributions",
    "DawidSkeneLabelModel",
    "EnsembleLabelModel",
    "GoldVotes",
    "LabelModel",
    "LabelsWriter",
    "MajorityLabelModel",
    "PooledLabelModel",
    "Posterior",
    "SnorkelLabelModel",
    "WeightedLabelModel",
    "annotator_votes",
    "calibration_report",
    "labels_content",
    "labels_files",
    "labels_table",
    "lf_summary",
    "load_model",
    "make_model",
    "read_labels",
    "reversals",
    "run_of",
    "save_model",
    "write_labels",
]
