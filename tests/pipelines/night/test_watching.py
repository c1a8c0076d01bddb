"""What machines read of a night: a line a stage, metrics, and the units that start it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines.night.disk import disk_use
from pipelines.night.facts import NightFacts
from pipelines.night.prometheus import FILE, metrics_text, write_metrics
from pipelines.night.stage_lines import STAGES, stage_facts, timed
from pipelines.night.state import ListMove
from pipelines.runs import StageCounts
from pipelines.workspace import Workspace

DEPLOY = Path(__file__).parents[3] / "deploy"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """Samples as Prometheus' own parser reads them; every one has help and a type."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    return found


def test_metrics_say_the_night(facts: NightFacts) -> None:
    found = samples(metrics_text(facts))
    assert found["firmscope_night_last_success_timestamp_seconds", ()] == facts.ended_at.timestamp()
    assert found["firmscope_night_duration_seconds", ()] == 3735.4
    assert found["firmscope_night_held", ()] == 0
    assert found["firmscope_firms", ()] == 12_345
    assert found["firmscope_sites_reached_ratio", ()] == 0.99
    assert found["firmscope_list_businesses", (("cluster", "space_tech"),)] == 42
    assert found["firmscope_list_entered", (("cause", "site_changed"), ("cluster", "space_tech"))] == 3
    assert found["firmscope_stage_duration_seconds", (("stage", "crawl"),)] == 3723.4
    assert found["firmscope_drift_crossed", (("kind", "prevalence"), ("sector", "cyber"))] == 1
    assert found["firmscope_workspace_size_bytes", (("part", "lake"),)] == 1.5e9


def test_a_night_held_or_failed_leaves_the_last_success(facts: NightFacts, held: NightFacts, tmp_path: Path) -> None:
    def written(night: NightFacts) -> Samples:
        return samples(write_metrics(tmp_path / "metrics", night).read_text(encoding="utf-8"))

    success = ("firmscope_night_last_success_timestamp_seconds", ())
    assert success not in samples(metrics_text(held))
    first = written(facts)
    later = held.ended_at.replace(day=23)
    after = written(replace(held, ended_at=later))
    assert after[success] == first[success]
    assert after["firmscope_night_end_timestamp_seconds", ()] == later.timestamp()
    assert after["firmscope_night_held", ()] == 1
    failed = written(replace(facts, verdict="failed", night=None, stages=(), outcomes={}, disk={}))
    assert failed[success] == first[success]
    assert failed["firmscope_night_failed", ()] == 1
    assert failed["firmscope_list_businesses", (("cluster", "space_tech"),)] == 42


def test_a_night_without_news_keeps_what_the_publication_says(facts: NightFacts, tmp_path: Path) -> None:
    write_metrics(tmp_path, facts)
    later = facts.ended_at.replace(day=23)
    path = write_metrics(tmp_path, replace(facts, verdict="unchanged", night=None, ended_at=later))
    found = samples(path.read_text(encoding="utf-8"))
    assert found["firmscope_night_last_success_timestamp_seconds", ()] == later.timestamp()
    assert found["firmscope_firms", ()] == 12_345
    assert found["firmscope_list_businesses", (("cluster", "cyber"),)] == 12
    assert not [name for name, _ in found if name.startswith(("firmscope_list_entered", "firmscope_drift"))]


def test_labels_are_escaped(facts: NightFacts) -> None:
    assert facts.night is not None
    key = 'a"b\\c\nd} 1\nfirmscope_firms 7'
    night = replace(facts.night, lists=(ListMove(key, key, 1, 1),))
    assert samples(metrics_text(replace(facts, night=night)))["firmscope_list_businesses", (("cluster", key),)] == 1


