"""zsl-data extract: pictures in class folders become features, the same bits however often it is ended."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.data.class_pictures import COLOURS, HERE, Tiny, write_pictures
from tests.data.data_command import import_and_train, run
from zsl_runner.data.command.extraction.cli import EXTRACT_EXAMPLES, VECTORS_EXAMPLES
from zsl_runner.data.command.extraction.preprocessing import PLAIN, Preprocessing, preprocessing
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.arrays import write_arrays

REPOSITORY = Path(__file__).resolve().parents[2]
TINY = ("--backbone", f"{HERE}:tiny", "--size", "24", "--device", "cpu", "--workers", "2")


@pytest.fixture
def photos(tmp_path):
    return write_pictures(tmp_path / "photos", COLOURS[:5], count=5)


@pytest.fixture
def extract(photos, tmp_path, capsys):
    """Return what extracts features of the photos: exit code, what was printed, and the file."""

    def call(*options, name="features.npz", folder=photos):
        output = tmp_path / name
        code, out, err = run(capsys, "extract", folder, output, *(options or TINY))
        return code, out + err, output

    return call


def squares(folder, files):
    """The pixels of files as the network reads them, by other means than the command's."""
    mean, std = (torch.tensor(PLAIN[name]).view(3, 1, 1) for name in ("mean", "std"))
    size, pixels = 24, []
    for file in files:
        picture = Image.open(folder / file).convert("RGB")
        scale = int(size / PLAIN["share"]) / min(picture.size)
        picture = picture.resize([int(side * scale + 1e-6) for side in picture.size], Image.Resampling.BICUBIC)
        left, top = (round((side - size) / 2) for side in picture.size)
        square = np.asarray(picture)[top : top + size, left : left + size]
        pixels.append((torch.tensor(square).permute(2, 0, 1) / 255 - mean) / std)
    return torch.stack(pixels)


def test_features_are_those_of_the_network_in_the_order_of_the_names(photos, extract):
    code, text, output = extract()
    assert code == 0, text
    found = np.load(output)
    files = [f"{name}/{number}.jpg" for name in sorted(COLOURS[:5]) for number in range(5)]
    assert found["files"].tolist() == files
    assert found["labels"].tolist() == [file.partition("/")[0] for file in files]
    assert found["features"].dtype == np.float32
    with torch.inference_mode():
        expected = Tiny()(squares(photos, files)).numpy()
    np.testing.assert_allclose(found["features"], expected, rtol=1e-5, atol=1e-6)
    assert not list(output.parent.glob("*.parts"))
    assert "25 of 5 classes" in text
    assert "25 x 8" in text


