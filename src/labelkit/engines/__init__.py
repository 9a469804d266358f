"""Engines: where labeling functions meet records."""

from labelkit.engines.base import Cast, Engine
from labelkit.engines.local import LocalEngine, apply_lfs

__all__ = ["Cast", "Engine", "LocalEngine", "apply_lfs"]
