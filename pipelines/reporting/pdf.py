"""Print a cluster's page to PDF with a browser of this machine: the same page, as it prints from the screen.

The browser gets a profile of its own that is thrown away, reads one file and fetches nothing: the page's
Content-Security-Policy allows nothing else. As root its sandbox cannot start, and only there it is left off.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from labels.taxonomy_file import unknown
from pipelines.errors import UsageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TIME_LIMIT_S = 120  # a page of 200 firms takes two seconds on an idle machine; the rest is for a busy one
_PAGE = re.compile(r"cluster-(\w+)\.html")


def cluster_pdf(report_folder: Path, key: str, out: Path) -> Path:
    """Print ``cluster-KEY.html`` of a report to ``out``, whole or not at all; a file of that name is replaced.

    Args:
        report_folder: Folder of the report.
        key: Key of the cluster.
        out: File to write; its folder is made when missing.

    Raises:
        UsageError: The report has no such page, no browser was found on PATH, or it could not print.
    """
    page = _page(report_folder, key)
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise UsageError(
            f"no browser was found on PATH (looked for {', '.join(BROWSERS)}): install Chromium, or open {page} in any "
            "browser and print it to PDF there"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="firmscope-pdf-") as folder:
        made = Path(folder) / "page.pdf"
        _print(browser, page.resolve(), made, Path(folder) / "profile")
        beside = out.with_name(f".{out.name}.part")
        shutil.copyfile(made, beside)
        beside.replace(out)
    return out


def _page(report_folder: Path, key: str) -> Path:
    found = {match[1]: file for file in report_folder.glob("cluster-*.html") if (match := _PAGE.fullmatch(file.name))}
    if not found:
        raise UsageError(f"{report_folder} has no page of a cluster: run firmscope report first")
    if key not in found:
        known = f"known: {', '.join(sorted(found))}"
        raise UsageError(f"the report has no page of a cluster {key!r}{unknown(key, sorted(found), known)}")
    return found[key]


def _print(browser: str, page: Path, made: Path, profile: Path) -> None:
    command = [
        browser, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-dev-shm-usage",
        "--disable-background-networking", f"--user-data-dir={profile}", "--no-pdf-header-footer",
        f"--print-to-pdf={made}", page.as_uri(),
    ]  # fmt: skip
    if os.geteuid() == 0:
        command.insert(1, "--no-sandbox")
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"{browser} did not print {page.name} within {TIME_LIMIT_S} s; close other programs"
        ) from error
    except OSError as error:
        raise UsageError(f"{browser} cannot be run ({error.strerror}); install Chromium anew") from error
    if ended.returncode or not made.is_file() or not made.read_bytes().startswith(b"%PDF"):
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UsageError(f"{browser} could not print {page.name} (exit {ended.returncode}): {last[:300]}")
