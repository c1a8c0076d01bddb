"""Build the report: pages with the figures, the firms behind them and their evidence, readable from a disk.

Nothing is fetched: no font, no picture, no script from elsewhere; what runs stands in the page and is allowed by hash.
"""

from pipelines.reporting.content import ReportInput
from pipelines.reporting.page import build_report

__all__ = ["ReportInput", "build_report"]
