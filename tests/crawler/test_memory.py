"""The crawl's memory limit is about what the crawl holds, not about the peak of the process that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from scrapy.utils.test import get_crawler
from crawler.memory import ResidentMemory
from scrapy.extensions.memusage import MemoryUsage
crawler = get_crawler(settings_dict={"MEMUSAGE_ENABLED": True})
print(ResidentMemory.from_crawler(crawler).get_virtual_size(), MemoryUsage.from_crawler(crawler).get_virtual_size())
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="only Linux hands a parent's peak down")
def test_a_parent_that_was_large_does_not_count() -> None:
    ballast = bytearray(b"x" * 600_000_000)
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    del ballast
    ours, peak = map(int, ended.stdout.split())
    assert ours < 300_000_000
    assert peak > 500_000_000  # what Scrapy's own extension reads; when this fails, ResidentMemory can go
