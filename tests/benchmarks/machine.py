"""What the figures were measured on, and how a table of them is printed.

A figure without its machine and its load cannot be compared with another day's, so every benchmark prints both.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared"
"""The sibling folder of real sites and hand-marked pages."""

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8")


class BenchmarkError(Exception):
    """A benchmark cannot give a figure that means what it says; the message says why and what to do."""


def need_shared(*parts: str) -> Path:
    """A path inside the folder of real data.

    Raises:
        BenchmarkError: It is not there.
    """
    path = SHARED.joinpath(*parts)
    if not path.exists():
        raise BenchmarkError(f"{path} is missing: this benchmark needs the folder of real data beside the checkout")
    return path


def cpu_features() -> tuple[str, ...]:
    """Those of ``FEATURES`` that the processor has; empty where /proc/cpuinfo does not say."""
    flags = _cpuinfo("flags").split()
    return tuple(name for name in FEATURES if name in flags)


def describe(*packages: str) -> None:
    """Print the machine, its load now, and the versions that matter."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    versions = ", ".join(f"{name} {installed(name)}" for name in packages)
    print(f"machine   {_cpuinfo('model name') or platform.processor()}, {os.cpu_count()} cores, {memory:.0f} GiB")
    print(f"features  {', '.join(cpu_features()) or 'none of ' + ', '.join(FEATURES)}")
    print(f"load      {load} over 1, 5, 15 minutes at the start, nice {os.nice(0)}; {now}")
    print(f"versions  Python {platform.python_version()}, {versions}")


def installed(package: str) -> str:
    """Version of an installed package, or ``missing``."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their header, first column to the left, figures to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print()
    for row in (header, ["-" * width for width in widths], *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells))
    print()


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.split(":")[0].strip() == key), "")
