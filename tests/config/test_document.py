from pathlib import Path

from zsl_runner.config import document

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_up_to_date():
    made = "python -m zsl_runner.config.document docs/configuration.md"
    assert PAGE.read_text(encoding="utf-8") == document.document(), f"make it again: {made}"


def test_the_page_names_options_with_limits_and_meaning():
    page = document.document()
    assert "| `runtime.precision` | text | `fp32` | one of fp32, tf32, bf16 |" in page
    assert "| `trainer.optim.clip_norm` | a number or null | `null` | 0 < value |" in page
    assert "### `model` of kind `sgal`" in page
    assert "| `dataset.root` | text | required |" in page
    assert "`model=aae/basic`" in page
    assert "`trainer=feature_gan_transductive`" in page  # its schema is that of the file it includes


def test_the_command_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["document", str(tmp_path / "page.md")])
    assert document.main() == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == document.document()
    monkeypatch.setattr("sys.argv", ["document"])
    assert document.main() == 2
    assert "usage" in capsys.readouterr().err
