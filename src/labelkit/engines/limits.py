"""What a labeling function may take before it is stopped."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path

_DATA_PAGES = 5  # of the numbers in /proc/self/statm


@dataclass(frozen=True)
class Limits:
    """Limits of one call of a function: of a row function on one record, of a batch function on some thousands."""

    timeout: float = 0.0  # seconds; 0 for none
    memory: int = 0  # megabytes on top of what its process had; 0 for no limit

    def tick(self) -> float:
        """Seconds between two looks at a process: a function is stopped within two of them."""
        return min(0.1, max(0.01, self.timeout / 5)) if self.timeout else 0.1

    def limit_memory(self) -> None:
        """Let this process take no more than the limit on top of what it has: beyond it, allocations fail."""
        if self.memory:
            pages = int(Path("/proc/self/statm").read_text().split()[_DATA_PAGES])
            most = pages * resource.getpagesize() + self.memory * 2**20
            resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))
