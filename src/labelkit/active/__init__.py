"""Active learning: which records a person should see next, and why."""

from labelkit.active.mix import MIXED, is_code, needs_learner
from labelkit.active.pool import Learned
from labelkit.active.queue import Queue, QueueItem, in_order, select
from labelkit.active.strategies import STRATEGIES

__all__ = ["MIXED", "STRATEGIES", "Learned", "Queue", "QueueItem", "in_order", "is_code", "needs_learner", "select"]
