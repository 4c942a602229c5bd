"""The page to mail needs no other file, names what it shows, and contains no markup of others."""

import re
from html.parser import HTMLParser

import pytest

from zsl_runner.report.cli import main

EMPTY = ("meta", "img", "br")
PIXEL = bytes.fromhex("89504e470d0a1a0a") + b"0" * 20


class Page(HTMLParser):
    """Collects elements, checks that they are nested, and what they refer to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.refers, self.words, self.alternatives = [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.refers += [value for name, value in attributes if name in ("src", "href")]
        self.alternatives += [value for name, value in attributes if name == "alt"]
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


@pytest.fixture
def page(outputs, tmp_path, capsys):
    def write(*options):
        assert main([str(outputs.folder), "--html", str(tmp_path / "page"), *options]) == 0
        assert capsys.readouterr().out == f"{tmp_path / 'page' / 'report.html'}\n"
        return Page((tmp_path / "page" / "report.html").read_text())

    return write


def test_tables_figures_and_settings_are_in_one_file(outputs, page):
    for seed in (0, 1):
        for dim in (8, 16):
            run = outputs.add(40.0 + dim, seed, config={"dim": dim}, command=f"zsl-run model.dim={dim} seed={seed}")
    (run / "figures").mkdir()
    (run.parent / "run001" / "figures").mkdir()
    (run.parent / "run001" / "figures" / "confusion.png").write_bytes(PIXEL)
    outputs.add(1.0, 9, status="failed", error={"type": "DataError", "message": "gone"})
    found = page()
    assert found.refers
    assert all(re.match("data:image/(png|gif);base64,", reference) for reference in found.refers)
    assert not {"script", "link", "iframe"} & set(found.tags)
    text = " ".join(found.words)
    for said in ("48.0 ± 0.0", "model.dim", "zsl-run model.dim=16 seed=1", "gone", "standard deviation over seeds"):
        assert said in text
    assert all("sgal" in said and "cub" in said for said in found.alternatives)
    assert any("dim=8, seed 0: confusion" in said for said in found.alternatives)


def test_figures_that_cannot_be_read_are_told_and_left_out(outputs, tmp_path, capsys):
    figures = outputs.add(40.0, 0) / "figures"
    figures.mkdir()
    (figures / "confusion.png").write_bytes(PIXEL)
    (figures / "learning_curves.png").mkdir()
    (figures / "latent_space.png").symlink_to("nowhere")
    outputs.add(50.0, 1, model="other").joinpath("figures").write_text("a file")
    assert main([str(outputs.folder), "--html", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert f"left out of the page: {figures}/learning_curves.png: expected a file\n" in told
    assert f"left out of the page: {figures}/latent_space.png: cannot be read: No such file or directory\n" in told
    assert "figures: cannot be read: Not a directory" in told
    assert "seed 0: confusion" in (tmp_path / "report.html").read_text()


def test_names_of_others_are_no_markup(outputs, page):
    outputs.add(40.0, model="<b>odd", config={"path": "<script>alert(1)</script>"})
    outputs.add(41.0, model="x' onload='y")
    found = page()
    assert not {"script", "b"} & set(found.tags)
    assert "<b>odd" in " ".join(found.words)


def test_a_folder_without_complete_runs_gives_a_page_that_says_so(outputs, page):
    outputs.add(None, status="failed", error={"type": "DataError", "message": "gone"})
    assert "No complete run." in page().words


@pytest.mark.parametrize("options", [["--format", "md"], ["--plot", "figures"], ["--into", "a", "--section", "b"]])
def test_a_page_is_no_other_form(outputs, tmp_path, options, capsys):
    outputs.add(40.0)
    with pytest.raises(SystemExit) as refused:
        main([str(outputs.folder), "--html", str(tmp_path / "page"), *options])
    assert refused.value.code == 2
    assert not (tmp_path / "page").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_error(outputs, tmp_path, capsys):
    outputs.add(40.0)
    (tmp_path / "file").touch()
    assert main([str(outputs.folder), "--html", str(tmp_path / "file" / "page")]) == 2
    assert "file is a file; expected a folder" in capsys.readouterr().err