def test_a_log_holds_no_escape_codes_whatever_asks_for_colours(extract, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in extract()[1]


def test_the_file_says_how_it_was_made(extract):
    provenance = json.loads(str(np.load(extract()[2])["provenance"]))
    assert provenance["name"] == f"{HERE}:tiny"
    assert provenance["preprocessing"]["size"] == 24
    assert provenance["batch"] == 64
    assert len(provenance["backbone"]) == 64


def test_pictures_do_not_depend_on_those_beside_them(extract):
    one, many = (np.load(extract(*TINY, "--batch", size, name=f"{size}.npz")[2])["features"] for size in ("1", "7"))
    np.testing.assert_allclose(one, many, rtol=1e-5, atol=1e-6)


def test_the_network_is_in_evaluation_mode(extract):
    dropped = extract("--backbone", f"{HERE}:with_dropout", *TINY[2:], name="dropout.npz")[2]
    np.testing.assert_array_equal(np.load(dropped)["features"], np.load(extract()[2])["features"])


def test_folders_below_a_class_folder_belong_to_its_class(photos, extract):
    (photos / "crimson" / "more").mkdir()
    (photos / "crimson" / "0.jpg").rename(photos / "crimson" / "more" / "deep.jpg")
    found = np.load(extract()[2])
    assert dict(zip(found["files"], found["labels"], strict=True))["crimson/more/deep.jpg"] == "crimson"


def test_weights_of_a_file_go_to_the_function(extract, tmp_path):
    network = Tiny()
    with torch.no_grad():
        network.conv.bias += 1
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    plain = np.load(extract()[2])["features"]
    other = np.load(extract(*TINY, "--weights", str(tmp_path / "weights.pt"), name="other.npz")[2])["features"]
    assert (other > plain).any()
    assert (other >= plain).all()


def test_a_killed_extraction_goes_on_with_the_same_bits(photos, extract, tmp_path):
    options = (*TINY, "--batch", "2")
    whole = extract(*options, name="whole.npz")[2].read_bytes()
    batches = len(range(0, 25, 2))
    command = [sys.executable, "-c", "from zsl_runner.data.command.cli import main; main()", "extract"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TINY_DIES_AFTER": "9", "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(
        [*command, str(photos), str(tmp_path / "killed.npz"), *options],
        env=environment | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        capture_output=True,
        timeout=120,
    )
    assert killed.returncode == -9, killed.stderr
    assert not (tmp_path / "killed.npz").exists()
    assert len(list((tmp_path / "killed.npz.parts").glob("*.npz"))) == 1
    Tiny.batches.clear()
    code, text, output = extract(*options, name="killed.npz")
    assert code == 0, text
    assert output.read_bytes() == whole
    assert len(Tiny.batches) == batches - 8  # a part of eight batches was kept
    assert not (tmp_path / "killed.npz.parts").exists()


def test_what_a_kill_left_of_the_file_is_removed_by_the_next_try(extract, tmp_path):
    """The features were being written; only one process at a time works on a file."""
    left, other = tmp_path / ".features.npz.0123abcd.tmp", tmp_path / ".others.npz.0123abcd.tmp"
    left.touch(), other.touch()
    assert extract()[0] == 0
    assert not left.exists()
    assert other.exists()


def test_parts_of_other_pictures_or_settings_are_not_used(photos, extract, monkeypatch):
    """A broken picture at the end leaves the parts before it; then one of these is exchanged, or an option."""
    options = (*TINY, "--batch", "2")
    sound = (photos / "maroon" / "4.jpg").read_bytes()
    (photos / "maroon" / "4.jpg").write_bytes(b"no picture")
    assert extract(*options)[0] == 1
    (photos / "maroon" / "4.jpg").write_bytes(sound)
    (photos / "crimson" / "0.jpg").write_bytes((photos / "gold" / "0.jpg").read_bytes())
    found = np.load(extract(*options)[2])["features"]
    np.testing.assert_allclose(found[0], found[5], rtol=1e-5)

    (photos / "maroon" / "4.jpg").write_bytes(b"no picture")
    assert extract(*options, name="sharp.npz")[0] == 1
    (photos / "maroon" / "4.jpg").write_bytes(sound)
    sharp = (*options, "--interpolation", "nearest")
    resumed = np.load(extract(*sharp, name="sharp.npz")[2])["features"]
    np.testing.assert_array_equal(resumed, np.load(extract(*sharp, name="again.npz")[2])["features"])
    assert not np.array_equal(resumed, found)


def test_all_broken_pictures_are_named_and_the_rest_is_kept(photos, extract):
    options = (*TINY, "--batch", "1")
    whole = np.load(extract(*options, name="whole.npz")[2])["features"]
    sound = {file: (photos / file).read_bytes() for file in ("crimson/3.jpg", "maroon/4.jpg")}
    (photos / "crimson/3.jpg").write_bytes(sound["crimson/3.jpg"][:300])
    (photos / "maroon/4.jpg").write_text("no picture")
    code, text, output = extract(*options)
    assert code == 1
    assert "2 of 25 pictures cannot be read" in text
    assert all(str(photos / file) in text for file in sound)
    assert not output.exists()
    for file, content in sound.items():
        (photos / file).write_bytes(content)
    Tiny.batches.clear()
    np.testing.assert_array_equal(np.load(extract(*options)[2])["features"], whole)
    assert len(Tiny.batches) == 8 + 1  # of parts of 8, 8, 8 and 1, the first and the last held a broken picture


def test_an_interrupted_extraction_says_how_to_go_on(extract, monkeypatch, capsys):
    def stopped(self, pixels):
        raise KeyboardInterrupt

    monkeypatch.setattr(Tiny, "forward", stopped)
    code, text, output = extract()
    assert code == 130
    assert "stopped after 0 of 25 pictures; repeat the command to continue" in text
    assert not output.exists()


def test_a_disk_that_fills_up_keeps_what_is_done_and_says_how_to_go_on(extract, monkeypatch):
    options = (*TINY, "--batch", "1")
    whole = extract(*options, name="whole.npz")[2].read_bytes()

    def full(path, arrays):
        if len(list(path.parent.glob("*.npz"))) < 2:
            return write_arrays(path, arrays)
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise RunError(f"{path}: cannot be written: {error.strerror}") from error

    with monkeypatch.context() as patch:
        patch.setattr("zsl_runner.data.command.extraction.parts.write_arrays", full)
        code, text, output = extract(*options)
    assert code == 1
    assert text.endswith(
        "cannot be written: No space left on device; mend that and repeat the command, which keeps what is done\n"
    )
    Tiny.batches.clear()
    assert extract(*options)[2].read_bytes() == whole
    assert len(Tiny.batches) == 25 - 16
    assert not output.with_name(f"{output.name}.parts").exists()


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (("--backbone", "resnet"), 2, "timm:NAME, open_clip:NAME or package.module:function"),
        (("--backbone", "no_such_module:f"), 2, "no_such_module"),
        (("--backbone", f"{HERE}:no_such_function"), 2, "no_such_function"),
        (("--backbone", f"{HERE}:no_network"), 2, "torch.nn.Module, found int"),
        (("--backbone", f"{HERE}:failing"), 2, "cannot be built: ValueError: no such layer"),
        (("--backbone", f"{HERE}:map_of_places"), 1, "found (25, 2, 224, 224)"),
        (("--backbone", f"{HERE}:not_a_number"), 1, "jpg: the backbone gives NaN"),
        ((*TINY, "--size", "300", "--resize", "200"), 2, "300 and 200"),
        ((*TINY, "--std", "0", "1", "1"), 2, "--std above 0"),
        ((*TINY, "--device", "cuda:99"), 2, "--device cuda:99"),
        ((*TINY, "--device", "nonsense"), 2, "--device nonsense"),
    ],
)
def test_mistakes_are_told(extract, options, code, word):
    found, text, output = extract(*options)
    assert (found, word in text) == (code, True), text
    assert not output.exists()
    assert not list(output.parent.glob("*.parts"))


