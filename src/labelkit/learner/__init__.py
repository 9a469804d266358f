"""The end model: trained on probabilistic labels, and corrected by people's answers."""

from labelkit.learner.estimators import ESTIMATORS, LINEAR
from labelkit.learner.features import KINDS
from labelkit.learner.hybrid import Hybrid, WeakLearner, weak_learner
from labelkit.learner.model import Learner, train

__all__ = ["ESTIMATORS", "KINDS", "LINEAR", "Hybrid", "Learner", "WeakLearner", "train", "weak_learner"]
