"""The end model: a scikit-learn pipeline trained on probabilistic labels."""

from labelkit.learner.model import Learner, train

__all__ = ["Learner", "train"]