@pytest.mark.parametrize("batch", [1, 4, 7, 25])
def test_the_first_picture_whose_features_are_no_numbers_is_named(photos, extract, batch):
    """Those of rows 14, 15 and 22 in the order of the names, wherever they stand in their batches."""
    for file in ("indigo/4.jpg", "lime/0.jpg", "maroon/2.jpg"):
        Image.new("RGB", (40, 40)).save(photos / file)
    code, text, _ = extract("--backbone", f"{HERE}:infinite_on_black", *TINY[2:], "--batch", str(batch))
    assert code == 1
    assert f"{photos / 'indigo/4.jpg'}: the backbone gives NaN or infinite features" in text


def test_pictures_outside_class_folders_are_refused(photos, extract):
    (photos / "crimson" / "0.jpg").rename(photos / "loose.jpg")
    code, text, _ = extract()
    assert code == 1
    assert "found loose.jpg beside them" in text
    (photos / "loose.jpg").unlink()
    (photos / "empty").mkdir()
    assert "found no picture in empty" in extract()[1]


def test_nothing_is_overwritten(extract, tmp_path):
    (tmp_path / "features.npz").write_text("mine")
    code, text, output = extract()
    assert code == 2
    assert "exists already" in text
    assert output.read_text() == "mine"
    assert extract(name="features.txt")[0] == 2


