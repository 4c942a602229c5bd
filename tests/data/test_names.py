"""Names in text files and in messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zsl_runner.errors import DataError
from zsl_runner.files.names import MARK, alike, normal, read_names, read_text

LETTERS = st.text(st.sampled_from("abB é\u0301ßİ✓-_/."), min_size=1, max_size=6).filter(lambda name: name.strip())


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(LETTERS, max_size=6),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.booleans(),
    blank=st.sampled_from(["", " ", "\t", "  \t"]),
    last=st.booleans(),
)
def test_names_come_through_whatever_program_wrote_the_list(tmp_path_factory, names, end, mark, blank, last):
    path = tmp_path_factory.mktemp("list") / "train.txt"
    text = end.join(f"{blank}{name}{blank}" for name in names) + (end if last else "")
    path.write_bytes((MARK * mark + text).encode())
    assert read_names(path, "names") == [normal(name.strip()) for name in names]


def test_joined_files_have_marks_in_their_middle(tmp_path):
    path = tmp_path / "joined.txt"
    path.write_bytes(f"{MARK}a\n{MARK}b\r\n\n{MARK}\n".encode())
    assert read_names(path, "names") == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_told(tmp_path, encoding):
    path = tmp_path / "wide.txt"
    path.write_bytes("im00\nim01\n".encode(encoding))
    message = (
        "wide.txt: cannot be read as a text file of names: expected UTF-8, found UTF-16 or no text at all; save it"
    )
    with pytest.raises(DataError, match=message):
        read_names(path, "names")


def test_bytes_that_are_no_utf8_are_told_with_their_line(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("a\ncafé\n".encode("latin-1"))
    with pytest.raises(DataError, match="expected UTF-8, found the byte 0xe9 in line 2; save it as UTF-8"):
        read_names(path, "names")
    assert read_text(path, "names", errors="replace") == "a\ncaf\ufffd\n"


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone.txt: cannot be read as a text file of names: No such file"):
        read_names(tmp_path / "gone.txt", "names")
    with pytest.raises(DataError, match="Is a directory"):
        read_names(tmp_path, "names")


def test_names_alike_but_for_case():
    assert alike(["b", "a", "A", "c", "B"]) == ["A", "a", "B", "b"]
    assert alike(["a", "b"]) == []
