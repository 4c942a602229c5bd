"""A section of a file is replaced by a report, and the rest of the file stays as it is."""

from pathlib import Path

import pytest

from zsl_runner.errors import ConfigError, RunError
from zsl_runner.report.section import replace_section


def test_a_section_is_replaced_and_the_rest_kept(tmp_path):
    path = tmp_path / "results.md"
    head, other = b"# T\r\n\n", b"tail\n<!-- zsl-report:b -->\n<!-- /zsl-report:b -->"
    path.write_bytes(head + b"<!-- zsl-report:a -->\nold\n<!-- /zsl-report:a -->\n" + other)
    replace_section(path, "a", "new\n")
    once = path.read_bytes()
    assert once == head + b"<!-- zsl-report:a -->\n\nnew\n\n<!-- /zsl-report:a -->\n" + other
    replace_section(path, "a", "new\n")
    assert path.read_bytes() == once


def test_a_linked_file_is_written_itself_and_keeps_its_permissions(tmp_path):
    page, link = tmp_path / "real.md", tmp_path / "link.md"
    page.write_text("<!-- zsl-report:a -->\nold\n<!-- /zsl-report:a -->\n")
    page.chmod(0o600)
    link.symlink_to(page.name)
    replace_section(link, "a", "new")
    assert link.is_symlink()
    assert "new" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_replaced_is_refused_before_it_is_read(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("<!-- zsl-report:a -->\n<!-- /zsl-report:a -->\n")
    with pytest.raises(ConfigError, match="expected a file, found a folder"):
        replace_section(tmp_path, "a", "new")
    with pytest.raises(ConfigError, match="/dev/null: expected a file, found what is no file"):
        replace_section(Path("/dev/null"), "a", "new")  # others of its kind end never
    for closed, reason in ((page, "the file is not writable"), (tmp_path, f"{tmp_path.name} is not writable")):
        with monkeypatch.context() as patch:
            patch.setattr("os.access", lambda place, _mode, closed=closed: place != closed)
            with pytest.raises(ConfigError, match=reason):
                replace_section(page, "a", "new")


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "<!-- zsl-report:a -->",
        "<!-- /zsl-report:a --><!-- zsl-report:a -->",
        "<!-- zsl-report:a -->" * 2 + "<!-- /zsl-report:a -->",
    ],
)
def test_a_file_without_proper_markers_stays_as_it_is(tmp_path, text):
    path = tmp_path / "results.md"
    path.write_text(text)
    with pytest.raises(RunError, match="section a: expected the line <!-- zsl-report:a --> once"):
        replace_section(path, "a", "new")
    assert path.read_text() == text
