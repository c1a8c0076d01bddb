"""The wheel holds the five packages and nothing else, and works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"crawler", "labels", "models", "classifier", "pipelines"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with the build tools that are installed."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return next(folder.glob("*.whl"))


def test_top_level_names_are_the_five_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES
    assert not any("__pycache__" in name or name.startswith("models/artifacts") for name in names)
    assert "Classifier: Private :: Do Not Upload" in metadata
    for needed in (
        "labels/shipped/midlands/taxonomy.yaml",
        "labels/shipped/midlands/seeds/space_tech.yaml",
        "pipelines/demo/firms/derby.yaml",
        "pipelines/reporting/templates/report.html.j2",
    ):
        assert needed in names


def test_installed_outside_the_checkout_it_runs(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has the dependencies but not this checkout."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(
        subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
    )  # fmt: skip
    # A path line in a .pth file adds the folder but not its own .pth files: the editable checkout stays outside.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, cwd=tmp_path)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = str(tmp_path / "venv" / "bin" / "firmscope")
    where = "import crawler, labels, models, classifier, pipelines; print(pipelines.__file__)"
    found = subprocess.run([str(python), "-c", where], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert found.stdout.startswith(str(site))
    ended = subprocess.run(
        [command, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert ended.returncode == 0, ended.stderr
    assert "nightly" in ended.stdout
    made = subprocess.run(
        [command, "init", "ws"], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert made.returncode == 0, made.stderr
    assert "taxonomy midlands with 30 sectors" in made.stdout
