"""What a repository must not hold: paths of a machine, hosts of registries, conflicts of a merge, data."""

import re
import subprocess
from pathlib import Path

import pytest

import zsl_runner

REPOSITORY = Path(__file__).resolve().parents[2]
LARGEST_FILE = 1_000_000
DATA_SUFFIXES = {".mat", ".h5", ".hdf5", ".npy", ".npz", ".pt", ".pth", ".ckpt", ".safetensors", ".pkl"}
# Written so that this file does not contain what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.$}/~-])/{1,3}" + r"(work|root|home|opt|Users|mnt|scratch|tmp/dev)/[\w.]")
REGISTRY = re.compile(r"pypi\." + r"org|pythonhosted\." + r"org|download\.pytorch\." + r"org|npmjs\." + r"org")
CONFLICT = re.compile(r"^(<{7}|>{7}|\|{7})( |$)|^={7}$")


@pytest.fixture(scope="module")
def tracked():
    """Return the files that are or could be committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [REPOSITORY / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def matches(pattern, paths):
    found = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        name = path.relative_to(REPOSITORY)
        found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(lines, 1) if pattern.search(line)]
    return found


def test_no_path_of_a_machine(tracked):
    assert matches(MACHINE_PATH, tracked) == []


def test_no_host_of_a_registry(tracked):
    assert matches(REGISTRY, tracked) == []


def test_no_conflict_of_a_merge_is_left(tracked):
    assert matches(CONFLICT, tracked) == []


def test_no_data_and_no_large_file(tracked):
    assert [path for path in tracked if path.suffix in DATA_SUFFIXES] == []
    assert [path for path in tracked if path.stat().st_size > LARGEST_FILE] == []


def test_outputs_are_kept_empty(tracked):
    assert [path.name for path in tracked if path.is_relative_to(REPOSITORY / "outputs")] == [".gitkeep"]


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-hydra-1.4.txt"])
def test_every_dependency_is_pinned_to_one_plain_version(name):
    lines = (REPOSITORY / name).read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[0-9][0-9a-z.]*", pin)] == []
    assert ("torch==2.13.0" in pins) == (name == "constraints.txt")


def test_links_between_documents_lead_somewhere(tracked):
    pages = [path for path in tracked if path.suffix == ".md"]
    assert pages
    broken = []
    for page in pages:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            target = link.partition("#")[0]
            if target and "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(REPOSITORY)}: {link}")
    assert broken == []


def test_documents_name_the_version_of_the_package():
    version = zsl_runner.__version__
    assert f"version: {version}\n" in (REPOSITORY / "CITATION.cff").read_text()
    assert f"\n## [{version}]" in (REPOSITORY / "CHANGELOG.md").read_text()
