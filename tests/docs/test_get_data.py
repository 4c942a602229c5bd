"""Where published data come from: page, errors and configurations agree, and the lines lead to the right place."""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zsl_runner.data.command.chosen import chosen, data_sets
from zsl_runner.data.command.cli import main
from zsl_runner.data.sources.known_files import KNOWN_FILES
from zsl_runner.data.sources.published import PAGE, PUBLISHED
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / PAGE).read_text()
SECTIONS = {
    title.lower().replace("-", "_"): body
    for title, body in re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S)
}

entries = pytest.mark.parametrize("name", PUBLISHED)


@entries
def test_the_page_says_what_the_table_says(name):
    entry, section = PUBLISHED[name], SECTIONS[name]
    facts = (entry.home, entry.archive, entry.size, entry.images, "\n".join(entry.lines), entry.check)
    assert [fact for fact in facts if fact not in section] == []
    printed = re.findall(r"\| `(\S+)` \| `([0-9a-f]{64})` \|", section)
    assert dict(printed) == entry.checksums


def test_every_section_and_checksum_of_the_page_is_known():
    assert SECTIONS.keys() == PUBLISHED.keys()
    assert set(re.findall("[0-9a-f]{64}", TEXT)) <= KNOWN_FILES.keys()


def test_configurations_demand_the_published_numbers_and_no_other_set_is_taken_for_them():
    found = {}
    for name in set(data_sets()) - {"xlsa17", "xlsa17_tasks", "image_classes", "unlabelled_images"}:
        conf = chosen(name, with_files=False)
        if isinstance(conf, XLSA17Conf) and conf.expected_rows:
            found[name.removesuffix("_tasks")] = tuple(conf.expected_rows)
    del found["flo89"]  # a split of nobody's paper
    assert found == {name: entry.rows for name, entry in PUBLISHED.items() if entry.rows}


def test_the_page_of_data_calls_those_sets_published_alone():
    rows = re.findall(r"^\| (.+?) \| published sets", (REPOSITORY / "docs" / "data.md").read_text(), re.M)
    assert set(re.findall(r"`(\w+)`", *rows)) == {name for name, entry in PUBLISHED.items() if entry.rows}


@pytest.mark.parametrize("name", sorted(PUBLISHED.keys() - {"voc", "lfw"}))
def test_a_configuration_names_the_home_of_its_data(name):
    entry = PUBLISHED[name]
    header = (REPOSITORY / "conf" / "dataset" / f"{name}.yaml").read_text().partition("defaults:")[0]
    assert f"# {entry.images or entry.home}\n" in header
    assert PAGE in header


def test_the_readme_gets_awa2_as_the_table_says():
    lines = "".join(f"    {line}\n" for line in (*PUBLISHED["awa2"].lines, PUBLISHED["awa2"].check))
    assert lines in (REPOSITORY / "README.md").read_text()


