"""Imports point one way, and looking at the help costs nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "scrapy", "sklearn", "pyiceberg", "pandas", "pyarrow", "sentence_transformers", "transformers")


def test_imports_point_one_way() -> None:
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "stages point one way KEPT" in ended.stdout


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\nfrom pipelines.cli import main\nsys.argv = ['firmscope', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\nassert not loaded, loaded\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    for command in ("nightly", "crawl", "train", "classify", "evaluate", "export", "init", "labels", "import", "demo"):
        assert command in ended.stdout


def test_packages_are_light() -> None:
    for package in ("crawler", "labels", "models", "classifier", "pipelines"):
        program = f"import sys, {package}\nassert not [name for name in {HEAVY!r} if name in sys.modules]"
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_help_answers_at_once() -> None:
    def seconds(*arguments: str) -> float:
        """Of the processor: the clock of a busy machine tells of its other work."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Half a second on a quiet machine; told apart from a slow machine by an interpreter that does nothing.
    assert seconds("-m", "pipelines.cli", "--help") < 0.5 + 20 * seconds("-c", "pass")


def test_no_package_holds_a_catch_all() -> None:
    forbidden = {"utils", "common", "helpers"}
    found = [path for path in ROOT.rglob("*.py") if forbidden & {*path.parts, path.stem} and ".venv" not in path.parts]
    assert found == []
    assert not (ROOT / "crawler" / "pipelines.py").exists()
    assert not (ROOT / "crawler" / "items.py").exists()
