"""Engines: where labeling functions meet records."""

from labelkit.engines.base import ChunkVotes, Engine
from labelkit.engines.cache import VoteCache
from labelkit.engines.limits import Limits
from labelkit.engines.local import LocalEngine, apply_lfs

__all__ = ["ChunkVotes", "Engine", "Limits", "LocalEngine", "VoteCache", "apply_lfs"]
