"""The page's script, style and icon, read once and served from memory: no path of a request ever meets the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.reporting.html import TEMPLATES

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    media_type: str


def read_assets() -> dict[str, Asset]:
    """Every asset by name."""
    files = [path for path in sorted(Path(__file__).parent.iterdir()) if path.suffix in _TYPES]
    files.append(TEMPLATES / "base.css")  # colours and type are the report's
    return {path.name: Asset(path.read_bytes(), _TYPES[path.suffix]) for path in files}