@pytest.mark.parametrize(
    "name",
    ["awa2", "awa1", "cub", "sun", "apy", "flo", "awa2_tasks", "mnist", "split_mnist", "fashion_mnist", "dsprites"],
)
def test_what_is_missing_says_where_to_get_it(name, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("ZSL_DATA", str(tmp_path))
    entry = PUBLISHED[re.sub("_tasks|split_", "", name)]
    assert main(["verify", name]) == 1
    said = capsys.readouterr().err
    assert [fact for fact in (entry.home, entry.archive, *entry.lines, entry.check, PAGE) if fact not in said] == []


@pytest.mark.parametrize("name", ["xlsa17", "flo89", "xlsa17_tasks"])
@pytest.mark.parametrize("present", [(), ("res101.mat",), ("att_splits.mat",)])
def test_own_data_are_not_told_of_an_archive(name, present, tmp_path, capsys):
    for file in present:
        (tmp_path / file).write_bytes(b"no matrix")
    for options in ([], ["semantics=sent"]):
        assert main(["verify", name, f"root={tmp_path}", *options]) == 1
        said = capsys.readouterr().err
        assert "zsl-data import" in said
        assert "docs/guides/own_data.md" in said
        assert not re.search("published|Proposed|archive|Xian|http|release", said)


def run_lines(name, folder, commands):
    """Run the shell lines of an entry where ``wget`` writes what ``commands`` says, in an empty folder."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for command, script in commands.items():
        (programs / command).write_text(f"#!{sys.executable}\n{script}")
        (programs / command).chmod(0o755)
    work = folder / "a b"
    work.mkdir()
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(PUBLISHED[name].lines)],
        cwd=work,
        env=os.environ | {"PATH": path, "ZSL_DATA": str(folder / "my data")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "my data"


@pytest.mark.parametrize("name", [name for name, entry in PUBLISHED.items() if entry.rows])
def test_the_lines_of_an_archive_bring_its_folder_to_its_place(name, tmp_path, monkeypatch):
    stem, folder = PUBLISHED[name].archive.removesuffix(".zip"), name.upper()
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        for place in (folder, "OTHER"):
            for file in ("res101.mat", "att_splits.mat"):
                archive.writestr(f"{stem}/data/{place}/{file}", place)
    wget = f"import shutil, sys\nshutil.copy({str(tmp_path / 'archive.zip')!r}, sys.argv[-1].rpartition('/')[2])\n"
    unzip = (
        "import sys, zipfile, fnmatch\nwith zipfile.ZipFile(sys.argv[1]) as archive:\n"
        "    archive.extractall(members=fnmatch.filter(archive.namelist(), sys.argv[2]))\n"
    )
    root = run_lines(name, tmp_path / name, {"wget": wget, "unzip": unzip})
    monkeypatch.setenv("ZSL_DATA", str(root))
    files = [Path(file.path) for file in chosen(name, with_files=False).required_files()]
    assert [file.read_text() for file in files] == [folder, folder]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "dsprites"])
def test_the_lines_of_files_bring_them_to_their_place(name, tmp_path, monkeypatch):
    wget = (
        "import pathlib, sys\nassert sys.argv[1] == '-P'\nfolder = pathlib.Path(sys.argv[2])\n"
        "folder.mkdir(parents=True, exist_ok=True)\n(folder / sys.argv[3].rpartition('/')[2]).write_text('')\n"
    )
    root = run_lines(name, tmp_path / name, {"wget": wget})
    monkeypatch.setenv("ZSL_DATA", str(root))
    assert all(Path(file.path).is_file() for file in chosen(name, with_files=False).required_files())


def test_voc_is_read_as_its_lines_and_program_leave_it(tmp_path, monkeypatch, capsys):
    """A stand-in of six images in VOC's folders, with void borders, several objects and annotations of parts."""
    root = tmp_path / "voc"
    for folder in ("JPEGImages", "SegmentationClass", "Annotations", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    names = [f"2007_00000{number}" for number in range(6)]
    for number, name in enumerate(names):
        Image.new("RGB", (40, 30), (number, 9, 9)).save(root / "JPEGImages" / f"{name}.jpg")
        mask = np.zeros((30, 40), np.uint8)
        mask[:10], mask[10:20], mask[20] = 1 + number % 20, 15, 255
        Image.fromarray(mask).save(root / "SegmentationClass" / f"{name}.png")
    classes = re.search(r"background,([a-z,]+)", PUBLISHED["voc"].check)[1].split(",")
    for number, name in enumerate(names):
        person = "<object><name>person</name><part><name>head</name></part></object>"
        shown = f"<annotation><object><name>{classes[number]}</name></object>{person}{person}</annotation>"
        (root / "Annotations" / f"{name}.xml").write_text(shown)
    (root / "ImageSets/Segmentation/train.txt").write_text("\n".join(names[:4]) + "\n")
    (root / "ImageSets/Segmentation/val.txt").write_text("\n".join(names[4:]) + "\n")
    monkeypatch.setenv("ZSL_DATA", str(tmp_path))
    program = re.search(r"```python\n(.*?)```", SECTIONS["voc"], re.S)[1]
    subprocess.run([sys.executable, "-c", program], check=True)
    code = main([part.replace("${ZSL_DATA:-data}", str(tmp_path)) for part in shlex.split(PUBLISHED["voc"].check)[1:]])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert (root / "tags.txt").read_text().splitlines()[1] == "2007_000001,bicycle,person"


def test_lfw_is_read_as_its_lines_leave_it(tmp_path, capsys):
    (tmp_path / "made" / "lfw_funneled").mkdir(parents=True)
    (tmp_path / "made" / "parts_lfw_funneled_gt_images").mkdir()
    for number in range(10):
        person = f"Ann_van_B{number}"
        (tmp_path / "made" / "lfw_funneled" / person).mkdir()
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"made/lfw_funneled/{person}/{person}_0001.jpg")
        mask = np.zeros((32, 32, 3), np.uint8)
        mask[:10, :, 2] = mask[10:20, :, 1] = mask[20:, :, 0] = 255
        Image.fromarray(mask).save(tmp_path / f"made/parts_lfw_funneled_gt_images/{person}_0001.ppm")
    made = str(tmp_path / "made") + os.sep
    tar = f"import shutil, sys\nname = sys.argv[2][:-4].replace('-', '_')\nshutil.move({made!r} + name, name)\n"
    root = run_lines("lfw", tmp_path / "lfw", {"wget": "", "tar": tar})
    code = main([part.replace("${ZSL_DATA:-data}", str(root)) for part in shlex.split(PUBLISHED["lfw"].check)[1:]])
    captured = capsys.readouterr()
    assert code == 0, captured.err