@pytest.mark.parametrize("before", [b"", b"\xff\xfe", b"# HELP x\n", b"firmscope_firms nonsense\n"])
def test_a_file_that_is_not_ours_is_replaced(facts: NightFacts, tmp_path: Path, before: bytes) -> None:
    (tmp_path / FILE).write_bytes(before)
    assert samples(write_metrics(tmp_path, replace(facts, night=None)).read_text(encoding="utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_stage_leaves_its_line_when_it_has_ended(tmp_path: Path) -> None:
    beside = io.StringIO()
    counts = StageCounts("crawl", 9, 5, 3)
    counts.dropped["no \u2028 page"] = 1
    counts.written["pages"] = 7
    with timed(tmp_path, counts, beside):
        assert not (tmp_path / STAGES).exists()
    with pytest.raises(ValueError, match="fault"), timed(tmp_path, StageCounts("match")):
        raise ValueError("fault")
    lines = (tmp_path / STAGES).read_text(encoding="utf-8")
    assert lines == beside.getvalue()
    assert lines.count("\n") == 1
    told = json.loads(lines)
    assert told["run_id"] == tmp_path.name
    assert {name: told[name] for name in ("stage", "rows_in", "rows_out", "unchanged")} == {
        "stage": "crawl", "rows_in": 9, "rows_out": 5, "unchanged": 3,
    }  # fmt: skip
    assert told["seconds"] >= 0
    (read,) = stage_facts(tmp_path)
    assert (read.stage, read.dropped, read.written) == ("crawl", {"no \u2028 page": 1}, {"pages": 7})
    assert read.started_at.utcoffset() is not None


def test_a_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    with timed(tmp_path, StageCounts("crawl")):
        pass
    with (tmp_path / STAGES).open("a", encoding="utf-8") as file:
        file.write('{"stage": "mat')
    assert [found.stage for found in stage_facts(tmp_path)] == ["crawl"]


def test_a_run_of_an_earlier_release_has_no_lines(tmp_path: Path) -> None:
    assert stage_facts(tmp_path) == ()


def test_disk_use_adds_up_files_and_follows_no_link(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "large").write_bytes(b"x" * 100_000)
    workspace.archive_folder.mkdir(exist_ok=True)
    (workspace.archive_folder / "deep").mkdir()
    (workspace.archive_folder / "deep" / "a").write_bytes(b"x" * 321)
    (workspace.archive_folder / "link").symlink_to(tmp_path / "elsewhere")
    found = disk_use(workspace)
    assert found["archive"] == 321
    assert found["free"] > 0
    assert "index" not in found


UNITS = ("firmscope-nightly@.service", "firmscope-nightly@.timer")


def test_the_units_are_read_by_systemd_without_a_word(tmp_path: Path) -> None:
    analyser = shutil.which("systemd-analyze")
    if analyser is None:
        pytest.skip("systemd-analyze is not on this machine (Debian: apt install systemd)")
    for name in UNITS:  # the program that is started has to be there
        text = (DEPLOY / name).read_text(encoding="utf-8").replace("/usr/local/bin/firmscope", "/bin/true")
        (tmp_path / name).write_text(text, encoding="utf-8")
        shutil.copy(tmp_path / name, tmp_path / name.replace("@", "@midlands"))
    units = [str(tmp_path / name.replace("@", "@midlands")) for name in UNITS]

    def verify() -> subprocess.CompletedProcess[str]:
        return subprocess.run([analyser, "verify", *units], capture_output=True, text=True, timeout=60, check=False)

    found = verify()
    assert (found.returncode, [line for line in found.stderr.splitlines() if str(tmp_path) in line]) == (0, [])
    spoilt = Path(units[0])
    spoilt.write_text(spoilt.read_text(encoding="utf-8").replace("Type=oneshot", "Type=oneshots"), encoding="utf-8")
    assert "oneshots" in verify().stderr


def test_the_unit_takes_held_and_interrupted_nights_for_no_failure() -> None:
    service = (DEPLOY / UNITS[0]).read_text(encoding="utf-8")
    assert "\nSuccessExitStatus=10 11\n" in service
    assert "\nType=oneshot\n" in service
    assert "\nPersistent=true\n" in (DEPLOY / UNITS[1]).read_text(encoding="utf-8")


def test_the_cron_file_starts_the_command_that_there_is() -> None:
    lines = (DEPLOY / "firmscope.cron").read_text(encoding="utf-8").splitlines()
    (job,) = [line for line in lines if line and line[0] in "0123456789*"]
    minute, hour, *days, user = job.split()[:6]
    assert (int(minute) in range(60), int(hour) in range(24), days) == (True, True, ["*"] * 3)
    assert user == "firmscope"
    assert "%" not in job  # cron would take it for the end of the line
    assert any(line.startswith("MAILTO=") for line in lines)
