"""Stop a crawl that outgrows its memory, by what it holds now.

Scrapy's own extension asks for the peak, and Linux hands a parent's peak down through fork and exec: started from a
process that holds a model, a crawl would stop before its first request.
"""

from __future__ import annotations

from pathlib import Path

from scrapy.extensions.memusage import MemoryUsage

STATUS = Path("/proc/self/status")


class ResidentMemory(MemoryUsage):
    """Scrapy's memory limit, applied to the resident size of the moment where the system tells it (Linux)."""

    def get_virtual_size(self) -> int:
        """Resident size, bytes."""
        if not STATUS.is_file():
            return int(super().get_virtual_size())
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
