"""How timm, open_clip and sentence-transformers are called, against stand-ins; `make test-extract` has them."""

import sys
import types

import numpy as np
import pytest
import torch
from torch import nn

from tests.data.class_pictures import Tiny, write_pictures
from tests.data.data_command import run
from zsl_runner.data.command.extraction.backbones import build
from zsl_runner.errors import ConfigError


class StandIn(Tiny):
    def set_input_size(self, img_size):
        self.img_size = img_size


@pytest.fixture
def timm(monkeypatch):
    """Return a stand-in for timm: what it was called with, and what it says of preprocessing."""
    module = types.ModuleType("timm")
    module.calls = []
    module.steps = {
        "input_size": (3, 48, 48),
        "crop_pct": 0.96,
        "crop_mode": "center",
        "interpolation": "bilinear",
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
    }

    def create_model(name, **options):
        module.calls.append((name, options))
        if name == "unknown":
            raise RuntimeError("Unknown model (unknown)")
        return StandIn()

    module.create_model = create_model
    module.data = types.SimpleNamespace(resolve_model_data_config=lambda network: dict(module.steps))
    monkeypatch.setitem(sys.modules, "timm", module)
    return module


def test_timm_gives_pretrained_features_and_their_preprocessing(timm):
    backbone = build("timm:resnet50.a1_in1k", None, {})
    assert timm.calls == [("resnet50.a1_in1k", {"pretrained": True, "num_classes": 0})]
    steps = backbone.preprocessing
    assert (steps.size, steps.resize, steps.fit, steps.interpolation) == (48, 50, "crop", "bilinear")
    assert (steps.mean, steps.std) == ((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    assert not backbone.network.training
    assert not hasattr(backbone.network, "img_size")


def test_timm_reads_weights_of_a_file(timm, tmp_path):
    (tmp_path / "w.pth").touch()
    build("timm:resnet50", str(tmp_path / "w.pth"), {})
    assert timm.calls[0][1]["pretrained_cfg_overlay"] == {"file": str(tmp_path / "w.pth")}
    with pytest.raises(ConfigError, match="expected a file"):
        build("timm:resnet50", str(tmp_path / "no.pth"), {})
    with pytest.raises(ConfigError, match="weights of its own"):
        build("timm:hf-hub:owner/net", str(tmp_path / "w.pth"), {})


def test_what_the_user_gives_replaces_the_backbones_own(timm):
    timm.steps["crop_mode"] = "border"
    with pytest.raises(ConfigError, match=r"--fit: the backbone's own, border"):
        build("timm:vit", None, {})
    backbone = build("timm:vit", None, {"size": 96, "fit": "squash", "mean": [0.0, 0.1, 0.2]})
    assert (backbone.preprocessing.size, backbone.preprocessing.resize) == (96, 100)
    assert backbone.preprocessing.mean == (0.0, 0.1, 0.2)
    assert backbone.network.img_size == (96, 96)


def test_a_name_that_timm_does_not_know_is_refused(timm, tmp_path, capsys):
    photos = write_pictures(tmp_path / "photos", count=1)
    code, _, text = run(capsys, "extract", photos, tmp_path / "x.npz", "--backbone", "timm:unknown")
    assert code == 2
    assert "timm:unknown cannot be built: RuntimeError: Unknown model" in text
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


@pytest.fixture
def open_clip(monkeypatch):
    module = types.ModuleType("open_clip")
    module.calls = []

    class Clip(nn.Module):
        def __init__(self):
            super().__init__()
            self.visual = Tiny()
            self.visual.preprocess_cfg = {
                "size": (32, 32),
                "resize_mode": "shortest",
                "interpolation": "bicubic",
                "mean": (0.4, 0.4, 0.4),
                "std": (0.2, 0.2, 0.2),
                "fill_color": 0,
            }

        def encode_image(self, pixels):
            return self.visual(pixels)

        def encode_text(self, tokens):
            return tokens.float()

    def create_model(name, **options):
        module.calls.append((name, options))
        return Clip()

    module.create_model = create_model
    models = {"ViT-B-32": {}, "ViT-B-32-quickgelu": {"quick_gelu": True}}
    module.get_model_config = models.get
    module.list_pretrained_tags_by_model = lambda name: ["openai", "laion400m"]
    module.get_pretrained_cfg = lambda name, tag: {"quick_gelu": True} if tag == "openai" else {}
    module.get_tokenizer = lambda name: lambda texts: torch.tensor([[len(text), 1] for text in texts])
    monkeypatch.setitem(sys.modules, "open_clip", module)
    return module


def test_open_clip_gives_the_image_tower_and_its_preprocessing(open_clip):
    backbone = build("open_clip:ViT-B-32", "laion400m", {"size": 64})
    assert open_clip.calls == [
        ("ViT-B-32", {"pretrained": "laion400m", "force_image_size": 64, "require_pretrained": True})
    ]
    assert (backbone.preprocessing.size, backbone.preprocessing.resize) == (64, 64)
    assert set(backbone.network.state_dict()) == {"network.conv.weight", "network.conv.bias"}
    assert backbone.features(np.zeros((2, 3, 64, 64), dtype=np.uint8), torch.device("cpu")).shape == (2, 8)


def test_open_clip_needs_weights(open_clip, tmp_path):
    with pytest.raises(ConfigError, match="a file or one of: openai, laion400m"):
        build("open_clip:ViT-B-32", None, {})
    with pytest.raises(ConfigError, match="none at nowhere"):
        build("open_clip:ViT-B-32", "nowhere", {})
    with pytest.raises(ConfigError, match="weights of its own"):
        build("open_clip:hf-hub:owner/net", "openai", {})
    with pytest.raises(ConfigError, match="no such model"):
        build("open_clip:ViT-B-33", "openai", {})
    build("open_clip:hf-hub:owner/net", None, {})
    assert open_clip.calls[-1][1]["pretrained"] is None


def test_weights_that_were_trained_with_another_activation_are_refused(open_clip):
    with pytest.raises(ConfigError, match="use open_clip:ViT-B-32-quickgelu"):
        build("open_clip:ViT-B-32", "openai", {})
    with pytest.raises(ConfigError, match=r"use open_clip:ViT-B-32$"):
        build("open_clip:ViT-B-32-quickgelu", "laion400m", {})
    assert open_clip.calls == []
    build("open_clip:ViT-B-32-quickgelu", "openai", {})


def test_the_text_tower_gives_class_vectors(open_clip, tmp_path, capsys):
    (tmp_path / "names.txt").write_text("cat\nzebra")
    files = tmp_path / "names.txt", tmp_path / "x.npz"
    code, _, text = run(
        capsys, "class-vectors", *files, "--encoder", "open_clip:ViT-B-32", "--weights", "laion400m", "--device", "cpu"
    )
    assert code == 0, text
    found = np.load(files[1])["class_vectors"]
    np.testing.assert_allclose(found[:, 0] / found[:, 1], [3, 5], rtol=1e-6)


def test_a_sentence_encoder_gives_class_vectors(tmp_path, capsys, monkeypatch):
    module = types.ModuleType("sentence_transformers")

    class SentenceTransformer:
        def __init__(self, name, device):
            assert (name, device) == ("owner/encoder", "cpu")

        def encode(self, texts, batch_size, show_progress_bar):
            return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    module.SentenceTransformer = SentenceTransformer
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    (tmp_path / "names.txt").write_text("cat\nzebra")
    command = ("class-vectors", tmp_path / "names.txt", tmp_path / "x.npz", "--encoder", "sentence:owner/encoder")
    assert run(capsys, *command, "--weights", "x")[0] == 2
    assert run(capsys, *command, "--device", "cpu")[0] == 0
    found = np.load(tmp_path / "x.npz")["class_vectors"]
    np.testing.assert_allclose(found[:, 0] / found[:, 1], [3, 5], rtol=1e-6)
