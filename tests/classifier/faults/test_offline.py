"""M18: training and classifying try no connection, and work where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TAXONOMY = "id: t\nversion: 1\nsectors:\n  - {key: air, name: Aerospace}\n  - {key: cyber, name: Cyber}\n"
GUARD = """
import sys
from pathlib import Path
tried = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        tried.append((event, str(arguments[-1])))
        raise PermissionError(f"tried to reach {arguments[1:]}")
sys.addaudithook(watch)
"""
WORK = """
from pipelines.cli import main
for line in Path(sys.argv[1]).read_text().split("\\n"):
    sys.argv = ["firmscope", *line.split("|")]
    try:
        main()
    except SystemExit as end:
        assert not end.code, line
print("tried:", tried)
"""


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A file with what an analyst types from nothing to a classified list, a command to a line."""
    topics = {"air": "aircraft wings and turbines", "cyber": "firewalls against malware", "": "bread and cake"}
    rows = [
        {"firm_id": f"{key or 'bakery'}{number}", "name": "n", "text": f"We supply {words}, number {number}.",
         "url": f"https://{key or 'bakery'}{number}.example.co.uk/", "sectors": [key] if key else []}
        for key, words in topics.items() for number in range(6)
    ]  # fmt: skip
    firms, taxonomy, workspace = tmp_path / "firms.jsonl", tmp_path / "taxonomy.yaml", tmp_path / "ws"
    firms.write_text("".join(json.dumps(row) + "\n" for row in rows))
    taxonomy.write_text(TAXONOMY)
    lines = [
        ["init", workspace, "--taxonomy", taxonomy],
        ["--workspace", workspace, "import", "texts", firms],
        ["--workspace", workspace, "labels", "import", "--complete", firms],
        ["--workspace", workspace, "train"],
        ["--workspace", workspace, "classify"],
    ]
    file = tmp_path / "commands"
    file.write_text("\n".join("|".join(map(str, line)) for line in lines))
    return file


def run(program: str, *arguments: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)


def test_m18_training_and_classifying_need_no_network_and_try_none(commands: Path) -> None:
    """Where the kernel lets us, in a network of our own without any way out; the guard stands in either case."""
    alone = ("unshare", "-rn")
    able = shutil.which("unshare") and not subprocess.run([*alone, "true"], check=False, capture_output=True).returncode
    ended = run(GUARD + WORK, commands, prefix=alone if able else ())
    assert ended.returncode == 0, ended.stderr
    assert "18 firms classified" in ended.stdout
    assert "tried: []" in ended.stdout


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), timeout=1)",
        "urllib.request.urlopen('http://example.invalid/')",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
)
def test_m18_the_guard_sees_a_connection(attempt: str) -> None:
    ended = run(f"{GUARD}\nimport socket, urllib.request\n{attempt}\n")
    assert ended.returncode == 1
    assert "tried to reach" in ended.stderr
