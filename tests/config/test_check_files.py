import textwrap

import pytest

from zsl_runner.config.check import check
from zsl_runner.config.paths import conf_directory


@pytest.fixture
def own(tmp_path):
    """A folder of the user's own files, as --config-dir names it."""

    def write(path, text):
        file = tmp_path / "own" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return tmp_path / "own"

    return write


SGAL = """\
# a model of the user's
defaults:
  - /schema/model/sgal@_here_
  - _self_
  - override /trainer@_global_.trainer: seen_only

name: mine
"""


ABSENT_OR_UNFIT = {
    "dataset.root",
    "dataset.images",
    "evaluator",
    "model",
    "model.kind",
    "trainer",
    "trainer.mode",
    # models of features choose how these are scaled
    "dataset.feature_scaling",
    "dataset.semantic_scaling",
    "dataset.radius",
    # what a variant of a model makes of a data set, and an evaluator of the variant
    "model.labels",
    "model.output",
    "evaluator.select_metric",
}


def test_every_option_of_every_group_composes(loader):
    groups = {
        group: loader.options(group) for group in ("dataset", "model", "trainer", "evaluator", "runtime", "tracker")
    }
    for index in range(max(len(options) for options in groups.values())):
        choices = [f"{group}={options[index % len(options)]}" for group, options in groups.items()]
        found = check(loader, choices, count_devices=lambda: 1, strictly=False).problems
        # The data may not be here, and the parts were not chosen to fit each other.
        assert {problem.key for problem in found} <= ABSENT_OR_UNFIT, choices


def test_own_file_is_found_and_checked(problems, own):
    extra = own("model/mine.yaml", SGAL + "latent_dim: 8\n")
    assert problems("model=mine", extra=extra) == {}


def test_unknown_key_in_a_file_names_file_and_line(problems, own, monkeypatch, tmp_path):
    extra = own("model/mine.yaml", SGAL + "latent_dim: 8\nmargin:\n  weigth: 1\n")
    monkeypatch.chdir(tmp_path)
    message, origin = problems("model=mine", extra=extra)["model.margin.weigth"]
    assert "did you mean model.margin.weight?" in message
    assert origin == "own/model/mine.yaml, line 10"


def test_wrong_type_and_range_in_a_file(problems, own):
    extra = own("model/mine.yaml", SGAL + "latent_dim: wide\nprior:\n  layers: 0\n")
    found = problems("model=mine", extra=extra)
    assert found["model.latent_dim"][1].endswith("own/model/mine.yaml, line 8")
    assert found["model.prior.layers"][1].endswith("own/model/mine.yaml, line 10")


def test_a_later_value_replaces_one_out_of_range(problems, own):
    extra = own("model/mine.yaml", SGAL + "latent_dim: 0\n")
    assert problems("model=mine", "model.latent_dim=4", extra=extra) == {}


def test_mistakes_in_an_experiment(problems, own):
    extra = own(
        "experiment/mine.yaml",
        """\
        # @package _global_
        defaults:
          - override /model: vzsl
        seed: early
        typo: 1
        trainer:
          optim:
            lrr: 1
        """,
    )
    found = problems("experiment=mine", extra=extra)
    assert set(found) == {"seed", "typo", "trainer.optim.lrr"}
    assert found["trainer.optim.lrr"][1].endswith("experiment/mine.yaml, line 8")
    assert "trainer.optim.lr?" in found["trainer.optim.lrr"][0]


def test_unknown_option_in_an_experiments_choices(problems, own):
    extra = own("experiment/mine.yaml", "# @package _global_\ndefaults:\n  - override /model: vzls\nseeds: 3\n")
    found = problems("experiment=mine", extra=extra)
    assert "no option 'vzls'; did you mean vzsl?" in found["model"][0]
    assert found["model"][1].endswith("experiment/mine.yaml")
    assert "did you mean seed?" in found["seeds"][0]


def test_broken_yaml_names_file_and_line(problems, own):
    extra = own("experiment/mine.yaml", "# @package _global_\nseed: 1\nmodel: [1\ntrainer: 3\n")
    found = problems("experiment=mine", "runtime.threads=-1", extra=extra)
    message, origin = found["experiment/mine"]
    assert "not valid YAML" in message
    assert origin.endswith("experiment/mine.yaml, line 4")
    assert "runtime.threads" in found


def test_duplicate_key_is_not_valid(problems, own):
    extra = own("experiment/mine.yaml", "# @package _global_\nseed: 1\nseed: 2\n")
    message, origin = problems("experiment=mine", extra=extra)["experiment/mine"]
    assert "duplicate key seed" in message
    assert origin.endswith("line 3")


def test_a_file_without_schema(problems, own):
    extra = own("model/mine.yaml", "kind: sgal\nname: mine\n")
    message, origin = problems("model=mine", extra=extra)["model"]
    assert "has no schema; begin the file with: defaults: [/schema/model/<kind>@_here_, _self_]" in message
    assert origin.endswith("model/mine.yaml")


