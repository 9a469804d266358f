"""Active learning: which records a person should see next, and why."""

from labelkit.active.queue import QueueItem, select
from labelkit.active.strategies import STRATEGIES

__all__ = ["STRATEGIES", "QueueItem", "select"]
