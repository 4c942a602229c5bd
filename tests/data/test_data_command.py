"""The command zsl-data, as a person would call it."""

import errno
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import matplotlib.image
import numpy as np
import pytest
import scipy.io
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tests.data.data_command import run
from zsl_runner.config.quoting import setting
from zsl_runner.config.registry import schemas
from zsl_runner.data.command.chosen import chosen, data_sets, missing_files
from zsl_runner.data.command.cli import main
from zsl_runner.data.command.describe import draw
from zsl_runner.data.command.preparation import prepare
from zsl_runner.data.command.verification import verify
from zsl_runner.data.sources.digits.conf import DigitsConf
from zsl_runner.data.sources.digits.source import load as load_digits
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.toy.source import load as load_toy
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.folders import KeptCopy

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_help_and_every_command_import_no_torch(tmp_path):
    code = (
        "import sys; from zsl_runner.data.command.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    for arguments in (
        ["--help"],
        ["extract", "--help"],
        ["class-vectors", "--help"],
        ["synthesize", str(tmp_path / "x")],
        ["describe", "xlsa17", f"root={tmp_path / 'x'}"],
    ):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        assert done.stdout


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for word in ("prepare", "verify", "describe", "synthesize", "zsl-data prepare cub --source", "Exit codes"):
        assert word in text


def test_synthesize_writes_a_folder_that_loads(own, capsys):
    assert sorted(path.name for path in own.iterdir()) == ["SOURCE.txt", "att_splits.mat", "res101.mat"]
    records = load(XLSA17Conf(name="own", root=str(own), cache=None))
    assert records.features.shape == (960, 64)
    assert (len(records.seen_classes), len(records.unseen_classes)) == (12, 4)
    assert (len(records.trainval), len(records.test_seen), len(records.test_unseen)) == (576, 144, 240)
    stored = scipy.io.loadmat(own / "res101.mat")
    assert (stored["labels"].dtype, stored["features"].dtype) == (np.uint8, np.float32)
    # The rows are in random order, as in real files with several sources; labels and splits moved with them.
    assert (np.diff(records.labels) < 0).any()


def test_synthesized_rows_keep_their_labels(own):
    """Rows of a class lie around their class mean, so a nearest-mean rule is right on the test rows."""
    records = load(XLSA17Conf(name="own", root=str(own), cache=None))
    means = np.stack(
        [records.features[records.trainval][records.labels[records.trainval] == k].mean(0) for k in range(12)]
    )
    distances = np.linalg.norm(records.features[records.test_seen][:, None] - means, axis=-1)
    assert (distances.argmin(1) == records.labels[records.test_seen]).mean() > 0.98


def test_both_versions_of_synthesize_hold_the_same(own, tmp_path, capsys):
    assert run(capsys, "synthesize", tmp_path / "new", "--v73")[0] == 0
    old, new = (load(XLSA17Conf(name="own", root=str(root), cache=None)) for root in (own, tmp_path / "new"))
    for name in ("features", "labels", "class_vectors", "trainval", "validation_classes"):
        np.testing.assert_array_equal(getattr(old, name), getattr(new, name))


def test_synthesize_options_and_refusals(tmp_path, capsys):
    folder = tmp_path / "sized"
    sizes = ["--seen", 5, "--unseen", 3, "--attributes", 7, "--width", 9, "--rows", 10, "--seed", 4]
    code, out, _ = run(capsys, "synthesize", folder, *sizes)
    assert code == 0
    assert f"dataset.root={folder}" in out
    assert load(XLSA17Conf(name="own", root=str(folder), cache=None)).features.shape == (80, 9)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    code, _, err = run(capsys, "synthesize", folder)
    assert code == 2
    assert "exists already and is not overwritten" in err
    code, _, err = run(capsys, "synthesize", folder / "res101.mat" / "below")
    assert code == 2
    assert "res101.mat is a file; expected a folder" in err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert run(capsys, "synthesize", tmp_path / "x", "--seen", 1)[0] == 2
    assert run(capsys, "synthesize", tmp_path / "x", "--rows", 4)[0] == 2
    assert not (tmp_path / "x").exists()


