"""How options are listed, and what is said about one that is not there."""

import pytest

from zsl_runner.config.compose import COMPOSED_GROUPS
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.problems import closest, listed
from zsl_runner.runs.directory import slug_of

FOLDER = conf_directory() / "experiment"


def test_every_file_of_a_group_is_an_option(loader):
    assert sorted(loader.options("experiment")) == sorted(
        path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml")
    )


def test_experiments_are_listed_in_few_lines_one_for_each_method(loader, zsl_run):
    lines = listed(loader.options("experiment"))
    assert len(lines) == len({option.partition("/")[0] for option in loader.options("experiment")}) <= 14
    assert "sgal: awa1, cub, cub_sent, flo89, released_awa1" in lines
    printed = zsl_run("--help").stdout.splitlines()
    first = next(number for number, line in enumerate(printed) if line.startswith("experiment "))
    assert [line.removeprefix("experiment").strip() for line in printed[first : first + len(lines)]] == lines
    assert printed[first + len(lines)] == ""


@pytest.mark.parametrize("group", COMPOSED_GROUPS)
def test_an_option_is_found_without_the_stroke_in_its_name(loader, group):
    options = loader.options(group)
    assert {option: closest(option.replace("/", "_"), options) for option in options} == {o: o for o in options}


def test_the_flat_name_of_an_experiment_is_answered_with_the_one_in_its_folder(problems):
    message, origin = problems("experiment=sgal_cub", "dataset=toy")["experiment"]
    assert message.startswith("no option 'sgal_cub'; did you mean sgal/cub?")
    assert "\nvzsl: awa1, cub, cub_sent, flo89" in message
    assert origin == "command line: experiment=sgal_cub"
    assert (
        "did you mean cvae/gsnn_digit_canvas?"
        in problems("experiment=gsnn_digit_canvas", "dataset=toy")["experiment"][0]
    )


def test_a_folder_is_no_option(problems):
    message, _ = problems("experiment=sgal", "dataset=toy")["experiment"]
    assert message.startswith("'sgal' is a folder of options; choose one of them: sgal/awa1, sgal/cub,")


def test_a_name_that_stands_in_several_folders_is_not_guessed(problems):
    assert "did you mean" not in problems("experiment=cub", "dataset=toy")["experiment"][0]


def test_an_experiment_that_a_file_names_in_vain(problems, tmp_path):
    file = tmp_path / "own" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# @package _global_\ndefaults:\n  - sgal/cuub\n")
    message, origin = problems("experiment=mine", "dataset=toy", extra=tmp_path / "own")["experiment"]
    assert "no option 'sgal/cuub'; did you mean sgal/cub?" in message
    assert origin.endswith("experiment/mine.yaml")


def test_a_runs_directory_is_named_as_before_experiments_lay_in_folders():
    assert slug_of(["experiment=sgal/cub"]) == "sgal_cub+seed-0"
