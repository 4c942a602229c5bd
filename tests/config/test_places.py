"""Names that a file system does not keep are refused before anything is computed for them."""

import os

import pytest

from zsl_runner.config.places import out_of_reach, require_beside, require_new_folder
from zsl_runner.errors import ConfigError
from zsl_runner.files.writing import longest_name, write_text


@pytest.mark.parametrize("letter", ["n", "é"])
def test_the_longest_name_is_taken_and_can_be_written(tmp_path, letter):
    most = longest_name(tmp_path)
    name = letter * (most // len(os.fsencode(letter)))
    name += "n" * (most - len(os.fsencode(name)))
    require_beside(tmp_path / name)
    require_new_folder(tmp_path / "new" / name)
    write_text(tmp_path / name, "content")
    longer = f"{name}n"
    told = f"{longer}: expected a name of at most {most} bytes, found {most + 1}; choose a shorter one"
    with pytest.raises(ConfigError) as refused:
        require_beside(tmp_path / longer, "--figure")
    assert str(refused.value) == f"--figure: {told}"
    for folder in (tmp_path / longer, tmp_path / "new" / longer):
        with pytest.raises(ConfigError) as refused:
            require_new_folder(folder)
        assert str(refused.value) == told


def test_a_name_that_no_file_can_have_is_told_alike(tmp_path):
    for require in (require_beside, require_new_folder):
        with pytest.raises(ConfigError, match=r"expected a name of at most [0-9]+ bytes, found 300"):
            require(tmp_path / ("n" * 300))


def test_what_is_out_of_reach_is_neither_there_nor_absent(tmp_path):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert out_of_reach(loop) == "too many levels of symbolic links"
    assert out_of_reach(tmp_path / ("n" * 300) / "file") == "file name too long"
    for place in (tmp_path, tmp_path / "absent", tmp_path / "absent" / "file", tmp_path / "\0"):
        assert out_of_reach(place) == ""