def test_prepare_writes_the_cache_and_says_how_to_use_it(own, tmp_path, capsys):
    code, out, err = run(capsys, "prepare", "xlsa17", "--source", own)
    assert (code, err) == (0, "")
    (cache,) = (tmp_path / "cache").iterdir()
    assert str(cache) in out
    assert f"zsl-run dataset=xlsa17 dataset.name=mine dataset.root={own}" in out
    assert "dataset=xlsa17 dataset.name=a dataset" in run(capsys, "prepare", "xlsa17", "--source", own, "name=a")[1]
    assert "dataset.cache" not in out
    code, out, _ = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", tmp_path / "other")
    assert code == 0
    assert f"dataset.cache={tmp_path / 'other'}" in out
    assert len(list((tmp_path / "other").iterdir())) == 1


def test_prepare_fails_where_no_cache_can_be(own, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", tmp_path / "file" / "cache")
    assert code == 2
    assert err.count("\n") == 1  # the data were not read before it was known to be in vain
    assert "file is a file; expected a folder" in err
    assert run(capsys, "prepare", "xlsa17", "cache=null", "--source", own)[:2] == (2, "")
    code, _, err = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", own / "cache")
    assert code == 2
    assert "never written to" in err
    assert run(capsys, "prepare", "toy")[1].count("nothing to prepare") == 1


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("xlsa17", "--source", "mine"), "mine-res101-*.h5"),
        (("digit_canvas_embedded", "train=8"), "digit_canvas-*.npz"),
    ],
)
def test_prepare_on_a_full_disk_tells_it_once(own, tmp_path, capsys, monkeypatch, arguments, name):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("zsl_runner.files.writing.os.fsync", full)
    monkeypatch.chdir(own.parent)
    code, out, err = run(capsys, "prepare", *arguments, "--cache", tmp_path / "c")
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    told = "the cache cannot be written: No space left on device; make room, or choose another folder with --cache DIR"
    assert fnmatch(line, f"zsl-data: {tmp_path}/c/{name}: {told}")
    assert list((tmp_path / "c").iterdir()) == []


@pytest.mark.parametrize("below", ["", "/deeper"])
def test_a_link_to_itself_is_no_place_for_data_or_their_cache(own, tmp_path, capsys, below):
    (tmp_path / "loop").symlink_to("loop")
    place = f"{tmp_path}/loop{below}"
    code, _, err = run(capsys, "prepare", "xlsa17", "--source", own, "--cache", place)
    assert code == 2
    assert "loop: Too many levels of symbolic links; choose another folder" in err.replace("/deeper", "")
    assert run(capsys, "describe", "xlsa17", "--source", own, f"cache={place}")[0] == 0
    code, _, err = run(capsys, "describe", "xlsa17", "--source", place)
    assert code == 2
    assert "dataset.root" in err