@pytest.mark.parametrize("package", ["timm", "open_clip"])
def test_a_package_that_is_missing_is_named_with_its_extra(package, extract, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    code, text, _ = extract("--backbone", f"{package}:resnet50")
    assert code == 2
    assert f"the package {package}" in text
    assert "zsl-run[extract]" in text


@given(
    size=st.integers(1, 60),
    share=st.floats(0.3, 1.0),
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    fit=st.sampled_from(["crop", "squash"]),
)
def test_a_picture_of_any_proportions_becomes_a_square(tmp_path_factory, size, share, width, height, fit):
    path = tmp_path_factory.getbasetemp() / "any.png"
    Image.new("RGB", (width, height), (10, 200, 30)).save(path)
    found = preprocessing(PLAIN | {"size": size, "share": share, "fit": fit}, {}).pixels(path)
    assert found.shape == (3, size, size)
    assert (found.reshape(3, -1) == [[10], [200], [30]]).all()


def test_another_size_cuts_out_as_large_a_share():
    assert preprocessing(PLAIN, {}) == Preprocessing(size=224, resize=256, **_kept())
    assert preprocessing(PLAIN, {"size": 384}).resize == 438
    assert preprocessing(PLAIN, {"size": 384, "resize": 384}).resize == 384
    assert preprocessing(PLAIN | {"size": (192, 256)}, {"size": 224}).size == 224
    with pytest.raises(ConfigError, match="256 x 192"):
        preprocessing(PLAIN | {"size": (192, 256)}, {})
    with pytest.raises(ConfigError, match="--fit: the backbone's own, border"):
        preprocessing(PLAIN | {"fit": "border"}, {})
    assert preprocessing(PLAIN | {"fit": "border"}, {"fit": "squash"}).fit == "squash"


def _kept():
    return {name: PLAIN[name] for name in ("fit", "interpolation", "mean", "std")}


def shown():
    """Return the commands of this kind in the guide and in --help, as a shell reads them."""
    pages = (REPOSITORY / "docs/guides/extract.md").read_text(), EXTRACT_EXAMPLES, VECTORS_EXAMPLES
    text = "\n".join(pages).replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in re.findall(r"^ *(zsl-data (?:extract|class-vectors) .*)$", text, re.M)]


def test_commands_that_are_shown_are_understood(capsys, tmp_path, monkeypatch):
    """With arguments that are all understood, they complain of the pictures or names that are not there."""
    monkeypatch.chdir(tmp_path)
    assert len(shown()) > 12
    for command in shown():
        code, _, err = run(capsys, *command)
        assert (code, f"{command[1]}: " in err) == (2, True), (command, err)


@pytest.mark.parametrize("classes", [1, 2, 3, 10])
def test_the_command_that_is_proposed_works(classes, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("names.txt").write_text("\n".join(COLOURS[:classes]))
    write_pictures(tmp_path / "photos", COLOURS[:classes], count=3)
    vectors = ("class-vectors", "names.txt", "class_vectors.npz", "--encoder", f"{HERE}:colours", "--device", "cpu")
    for command in (vectors, ("extract", "photos", "features.npz", *TINY)):
        code, out, err = run(capsys, *command)
        assert code == 0, err
        proposed, _, assigning = (part.strip() for part in out.rpartition("import it")[2].partition("or assign"))
        classes_given = "--classes class_vectors.npz " if command is vectors else ""
        assert assigning == f"zsl-eval RUN --rows features.npz {classes_given}--predictions found.csv"
        assert proposed.startswith("zsl-data import mine ") == (classes > 2), proposed
    if classes > 2:
        code, out, err = run(capsys, *shlex.split(proposed)[1:])
        assert code == 0, err
        assert (tmp_path / "mine" / "res101.mat").is_file()
    else:
        assert proposed.endswith(f"found {classes} in all")


def test_from_pictures_and_names_to_a_trained_sgal(tmp_path, capsys):
    """Colours it never saw are told apart by their descriptions."""
    photos = write_pictures(tmp_path / "photos", count=12)
    features, vectors, names = (tmp_path / name for name in ("features.npz", "class_vectors.npz", "names.txt"))
    names.write_text("\n".join(COLOURS))
    assert run(capsys, "extract", photos, features, *TINY)[0] == 0
    assert run(capsys, "class-vectors", names, vectors, "--encoder", f"{HERE}:colours", "--device", "cpu")[0] == 0
    unseen = ("navy", "orchid", "tomato")
    metrics = import_and_train(
        tmp_path,
        features,
        vectors,
        unseen,
        "dataset.feature_scaling=standard",
        "model.latent_dim=4",
        "model.encoder.hidden=[32]",
        "model.decoder.hidden=[32]",
        "trainer.batch_size=32",
        "trainer.pretrain_steps=150",
        "trainer.em.copies=2",
    )
    assert metrics["test/T1"] > 2 * 100 / len(unseen)  # chance is a third