def test_a_file_that_names_an_unknown_schema(problems, own):
    extra = own("model/mine.yaml", SGAL.replace("schema/model/sgal", "schema/model/sgall"))
    message, _ = problems("model=mine", extra=extra)["schema/model"]
    assert "did you mean sgal?" in message
    extra = own("model/sgal_of_mine.yaml", SGAL.replace("schema/model/sgal", "schema/model/sgal_of_mine"))
    message, _ = problems("model=sgal_of_mine", extra=extra)["schema/model"]
    assert "zsl_runner.schemas, and is installed again when these change" in message
    assert "did you mean model=sgal_of_mine" not in message  # the very file that names it


def test_a_file_cannot_change_its_kind(problems, own):
    extra = own("model/mine.yaml", SGAL + "kind: vzsl\n")
    assert "is fixed to 'sgal'" in problems("model=mine", extra=extra)["model.kind"][0]


def test_a_required_value_that_no_file_gives(problems, own):
    extra = own("dataset/mine.yaml", "defaults: [/schema/dataset/xlsa17@_here_, _self_]\nname: mine\n")
    assert "a value is required: text" in problems("dataset=mine", extra=extra)["dataset.root"][0]


def test_override_of_another_group_without_its_package(problems, own):
    extra = own("model/mine.yaml", SGAL.replace("@_global_.trainer", ""))
    assert "override /trainer@_global_.trainer: OPTION" in problems("model=mine", extra=extra)["configuration"][0]


def test_environment_variable_that_is_not_set(problems, own, monkeypatch):
    monkeypatch.delenv("NO_SUCH_FOLDER", raising=False)
    extra = own(
        "dataset/mine.yaml",
        "defaults: [/schema/dataset/xlsa17@_here_, _self_]\nname: mine\nroot: ${oc.env:NO_SUCH_FOLDER}/x\n",
    )
    message, origin = problems("dataset=mine", extra=extra)["dataset.root"]
    assert "NO_SUCH_FOLDER" in message
    assert "or give dataset.root=VALUE" in message
    assert origin.endswith("dataset/mine.yaml, line 3")


@pytest.mark.parametrize(
    ("arguments", "trainer"),
    [
        (("model=mine",), "seen_only"),
        (("model=mine", "trainer=em"), "em"),
        (("experiment=model_only",), "seen_only"),
        (("experiment=both",), "em"),
        (("experiment=both", "trainer=transductive", "model=vzsl"), "transductive"),
    ],
)
def test_who_chooses_the_trainer(verdict, own, arguments, trainer):
    own("model/mine.yaml", SGAL)
    own("experiment/model_only.yaml", "# @package _global_\ndefaults: [override /model: mine]\n")
    extra = own(
        "experiment/both.yaml",
        "# @package _global_\ndefaults: [override /model: mine, override /trainer: em]\n",
    )
    found = verdict(*arguments, extra=extra)
    assert found.problems == ()
    assert found.config.trainer.kind == trainer


def test_an_experiments_values_win_over_files_and_lose_to_the_command_line(verdict, own):
    extra = own("experiment/mine.yaml", "# @package _global_\nseed: 5\nmodel: {latent_dim: 5}\n")
    config = verdict("experiment=mine", "model.latent_dim=6", extra=extra).config
    assert (config.seed, config.model.latent_dim) == (5, 6)


def test_what_is_no_file_is_told_from_what_is_not_there(problems, tmp_path, pipe):
    pipe(tmp_path / "res101.mat")
    (tmp_path / "att_splits.mat").mkdir()
    found, _ = problems("dataset=xlsa17", f"dataset.root={tmp_path}", "model=eszsl")["dataset.root"]
    assert f"{tmp_path}/res101.mat (a device, pipe or socket), {tmp_path}/att_splits.mat (a folder)\n" in found


def test_an_own_file_that_another_of_its_name_hides_is_refused_where_it_is_chosen(problems, own):
    extra = own("model/sgal.yaml", SGAL + "latent_dim: 3\n")
    message, origin = problems("model=sgal", extra=extra)["model/sgal"]
    assert message.endswith("conf/model/sgal.yaml comes first, and this file is not read; give it a name of its own")
    assert origin.endswith("own/model/sgal.yaml")
    assert "model/sgal" in problems("experiment=sgal/toy_like", extra=_chooses_sgal(own))  # by another file, too
    assert problems("model=vzsl", extra=extra) == {}
    copied = own("model/sgal.yaml", (conf_directory() / "model" / "sgal.yaml").read_text())
    assert problems("model=sgal", extra=copied) == {}


def _chooses_sgal(own):
    return own("experiment/sgal/toy_like.yaml", "# @package _global_\ndefaults:\n  - override /model: sgal\n")


@pytest.mark.parametrize("dataset", ["xlsa17", "mnist", "synthetic"])
def test_a_folder_that_no_one_can_look_into_is_one_problem_of_several(problems, dataset):
    found = problems(f"dataset={dataset}", f"dataset.root={'x' * 300}", "trainer.stepss=1")
    assert set(found) == {"dataset.root", "trainer.stepss"}
    assert found["dataset.root"][0].endswith(" cannot be read: file name too long")