def test_verify_reports_files_and_sizes_and_reads_no_cache(own, tmp_path, capsys):
    assert run(capsys, "prepare", "xlsa17", "--source", own)[0] == 0
    code, out, err = run(capsys, "verify", "xlsa17", "--source", own, "expected_classes=[12,4]")
    assert (code, err) == (0, "")
    assert len(re.findall(r"sha256 [0-9a-f]{64}\n", out)) == 2
    for line in (
        "not known by its checksum",
        "12 seen (2 of them for validation), 4 unseen (as expected)",
        "576 trainval, 144 test_seen, 240 test_unseen (no expectation configured)",
        "invariants hold",
    ):
        assert line in out
    # A damage that leaves size and time of change alone is found, because the cache is not asked.
    path = own / "att_splits.mat"
    code, _, err = run(capsys, "verify", "xlsa17", "--source", own, "expected_rows=[1,2,3]")
    assert code == 1
    assert "expected_rows: expected [1, 2, 3], found [576, 144, 240]" in err
    stat = (own / "res101.mat").stat()
    content = bytearray((own / "res101.mat").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (own / "res101.mat").write_bytes(bytes(content))
    os.utime(own / "res101.mat", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert run(capsys, "verify", "xlsa17", "--source", own)[0] == 1
    path.write_bytes(path.read_bytes()[:100])
    assert run(capsys, "verify", "xlsa17", "--source", own)[0] == 1


def test_all_takes_what_is_there_and_lists_what_is_not(tmp_path, capsys, own, monkeypatch):
    some = {"cub", "digits", "sun", "toy", "xlsa17"}  # all of them, with the drawn ones, take long
    assert some < set(data_sets())
    monkeypatch.setattr("zsl_runner.data.command.chosen.data_sets", lambda: sorted(some))
    code, out, _ = run(capsys, "verify", "--all")
    assert code == 0
    assert out.count("invariants hold") == 2  # digits and toy need no files
    assert "left out: " in out
    assert f"cub ({tmp_path}/nothing/xlsa17/CUB/res101.mat is not there)" in out
    assert "xlsa17 (needs --source)" in out
    broken = tmp_path / "nothing" / "xlsa17" / "SUN"
    broken.mkdir(parents=True)
    for path in own.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    code, out, err = run(capsys, "prepare", "--all", "--cache", tmp_path / "c")
    assert code == 1
    assert "sun: " in err
    assert "expected_classes: expected [645, 72], found [12, 4]" in err
    assert out.count("nothing to prepare") == 2
    code, _, err = run(capsys, "prepare", "--all", "cub")
    assert code == 2
    assert "takes no name" in err


def test_a_folder_that_may_not_be_entered_does_not_stop_the_others(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("zsl_runner.data.command.chosen.data_sets", lambda: ["cub", "toy"])
    is_file = Path.is_file

    def guarded(path):
        if "CUB" in path.parts:  # tests may run as a user whom no permission stops
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", guarded)
    code, out, err = run(capsys, "verify", "--all")
    assert code == 1
    assert err == f"cub: {tmp_path}/nothing/xlsa17/CUB/res101.mat: Permission denied\n"
    assert out.count("invariants hold") == 1
    assert out.endswith("left out: none\n")


@dataclass
class KeptConf(ToyConf):
    """A data set that this project does not know, and that keeps a copy."""

    implementation: ClassVar[str] = f"{__name__}:load_kept"
    kept_copy: ClassVar[str] = f"{__name__}:kept_copy"
    cache: str | None = "auto"

    def expectations(self):
        return {"classes": self.seen, "rows": None}


def load_kept(conf):
    if conf.cache is not None:
        (Path(conf.cache) / "copy").write_text("")
    return load_toy(conf)


def kept_copy(conf):
    path = None if conf.cache is None else Path(conf.cache) / "copy"
    return KeptCopy(path, usable=path is not None and path.is_file())


def test_a_new_data_set_declares_its_cache_and_its_expectations(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    conf = KeptConf(name="kept", cache=str(tmp_path))
    report = "\n".join(prepare("kept", conf))
    assert f"  cache {tmp_path / 'copy'}\n" in report
    assert f"zsl-run dataset=kept dataset.cache={tmp_path}" in report
    (tmp_path / "copy").unlink()
    report = "\n".join(verify("kept", conf))
    assert not (tmp_path / "copy").exists()  # the files were read, no copy was asked for or made
    assert re.search(r"classes .* unseen \(as expected\)", report)
    assert re.search(r"rows .* test_unseen \(no expectation configured\)", report)
    with pytest.raises(ConfigError, match="expected a folder for the cache, found null"):
        list(prepare("kept", KeptConf(name="kept", cache=None)))


def test_no_data_set_is_named_where_all_are_handled():
    folder = Path(prepare.__code__.co_filename).parent
    for name in ("preparation.py", "verification.py", "../load.py"):
        imported = re.findall(r"from zsl_runner\.data\.sources\.(\w+)\.", (folder / name).read_text())
        assert imported == [], name


def test_describe_says_what_is_in_the_data(capsys):
    code, out, err = run(capsys, "describe", "digits", "fold=2")
    assert (code, err) == (0, "")
    for line in (
        "digits: 1,797 rows of 64 features, 10 classes (embedded data)",
        "own (digit fold 2: unseen 1, 6, 8)",
        "from 0 to 1",
        "entries: 25, 0 of them equal in all seen classes",
        "most alike: ",
        "test_unseen     537 rows,   3 classes of 174 to 182 rows (median 181)",
    ):
        assert line in out
    table = [line.split() for line in out.splitlines() if re.match(r" +\d", line)]
    assert [row[2] for row in table] == [
        "seen", "unseen", "validation", "seen", "seen", "seen", "unseen", "validation", "unseen", "seen",
    ]  # fmt: skip
    assert sum(int(row[3]) + int(row[4]) for row in table) == 1797


def test_describe_shortens_long_class_tables(tmp_path, capsys):
    out = run(capsys, "describe", "toy", "dataset.seen=90")[1]
    assert "38 more" in out
    assert len([line for line in out.splitlines() if re.match(r" +\d", line)]) == 60


def test_the_figure_is_a_picture_with_content(tmp_path, capsys):
    path = tmp_path / "toy.png"
    code, out, _ = run(capsys, "describe", "toy", "--figure", path, "seen=60")
    assert code == 0
    assert f"figure {path}" in out
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[0] > 400
    assert pixels.shape[1] > 1200
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


def test_a_figure_of_too_long_a_name_is_refused_before_the_data_are_read(tmp_path, capsys):
    code, out, err = run(capsys, "describe", "toy", "--figure", tmp_path / f"{'n' * 250}.png")
    assert (code, out) == (2, "")
    assert err.endswith("bytes, found 254; choose a shorter one\n")


def test_the_figure_shows_the_data():
    records = load_digits(DigitsConf(name="digits"))
    sizes, values, similarity, _ = draw(records).axes
    heights = [bar.get_height() for bar in sizes.patches]
    assert sum(heights) == 1797
    names = [tick.get_text() for tick in sizes.get_xticklabels()]
    assert set(names[-3:]) == {"3", "5", "7"}
    bars = {name: sum(heights[10 * group + i] for group in range(3)) for i, name in enumerate(names)}
    assert bars == {str(k): int(count) for k, count in enumerate(np.bincount(records.labels))}
    assert sum(bar.get_height() for bar in values.patches) == len(records.trainval) * 64
    image = similarity.images[0].get_array()
    assert image.shape == (10, 10)
    np.testing.assert_allclose(np.diag(image), 1, rtol=1e-6)


@pytest.mark.parametrize("classes", [10, 20, 50, 60, 200])
@pytest.mark.parametrize("letters", [6, 40])
def test_names_of_classes_cover_neither_each_other_nor_the_edge(classes, letters):
    """Names are written or left out, all of them; written ones are of a size that can be read."""
    conf = chosen("toy", [f"seen={classes - 2}", "unseen=2", "train_rows=3", "test_rows=2", "unseen_rows=2"])
    records = load_toy(conf)
    names = tuple("M" * (letters - 1) + chr(65 + k % 26) for k in range(classes))
    figure = draw(replace(records, class_names=names))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    sizes, _, similarity, _ = figure.axes
    for axis in (sizes.xaxis, similarity.xaxis, similarity.yaxis):
        texts = [text for text in axis.get_ticklabels() if text.get_text().startswith("MMMMM")]
        if classes > 60:
            assert texts == []
            continue
        assert len(texts) == classes
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]
        assert not any(first.overlaps(second) for first, second in pairwise(boxes))
        assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and figure.bbox.y0 <= box.y0 for box in boxes)
        assert min(text.get_fontsize() for text in texts) >= 4.5


def test_the_title_names_the_data_and_nothing_unknown(own, capsys, monkeypatch):
    titles = []
    monkeypatch.setattr(
        "zsl_runner.data.command.describe.png", lambda figure: titles.append(figure.get_suptitle()) or b""
    )
    picture = own.parent / "a.png"
    for options in ([], ["feature_kind=ViT"], ["name=other"]):
        assert run(capsys, "describe", "xlsa17", "--source", own, "--figure", picture, *options)[0] == 0
    sizes = "960 rows of 64 features, 16 classes"
    assert titles == [f"mine: {sizes}", f"mine: {sizes}\nViT", f"other: {sizes}"]


def test_an_unwritable_figure_is_one_clear_error(tmp_path, capsys):
    code, out, err = run(capsys, "describe", "toy", "--figure", tmp_path / "absent" / "a.png")
    assert (code, out) == (2, "")
    assert "--figure: " in err
    assert "absent: no such folder" in err


def test_what_only_the_data_show_to_be_a_wrong_option_is_one(own, tmp_path, capsys):
    code, out, err = run(capsys, "verify", "xlsa17", "--source", own, "validation_classes=99")
    assert (code, out) == (2, "")
    assert "expected fewer than the 12 seen classes, found 99" in err
    assert run(capsys, "describe", "digits_images", "labelled=3")[0] == 2
    for place in (["--source", tmp_path / "nowhere"], [f"root={tmp_path / 'nowhere'}"]):
        assert run(capsys, "verify", "xlsa17", *place)[0] == 2
    (own / "att_splits.mat").unlink()
    assert run(capsys, "verify", "xlsa17", "--source", own)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["describe"], 2, "zsl-data: name a data set: apy, awa1"),
        (["verify"], 2, "zsl-data: name a data set: apy, awa1"),
        (["describe", "dataset=cubb"], 2, "(command line: dataset=cubb)"),
        (["describe", "toy", "--figure", "toy.pdf"], 2, "--figure: expected a file that ends in .png, found toy.pdf"),
        (["describe", "toy", "--figure", "toy"], 2, "--figure: expected a file that ends in .png, found toy"),
        (["describe", "cubb"], 2, "did you mean cub?"),
        (["describe", "cub"], 1, "CUB/res101.mat"),
        (["describe", "cub"], 1, "Proposed Splits"),
        (["describe", "cub", "semantcs=sent"], 2, "did you mean dataset.semantics?"),
        (["describe", "cub", "semantics=text"], 2, "expected one of att, original_att, sent"),
        (["describe", "xlsa17"], 2, "dataset.root"),
        (["describe", "digits", "--source", "x"], 2, "dataset.root"),
        (["describe", "toy", "noise=-1"], 2, "0 < value"),
        (["verify", "mnist"], 1, "idx files"),
        (["prepare", "--all", "--source", "x"], 2, "takes no name"),
    ],
)
def test_mistakes_are_named(capsys, arguments, code, expected):
    found, _, err = run(capsys, *arguments)
    assert found == code
    assert expected in err
    assert err.startswith("zsl-data: ") or arguments == ["describe"]


