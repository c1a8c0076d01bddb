"""Bad input: one clear message that names file, row and cure, an exit code that is not 0, and tables left alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.workspace import Workspace
from tests.pipelines.conftest import Command

HEAD = "firm_id,name,website\n"
GOOD = "f1,Firm One,example.org\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("firm_id,name\nf1,One\n", "row 1: column website is missing", id="missing column"),
        pytest.param("firm_id;name;website\nf1;One;x.org\n", "separated by semicolons", id="semicolons"),
        pytest.param("", "row 1: column firm_id is missing (found: nothing)", id="empty file"),
        pytest.param(HEAD, "no firms below the header", id="header only"),
        pytest.param(HEAD + GOOD + "f2,Two,two.example\n" + GOOD, "row 4: firm_id 'f1' stands already in row 2",
                     id="firm_id twice"),
        pytest.param(HEAD + GOOD + " ,Two,two.example\n", "row 3: firm_id is empty", id="firm_id empty"),
        pytest.param(HEAD + "f1,One,\n", "row 2: the website cell is '', which names no site", id="website empty"),
        pytest.param(HEAD + "f1,One,javascript:alert(1)\n", "row 2: the website cell 'javascript:alert(1)' is not an",
                     id="javascript address"),
        pytest.param(HEAD + "f1," + "n" * 10_000 + ",example.org\n", "row 2: name has 10,000 characters, at most 500",
                     id="a name of 10,000 characters"),
        pytest.param(HEAD + "f1,One,example.org,extra\n", "row 2: 4 cells, but the header has 3", id="a cell too many"),
        pytest.param(HEAD + 'f1,"One,example.org\n', "look for an unclosed quote", id="open quote"),
        pytest.param("firm_id,name,website,employees\nf1,One,example.org,many\n", "row 2: employees 'many'; expected a",
                     id="employees not a number"),
        pytest.param("firm_id,name,website,employees\nf1,One,example.org,-3\n", "row 2: employees '-3'", id="negative"),
        pytest.param("firm_id,name,website,turnover_gbp\nf1,One,example.org,inf\n", "row 2: turnover_gbp 'inf'",
                     id="infinite turnover"),
        pytest.param("firm_id,name,website,incorporated_on\nf1,One,example.org,31/01/2020\n",
                     "row 2: incorporated_on '31/01/2020'; expected a date such as 2020-01-31", id="date"),
    ],
)  # fmt: skip
def test_firm_list_refused(
    firmscope: Command, workspace: Workspace, tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(content, encoding="utf-8")
    before = workspace.lake.snapshots()
    answer = firmscope("--workspace", workspace.folder, "import", "firms", file)
    assert answer.code == 2
    assert message in answer.err
    assert str(file) in answer.err
    assert answer.err.count("\n") == 1
    assert "Traceback" not in answer.err
    assert Workspace(workspace.folder).lake.snapshots() == before


def test_firm_list_not_utf8(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "firms.csv"
    file.write_bytes((HEAD + GOOD).encode() + "f2,Café,cafe.example\n".encode("latin-1"))
    answer = firmscope("--workspace", workspace.folder, "import", "firms", file)
    assert answer.code == 2
    assert "row 3: not UTF-8 text; save the file as 'CSV UTF-8'" in answer.err


def test_a_byte_order_mark_and_crlf_are_what_spreadsheets_write(
    firmscope: Command, workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "firms.csv"
    file.write_bytes(
        b"\xef\xbb\xbf"
        + (HEAD + "00123,NA,example.org\n" + "1e5,null,www.example.org\n").replace("\n", "\r\n").encode()
    )
    assert firmscope("--workspace", workspace.folder, "import", "firms", file).code == 0
    held = workspace.lake.read_arrow("firms").to_pylist()
    assert {(row["firm_id"], row["name"], row["website"]) for row in held} == {
        ("00123", "NA", "example.org"),
        ("1e5", "null", "www.example.org"),
    }


def test_firms_without_a_website_are_kept_when_asked(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "firms.csv"
    file.write_text(
        "firm_id,name,website,postcode\nf1,One,,NG7 2RD\nf2,Two,javascript:alert(1),nonsense\n", encoding="utf-8"
    )
    answer = firmscope("--workspace", workspace.folder, "import", "firms", file, "--allow-missing-websites")
    assert answer.code == 0, answer.err
    assert "2 website cells could not be used" in answer.out
    assert "1 postcode cells could not be used" in answer.out
    assert [row["website"] for row in workspace.lake.read_arrow("firms").to_pylist()] == [None, None]
    assert workspace.lake.read_arrow("premises")["postcode"].to_pylist() == ["NG7 2RD"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"firm_id": "a", "name": "A"}', "row 1: text is missing or not a text"),
        ('{"firm_id": "a", "name": "A", "text": 3}', "row 1: text is missing or not a text"),
        ('{"firm_id": "", "name": "A", "text": "x"}', "row 1: firm_id is empty"),
        ("[1]", "row 1: expected an object"),
        ("firm_id,name", "row 1: not JSON"),
        (
            '{"firm_id": "a", "name": "A", "text": "x"}\n{"firm_id": "a", "name": "A", "text": "y"}',
            "row 2: firm 'a' has a text",
        ),
        ("", "no firms in it"),
    ],
)
def test_text_list_refused(firmscope: Command, workspace: Workspace, tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(line + "\n", encoding="utf-8")
    answer = firmscope("--workspace", workspace.folder, "import", "texts", file)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert message in answer.err
    assert workspace.lake.read_arrow("firms").num_rows == 0


def test_texts_with_line_separators_inside_a_line(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    text = "one\u2028two\x85three"
    file.write_text(
        json.dumps({"firm_id": "a", "name": "A", "text": text}, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    assert firmscope("--workspace", workspace.folder, "import", "texts", file).code == 0
    assert workspace.lake.read_arrow("pages")["text"].to_pylist() == ["one\u2028two three"]


def test_label_for_an_unknown_sector(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    firms, labels = tmp_path / "firms.csv", tmp_path / "labels.csv"
    firms.write_text(HEAD + GOOD, encoding="utf-8")
    labels.write_text("firm_id,sector,label\nf1,space,include\nf1,spcae,include\n", encoding="utf-8")
    assert firmscope("--workspace", workspace.folder, "import", "firms", firms).code == 0
    answer = firmscope("--workspace", workspace.folder, "labels", "import", labels)
    assert answer.code == 2
    assert f"{labels}, row 3: unknown sector 'spcae'; did you mean space?" in answer.err
    assert not workspace.labels_file.exists()


@pytest.mark.parametrize(
    ("sectors", "message"),
    [
        (
            "  - {key: a, name: A, parents: [b]}\n  - {key: b, name: B, parents: [a]}\n",
            "line 4: sectors are parents of each",
        ),
        ("  - {key: a, name: A, parents: [zz]}\n", "line 4: sector a: unknown parent 'zz'"),
    ],
)
def test_taxonomy_refused(firmscope: Command, tmp_path: Path, sectors: str, message: str) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text("id: t\nversion: 1\nsectors:\n" + sectors, encoding="utf-8")
    answer = firmscope("init", tmp_path / "ws", "--taxonomy", file)
    assert answer.code == 2
    assert message in answer.err
    assert not (tmp_path / "ws").exists()


def test_init_into_a_folder_that_is_used(firmscope: Command, workspace: Workspace) -> None:
    answer = firmscope("init", workspace.folder)
    assert answer.code == 2
    assert "exists and is not empty; name a new folder" in answer.err


def test_unknown_taxonomy(firmscope: Command, tmp_path: Path) -> None:
    answer = firmscope("init", tmp_path / "ws", "--taxonomy", "midland")
    assert answer.code == 2
    assert "neither a file nor a shipped taxonomy; shipped: midlands" in answer.err


def test_unknown_configuration_key(firmscope: Command, workspace: Workspace) -> None:
    answer = firmscope("--workspace", workspace.folder, "config", "set", "crawl.delays", "2")
    assert answer.code == 2
    assert "unknown key crawl.delays; did you mean crawl.delay_s?" in answer.err
    with workspace.config_file.open("a", encoding="utf-8") as file:
        file.write("colour = 1\n")
    for command in (["config", "show"], ["crawl"], ["nightly"], ["train"]):
        answer = firmscope("--workspace", workspace.folder, *command)
        assert answer.code == 2, command
        assert "unknown key engine.colour" in answer.err
    assert not any(workspace.runs_folder.iterdir())


def test_not_a_workspace(firmscope: Command, tmp_path: Path) -> None:
    for command in (
        ["nightly"],
        ["runs", "list"],
        ["export", "firms", "--out", tmp_path / "x.csv"],
        ["config", "show"],
    ):
        answer = firmscope("--workspace", tmp_path, *command)
        assert answer.code == 2, command
        assert "is not a firmscope workspace (no firmscope.toml); go into one with cd" in answer.err


def test_nightly_without_a_model_or_a_contact(firmscope: Command, workspace: Workspace, tmp_path: Path) -> None:
    answer = firmscope("--workspace", workspace.folder, "nightly")
    assert answer.code == 2
    assert "has no model yet; make one with: firmscope train" in answer.err
    firms = tmp_path / "firms.csv"
    firms.write_text(HEAD + GOOD, encoding="utf-8")
    assert firmscope("--workspace", workspace.folder, "import", "firms", firms).code == 0
    answer = firmscope("--workspace", workspace.folder, "crawl")
    assert answer.code == 2
    assert "crawl.contact is not set" in answer.err


def test_train_without_labels(firmscope: Command, workspace: Workspace) -> None:
    answer = firmscope("--workspace", workspace.folder, "train")
    assert answer.code == 2
    assert "no label that includes a firm with text" in answer.err


def test_a_workspace_in_use(workspace: Workspace, tmp_path: Path) -> None:
    firms = tmp_path / "firms.csv"
    firms.write_text(HEAD + GOOD, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "--workspace",
        str(workspace.folder),
        "import",
        "firms",
        str(firms),
    ]
    before = workspace.lake.snapshots()
    with workspace.locked():
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 5
    assert re.search(r"is in use by process \d+ since 20\d\d-", ended.stderr)
    assert Workspace(workspace.folder).lake.snapshots() == before
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    assert Workspace(workspace.folder).lake.snapshots() != before
