"""Build the report: one HTML file with the figures, the firms behind them and their evidence, readable from a disk.

Nothing in it runs and nothing is fetched: no script, no font, no picture from elsewhere.
"""

from pipelines.reporting.content import ReportInput
from pipelines.reporting.page import build_report

__all__ = ["ReportInput", "build_report"]