def test_paths_with_awkward_characters(own, tmp_path, capsys):
    awkward = tmp_path / "it's {my}, = $data [1]"
    own.rename(awkward)
    assert run(capsys, "verify", "xlsa17", "--source", awkward)[0] == 0
    assert chosen("xlsa17", [setting("root", str(awkward))]).root == str(awkward)


def test_every_yaml_composes_and_names_its_schema():
    expected = {"apy", "awa1", "awa2", "cub", "digits", "flo", "flo89", "mnist", "sun", "synthetic", "toy", "xlsa17"}
    assert expected <= set(data_sets())
    assert {"digits", "mnist", "synthetic", "toy", "xlsa17"} <= set(schemas("dataset"))
    for name in expected - {"xlsa17"}:
        conf = chosen(name, with_files=False)
        assert conf.name == name
        assert list(conf.problems()) == []
        assert bool(missing_files(conf)) == (name not in ("digits", "toy"))
    with pytest.raises(ConfigError, match=r"dataset\.root"):
        chosen("xlsa17", with_files=False)
    with pytest.raises(DataError):
        chosen("sun")


def test_data_folders_follow_the_environment(monkeypatch):
    monkeypatch.setenv("ZSL_DATA", "/somewhere")
    assert chosen("cub", with_files=False).root == "/somewhere/xlsa17/CUB"
    monkeypatch.delenv("ZSL_DATA")
    assert chosen("mnist", with_files=False).root == "data/mnist"
    assert Path(missing_files(chosen("sun", with_files=False))[0]) == Path("data/xlsa17/SUN/res101.mat")


@pytest.mark.parametrize(
    "arguments", [["describe", "toy", "--figur=x", "--nois"], ["synthesize", "x", "seen=3"], ["x"]]
)
def test_unknown_arguments_stop_the_command(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert list(tmp_path.iterdir()) == []
