"""labelkit: labels you can trust, from labeling functions, people and expectations.

    import labelkit as lk

    @lk.labeling_function()
    def shouts(x):
        return SPAM if x.text.isupper() else lk.ABSTAIN

Every public name is listed in `__all__` and resolved when it is first used: importing labelkit loads the standard
library only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "ABSTAIN": "labelkit.matrix",
    "AnnotationStore": "labelkit.annotations",
    "AutoLabelModel": "labelkit.label_models",
    "EnsembleLabelModel": "labelkit.label_models",
    "FAULT": "labelkit.matrix",
    "Fault": "labelkit.matrix",
    "LFSummary": "labelkit.matrix",
    "LabelMatrix": "labelkit.matrix",
    "LabelingFunction": "labelkit.labeling",
    "LabelkitError": "labelkit.errors",
    "MajorityLabelModel": "labelkit.label_models",
    "MultilabelProject": "labelkit.pipeline.multilabel",
    "Posterior": "labelkit.label_models",
    "Preprocessor": "labelkit.labeling",
    "Project": "labelkit.pipeline",
    "QueueItem": "labelkit.active",
    "Records": "labelkit.records",
    "SnorkelLabelModel": "labelkit.label_models",
    "Verdict": "labelkit.validation",
    "apply_lfs": "labelkit.engines",
    "batch_labeling_function": "labelkit.labeling",
    "calibration_report": "labelkit.label_models",
    "Endpoint": "labelkit.labeling",
    "endpoint": "labelkit.labeling",
    "labeling_function": "labelkit.labeling",
    "lf_summary": "labelkit.label_models",
    "preprocessor": "labelkit.labeling",
    "prompt": "labelkit.labeling",
    "read": "labelkit.records",
    "read_sql": "labelkit.records",
    "rules": "labelkit.labeling",
    "select": "labelkit.active",
    "TransformationFunction": "labelkit.labeling",
    "train": "labelkit.learner",
    "transformation_function": "labelkit.labeling",
    "validate": "labelkit.validation",
    "weak_learner": "labelkit.learner",
}

__all__ = [
    "ABSTAIN",
    "FAULT",
    "AnnotationStore",
    "AutoLabelModel",
    "Endpoint",
    "EnsembleLabelModel",
    "Fault",
    "LFSummary",
    "LabelMatrix",
    "LabelingFunction",
    "LabelkitError",
    "MajorityLabelModel",
    "MultilabelProject",
    "Posterior",
    "Preprocessor",
    "Project",
    "QueueItem",
    "Records",
    "SnorkelLabelModel",
    "TransformationFunction",
    "Verdict",
    "apply_lfs",
    "batch_labeling_function",
    "calibration_report",
    "endpoint",
    "labeling_function",
    "lf_summary",
    "preprocessor",
    "prompt",
    "read",
    "read_sql",
    "rules",
    "select",
    "train",
    "transformation_function",
    "validate",
    "weak_learner",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'labelkit' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if TYPE_CHECKING:
    from labelkit.active import QueueItem as QueueItem, select as select
    from labelkit.annotations import AnnotationStore as AnnotationStore
    from labelkit.engines import apply_lfs as apply_lfs
    from labelkit.errors import LabelkitError as LabelkitError
    from labelkit.label_models import (
        AutoLabelModel as AutoLabelModel,
        EnsembleLabelModel as EnsembleLabelModel,
        MajorityLabelModel as MajorityLabelModel,
        Posterior as Posterior,
        SnorkelLabelModel as SnorkelLabelModel,
        calibration_report as calibration_report,
        lf_summary as lf_summary,
    )
    from labelkit.labeling import (
        Endpoint as Endpoint,
        LabelingFunction as LabelingFunction,
        Preprocessor as Preprocessor,
        TransformationFunction as TransformationFunction,
        batch_labeling_function as batch_labeling_function,
        endpoint as endpoint,
        labeling_function as labeling_function,
        preprocessor as preprocessor,
        prompt as prompt,
        rules as rules,
        transformation_function as transformation_function,
    )
    from labelkit.learner import train as train, weak_learner as weak_learner
    from labelkit.matrix import (
        ABSTAIN as ABSTAIN,
        FAULT as FAULT,
        Fault as Fault,
        LabelMatrix as LabelMatrix,
        LFSummary as LFSummary,
    )
    from labelkit.pipeline import Project as Project
    from labelkit.records import Records as Records, read as read, read_sql as read_sql
    from labelkit.validation import Verdict as Verdict, validate as validate
