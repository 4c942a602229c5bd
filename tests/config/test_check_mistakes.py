import hashlib
import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from zsl_runner.config.typed import plain


def test_the_defaults_are_sound_and_typed(verdict):
    found = verdict()
    assert found.problems == ()
    assert (found.config.model.kind, found.config.dataset.kind, found.config.trainer.kind) == ("sgal", "digits", "em")


@pytest.mark.parametrize("prefix", ["", "+", "++"])
def test_unknown_key_on_the_command_line(problems, prefix):
    found = problems(f"{prefix}model.latent_dimm=3")
    message, origin = found["model.latent_dimm"]
    assert "model=sgal has no such option; did you mean model.latent_dim?" in message
    assert origin == f"command line: {prefix}model.latent_dimm=3"
    assert len(found) == 1


def test_unknown_key_at_the_top_names_close_ones(problems):
    assert "did you mean model?" in problems("modle=sgal")["modle"][0]


def test_unknown_key_is_looked_for_in_other_blocks(problems):
    assert "did you mean trainer.optim.lr?" in problems("trainer.lr=0.1")["trainer.lr"][0]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("model.latent_dim=2.5", "expected an integer, found 2.5"),
        ("model.latent_dim=many", "expected an integer, found 'many'"),
        ("model.latent_dim=null", "expected an integer, found null"),
        ("runtime.deterministic=maybe", "expected true or false, found 'maybe'"),
        ("trainer.optim.betas=[0.9,x]", "expected a list of numbers, found [0.9, 'x']"),
        ("trainer.optim.betas=0.9", "expected a list of numbers, found 0.9"),
        ("trainer.optim=fast", "expected a block of options, found 'fast'"),
        ("runtime.threads=[1]", "expected an integer, found [1]"),
        ("reference.metrics={test/H: high}", "expected a number, found 'high'"),
        ("trainer.optim.betas.5=0.1", "it has no entry '5' (2 entries)"),
    ],
)
def test_wrong_types(problems, argument, expected):
    (message, origin), *others = problems(argument).values()
    assert expected in message
    assert origin == f"command line: {argument}"
    assert not others


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("model.latent_dim=0", "expected 1 <= value, found 0"),
        ("trainer.em.real_step_prob=1.5", "expected 0 <= value <= 1, found 1.5"),
        ("trainer.optim.betas=[0.9,1.0]", "expected each 0 <= value < 1, found [0.9, 1.0]"),
        ("trainer.optim.lr=nan", "expected 0 <= value, found nan"),
        ("trainer.optim.lr=inf", "expected 0 <= value, found inf"),
        ("runtime.precision=fp23", "expected one of fp32, tf32, bf16, found 'fp23'; did you mean fp32?"),
        ("evaluator.stages=[tune,last]", "expected each one of tune, final, fit, found ['tune', 'last']"),
        ("seed=-1", "expected 0 <= value <= 2147483647, found -1"),
    ],
)
def test_values_out_of_range(problems, argument, expected):
    (message, origin), *others = problems(argument).values()
    assert message.startswith(expected)
    assert origin == f"command line: {argument}"
    assert not others


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("trainer.optim.lr=1", ("trainer", "optim", "lr"), 1.0),
        ("trainer.optim.lr='1e-3'", ("trainer", "optim", "lr"), 1e-3),
        ("model.latent_dim='7'", ("model", "latent_dim"), 7),
        ("runtime.deterministic=no", ("runtime", "deterministic"), False),
        ("++seed=3", ("seed",), 3),
        ("trainer.optim.clip_norm=null", ("trainer", "optim", "clip_norm"), None),
        ("trainer.optim={lr: 0.5}", ("trainer", "optim", "lr"), 0.5),
        ("trainer.optim.betas.0=0.5", ("trainer", "optim", "betas"), [0.5, 0.999]),
        ("+reference.metrics={test/H: 3}", ("reference", "metrics"), {"test/H": 3.0}),
        ("seed=${trainer.batch_size}", ("seed",), 64),
    ],
)
def test_what_hydra_converts_is_accepted(verdict, argument, key, value):
    found = verdict(argument, strictly=True)
    assert found.problems == ()
    node = plain(found.config)
    for name in key:
        node = node[name]
    assert node == value
    assert type(node) is type(value)


@pytest.mark.parametrize("argument", ["seed={}", "seed=[1]", "+reference.metrics.H={}", "trainer.optim.lr={a:1}"])
def test_a_mapping_or_list_is_no_value(problems, argument):
    key, _, value = argument.lstrip("+").partition("=")
    message, _ = problems(argument)[key]
    assert message.endswith(f"found {value.replace(':', ': ')}")


@pytest.mark.parametrize("value", ["1", "1.5", "true", "null", "[]", "[sgal,vzsl]"])
def test_a_group_takes_the_name_of_one_option(problems, value):
    message, _ = problems(f"model={value}")["model"]
    assert message.startswith("expected the name of one option, found ")
    assert "sgal" in message


def test_unknown_option_names_the_others_and_the_closest(problems):
    message, origin = problems("model=sgall", "model.latent_dim=3")["model"]
    assert "no option 'sgall'; did you mean sgal?; the options are:\nbaseline_cnn, " in message
    assert "no option '../model/sgal'" in problems("model=../model/sgal")["model"][0]
    assert "vzsl" in message
    assert origin == "command line: model=sgall"


def test_an_option_of_another_group_is_told_where_it_is(problems):
    assert "no option 'ewc'; did you mean trainer=ewc?; the options are:\n" in problems("model=ewc")["model"][0]
    assert "no option 'sgal'; did you mean model=sgal or sweep=sgal?;" in problems("dataset=sgal")["dataset"][0]


def test_nothing_is_said_about_a_part_whose_file_is_unknown(problems):
    assert list(problems("model=something_else", "model.width=3")) == ["model"]


def test_nothing_is_said_about_what_an_unknown_model_would_have_chosen(problems):
    found = problems("model=class_gaussians", "dataset=digits", "trainer.steps=20", "evaluator.rows=3")
    assert list(found) == ["model"]
    assert (
        "did you mean class_maps? (what a package of yours brings is here once that is installed)" in found["model"][0]
    )
    assert list(problems("model=class_gaussians", "trainer=seen_only", "trainer.stepss=3")) == [
        "model",
        "trainer.stepss",
    ]


@pytest.mark.parametrize("torn", [("seed", "=", "3"), ("seed=", "3"), ("seed", "=3")])
def test_spaces_around_the_sign_are_one_problem(problems, torn):
    told = "not understood as key=value: there are spaces around '='; write seed=3"
    assert problems("model=vzsl", *torn, "tracker=minimal") == {"seed": (told, f"command line: {' '.join(torn)}")}


def test_a_misprint_hides_no_other_problem(problems):
    found = problems("model=vzls", "trainer.stepss=2")
    assert list(found) == ["model", "trainer.stepss"]
    assert "package" not in found["model"][0]


@pytest.mark.parametrize("plus", ["+", "++"])
def test_plus_before_a_known_group(problems, plus):
    message, origin = problems(f"{plus}runtime=cpu")["runtime"]
    assert message == "is already part of the configuration: write runtime=cpu"
    assert origin == f"command line: {plus}runtime=cpu"


def test_plus_before_a_known_option(problems):
    found = problems("seed=1", "+model.latent_dim=3", strictly=True)
    message, origin = found["model.latent_dim"]
    assert message == "is already part of the configuration: write model.latent_dim=3"
    assert origin == "command line: +model.latent_dim=3"
    assert len(found) == 1


def test_several_values_without_a_sweep(problems):
    assert "zsl-run -m runs all of them" in problems("seed=1,2")["seed"][0]


@pytest.mark.parametrize("argument", ["seed=range(3,3)", "seed=range(5,3)", "model=glob(x*)"])
def test_a_sweep_without_a_value(problems, argument):
    key, _, value = argument.partition("=")
    assert problems(argument)[key] == (f"{value} stands for no value", f"command line: {argument}")


def test_arguments_that_cannot_be_parsed(problems):
    found = problems("seed=[1", "model.latent_dim=0")
    assert "not understood as key=value" in found["seed=[1"][0]
    assert "model.latent_dim" in found


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("model", "it has no '='; write model=VALUE, without spaces"),
        ("seed: 3", "it has no '='; write seed=3, without spaces"),
        ("=vzsl", "there is no key; write KEY=VALUE, without spaces"),
        ("~", "there is no key; write KEY=VALUE, without spaces"),
        ("seed = 3", "there is a space before '='; write seed=3"),
        ("model==vzsl", "there is more than one '='; write model=vzsl"),
        ("outputs=~/runs", "only a shell expands ~; write outputs=$HOME/runs"),
        ("resume=~bob/run", "only a shell expands ~; write resume=$HOME/..."),
        ("a..b=3", "a..b cannot be a key; keys are names joined by dots"),
        ("name='x", "the quotation mark ' has to stand before and after the whole value, and not in it"),
        ("trainer.optim.betas[0]=[1", "brackets do not come in pairs"),
        ("seed=range(0,3", "brackets do not come in pairs"),
        ("name=a)", "brackets do not come in pairs"),
        ("seed=1,", "there is no value before or behind a comma"),
        ("seed=1,,2", "there is no value before or behind a comma"),
        ("trainer.optim={lr=1}", "a colon stands between key and value; write 'trainer.optim={lr: 1}'"),
        ("seed=nix(3)", "Unknown function 'nix'"),
    ],
)
def test_an_argument_that_is_not_understood_is_told_once_and_why(problems, argument, told):
    found = problems(argument)
    assert list(found) == [argument]
    assert found[argument][0].startswith("not understood as key=value: ")
    assert told in found[argument][0]
    assert "override" not in found[argument][0]


@pytest.mark.parametrize(
    "value", ["é", "a=b", "a;b", "a!b", "a&b", "it's", "mine (copy)", "all/mine(1)", "mine [1]", "a {1}/b", "a)b("]
)
def test_the_quotes_that_a_special_value_needs_work_in_a_shell(problems, value):
    message, _ = problems(f"dataset.name={value}")[f"dataset.name={value}"]
    (pasted,) = shlex.split(message.rpartition("quotes for the shell: ")[2])
    assert pasted.startswith("dataset.name='")
    found = problems(pasted)
    assert "dataset.name" not in found or f"{value!r} cannot name a directory" in found["dataset.name"][0]


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("[sky,Löwe,赤い車]", ["sky", "Löwe", "赤い車"]),
        ("[sky, red car (old), a=b]", ["sky", "red car (old)", "a=b"]),
        ("[it's,'dark sky',$5!,c]", ["it's", "dark sky", "$5!", "c"]),
    ],
)
def test_each_text_of_a_list_has_the_quotes_that_it_needs(problems, value, texts):
    message, _ = problems(f"dataset.classes={value}")[f"dataset.classes={value}"]
    (pasted,) = shlex.split(message.rpartition("quotes for the shell: ")[2])
    entries = OverridesParser.create().parse_override(pasted).value()
    assert [getattr(entry, "text", entry) for entry in entries] == texts


@pytest.mark.parametrize("value", ["choice(Löwe,b)", "{a: Löwe}", "[[Löwe],[b]]"])
def test_no_quotes_are_proposed_that_make_one_text_of_several(problems, value):
    message, _ = problems(f"dataset.classes={value}")[f"dataset.classes={value}"]
    assert message.endswith("special characters need quotes around each text that has some")


def test_removing_an_option_and_a_group(problems):
    found = problems("~model.latent_dim", "~evaluator")
    assert "options cannot be removed" in found["model.latent_dim"][0]
    assert "nothing is chosen" in found["evaluator"][0]


def test_the_kind_belongs_to_the_file(problems):
    assert "is fixed to 'sgal' by the chosen file" in problems("model.kind=vzsl")["model.kind"][0]


@pytest.mark.parametrize(
    "key", ["seed", "name", "outputs", "task", "existing", "objectives", "model.name", "dataset.name"]
)
def test_interpolation_that_leads_nowhere(problems, key):
    given = [] if key == "outputs" else ["outputs=elsewhere"]
    found = problems(*given, f"{key}=${{model.nothing}}")
    message, origin = found[key]
    assert "${model.nothing}: " in message
    assert f"give {key}=VALUE" in message
    assert origin == f"command line: {key}=${{model.nothing}}"
    assert len(found) == 1


def test_hydras_own_settings_are_hydras_to_judge(problems):
    assert "hydra.nothing" in problems("hydra.nothing=1", strictly=True)["configuration"][0]


def test_parts_that_do_not_fit_name_those_that_do(problems):
    message, _ = problems("model=eszsl", "trainer=em")["trainer"]
    assert "trainer=em calls what model=eszsl does not offer: class_priors, loss_terms, synthesize" in message
    assert "trainers that fit model=eszsl: closed_form" in message
    assert "models that fit trainer=em: cada_vae, cada_vae_released, sgal, sgal_released, vzsl" in message


def test_labels_of_pixels_are_no_numbers_to_the_likelihood_protocol(problems):
    given = ("model=baseline_cnn_small", "dataset=digit_canvas_embedded")
    found = problems(*given, "evaluator=likelihood")
    assert found.keys() == {"evaluator"}
    assert "evaluators that fit dataset=digit_canvas: segmentation" in found["evaluator"][0].splitlines()
    assert not problems(*given)
    message, _ = problems("model=cvae", "dataset=digit_canvas_embedded")["evaluator"]
    assert "made for" not in message  # cvae_pairs and cvae_images predict numbers


def test_models_that_fit_data_are_those_that_run_on_them_as_they_come(problems):
    """Others need nothing of the data themselves, while what they are trained and measured by does."""
    message, _ = problems("model=sgal", "dataset=digit_canvas")["model"]
    (line,) = (line for line in message.splitlines() if line.startswith("models that fit dataset=digit_canvas: "))
    named = line.partition(": ")[2].split(", ")
    assert not {"cvae", "baseline_nn", "aae/basic"} & set(named)
    for model in named:
        assert not problems(f"model={model}", "dataset=digit_canvas"), model


@pytest.mark.parametrize(
    ("arguments", "fitting", "key"),
    [
        (("model=task_heads_cnn", "dataset=toy"), ("dataset=toy_tasks",), "model.channels"),
        (("model=joint_vae", "dataset=digit_canvas", "dataset.side=48"), ("dataset=digits_images",), "model.kind"),
    ],
)
def test_parts_without_what_they_need_are_not_asked_about_details(problems, arguments, fitting, key):
    """They would tell to change an option where the part itself must be another one."""
    assert key not in problems(*arguments)
    assert key in problems(*arguments, *fitting)


def test_blocks_find_mistakes_between_their_keys(problems):
    message, origin = problems("trainer.em.gen_ratio=0.5", "trainer.em.gen_ratio_jitter=0.8")[
        "trainer.em.gen_ratio_jitter"
    ]
    assert "must stay within 0..1" in message
    assert origin == "command line: trainer.em.gen_ratio_jitter=0.8"


def test_missing_files_say_how_to_get_them(problems, tmp_path):
    message, origin = problems("dataset=cub", f"dataset.root={tmp_path}/nowhere")["dataset.root"]
    assert "res101.mat" in message
    assert "att_splits.mat" in message
    assert "Proposed Splits" in message
    assert origin == f"command line: dataset.root={tmp_path}/nowhere"


@pytest.mark.parametrize("place", ["CUB", "xlsa17/data/CUB"])
def test_missing_files_that_lie_near_are_named(problems, tmp_path, place):
    near = tmp_path / place
    near.mkdir(parents=True)
    (near / "res101.mat").touch()
    message, _ = problems("dataset=cub", f"dataset.root={tmp_path}/xlsa17/CUB")["dataset.root"]
    assert f"\n{near}/res101.mat is there: dataset.root={near}\n" in message


def test_data_are_below_the_working_directory_if_the_variable_is_empty(zsl_run):
    done = zsl_run("dataset=awa2", "task=check", ZSL_DATA="")
    assert done.returncode == 2
    assert "these files are not there: data/xlsa17/AWA2/res101.mat," in " ".join(done.stderr.split())


def test_wrong_checksum_names_expected_and_found(problems, tmp_path):
    for name in ("res101.mat", "att_splits.mat"):
        (tmp_path / name).write_bytes(name.encode() * 1000)
    right = hashlib.sha256(b"att_splits.mat" * 1000).hexdigest()
    wrong = "0" * 64
    arguments = ("dataset=xlsa17", "dataset.name=mine", f"dataset.root={tmp_path}", f"dataset.sha256_splits='{right}'")
    assert problems(*arguments, f"dataset.cache={tmp_path.parent}") == {}
    message, _ = problems(*arguments, f"dataset.cache={tmp_path.parent}", f"dataset.sha256_features='{wrong}'")[
        "dataset.root"
    ]
    assert f"expected sha256 {wrong}" in message
    assert f"found    sha256 {hashlib.sha256(b'res101.mat' * 1000).hexdigest()}" in message


@pytest.mark.parametrize(
    ("device", "devices", "expected"),
    [
        ("cuda", 0, "the driver shows no CUDA device"),
        ("cuda:1", 1, "the driver shows cuda:0 only"),
        ("cuda:2", 2, "the driver shows cuda:0 to cuda:1"),
        ("gpu", 1, "expected auto, cpu, cuda or cuda:N, found 'gpu'"),
        ("cuda:", 1, "expected auto, cpu, cuda or cuda:N"),
    ],
)
def test_devices_that_are_not_there(problems, device, devices, expected):
    assert expected in problems(f"runtime.device='{device}'", devices=devices)["runtime.device"][0]


@pytest.mark.parametrize(("device", "devices"), [("auto", 0), ("cpu", 0), ("cuda", 1), ("cuda:1", 2)])
def test_devices_that_are_there(problems, device, devices):
    assert problems(f"runtime.device='{device}'", devices=devices) == {}


def test_tf32_needs_cuda(problems):
    assert "tf32 exists on CUDA devices only" in problems("runtime.precision=tf32")["runtime.precision"][0]
    assert "runtime.precision" in problems("runtime.precision=tf32", "runtime.device=cpu", devices=1)
    assert problems("runtime.precision=tf32", devices=1) == {}


def test_steps_that_must_be_captured_need_cuda(problems):
    expected = "steps are captured on CUDA devices only, and runtime.device=auto is the CPU here"
    assert expected in problems("runtime.capture=always")["runtime.capture"][0]
    assert "runtime.capture" in problems("runtime.capture=always", "runtime.device=cpu", devices=1)
    both = problems("runtime.capture=always", "runtime.precision=tf32")
    assert both.keys() == {"runtime.capture", "runtime.precision"}
    assert problems("runtime.capture=always", devices=1) == {}


def test_outputs_must_be_a_folder_that_can_be_written(problems, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert "is a file" in problems(f"outputs={file}/runs")["outputs"][0]


def test_outputs_that_are_not_writable(problems, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "is not writable" in problems("outputs=here")["outputs"][0]


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "''"])
def test_labels_must_name_a_directory(problems, name):
    found = problems(f"name={name}", f"model.name={name}")
    assert "cannot name a directory" in found["name"][0]
    assert "cannot name a directory" in found["model.name"][0]


def test_all_mistakes_come_at_once(problems, tmp_path):
    found = problems(
        "+model.typo=1",
        "model.latent_dim=0",
        "runtime.threads=few",
        "dataset=mnist",
        f"dataset.root={tmp_path}",
        "runtime.device=cuda",
        "evaluator=zs",
        "trainer=closed_form",
        "evaluator.stages=[]",
    )
    assert set(found) == {
        "model.typo",
        "model.latent_dim",
        "runtime.threads",
        "dataset.root",
        "runtime.device",
        "evaluator",
        "trainer",
        "evaluator.stages",
        *(key for key in found if key in ("evaluator.calibration", "evaluator.select", "evaluator.patience")),
    }
    assert not (tmp_path / "outputs").exists()


QUADRANTS = ["model=cvae_pairs", "dataset=digits_quadrant"]
BASELINE = ["model=baseline_nn", "dataset=digits_quadrant"]
CANVAS = ["model=cvae_segmentation_small", "dataset=digit_canvas_embedded"]
JOINT = ["model=joint_vae", "dataset=digits_images", "dataset.side=32"]
AAE = ["model=aae/basic", "dataset=digits_images"]
TASKS = ["model=cosine_heads", "dataset=toy_tasks"]
STATIC = [*TASKS, "dataset.task_setting=static"]
DIGITS = ["model=task_heads", "dataset=split_digits"]


@pytest.mark.parametrize(
    ("parts", "metric", "why"),
    [
        ([*QUADRANTS, "trainer=gsnn"], "NCLL_IS", "alpha=0 trains no recognition network"),
        ([*QUADRANTS, "trainer=nn"], "NCLL_ELBO", "trainer=nn has each code at its mean; use NCLL"),
        ([*CANVAS, "trainer=gsnn"], "NCLL_ELBO", "alpha=0 trains no recognition network"),
        (BASELINE, "NCLL_MC", "model baseline_nn has no codes; take val/NCLL"),
        ([*QUADRANTS, "evaluator.estimators=[mc]"], "NCLL_IS", "'is' is not among evaluator.estimators"),
        ([*JOINT, "model.discrete=[]"], "mutual_information", "model.discrete=[]"),
        (AAE, "error", "it needs model.labels=category, which is none"),
        (AAE, "error_majority", "it needs model.n_clusters"),
    ],
)
def test_a_choice_by_a_metric_that_such_a_model_does_not_have(problems, parts, metric, why):
    for key, value in {"evaluator.select_metric": f"val/{metric}", "objectives": f"[val/{metric}]"}.items():
        found = problems(*parts, f"{key}={value}")
        assert found.keys() == {key}
        assert found[key][0] == f"val/{metric} is not measured: {why}"


@pytest.mark.parametrize(
    ("parts", "metric"),
    [
        ([*QUADRANTS, "trainer=gsnn"], "NCLL_MC"),
        ([*QUADRANTS, "trainer=hybrid"], "NCLL_IS"),
        (BASELINE, "NCLL"),
        (JOINT, "mutual_information"),
        ([*AAE, "model.labels=category", "dataset.labelled=100"], "error"),
    ],
)
def test_a_choice_by_a_metric_that_it_has(problems, parts, metric):
    assert not problems(*parts, f"evaluator.select_metric=val/{metric}")


@pytest.mark.parametrize(
    ("parts", "metric", "why"),
    [
        (JOINT, "factor_vae_score", "no factor of the images is known"),
        ([*JOINT, "model.discrete=[]"], "accuracy_majority", "model.discrete=[]"),
    ],
)
def test_a_search_for_a_metric_that_such_data_or_such_a_model_do_not_have(problems, parts, metric, why):
    found = problems(*parts, f"objectives=[val/reconstruction,val/{metric}]")
    assert found.keys() == {"objectives"}
    assert found["objectives"][0] == f"val/{metric} is not measured: {why}"


@pytest.mark.parametrize("metric", ["mH", "mU"])
def test_a_choice_by_unseen_classes_where_the_only_task_brings_all(problems, metric):
    found = problems(*STATIC, "dataset.n_tasks=1", f"evaluator.select_metric=val/{metric}")
    assert found.keys() == {"evaluator.select_metric"}
    assert found["evaluator.select_metric"][0] == (
        f"val/{metric} is not measured: with dataset.task_setting=static no class is unseen after the last task, "
        "and dataset.n_tasks=1 has no other; expected val/mS or val/avg_acc_tag, or more tasks"
    )


@pytest.mark.parametrize(
    "more",
    [
        [*STATIC, "dataset.n_tasks=1", "evaluator.select_metric=val/mS"],
        [*STATIC, "dataset.n_tasks=1", "evaluator.stages=[final]"],
        [*STATIC, "dataset.n_tasks=2"],
        [*TASKS, "dataset.n_tasks=1"],
        [*DIGITS, "dataset.n_tasks=1"],
    ],
)
def test_a_choice_by_what_tasks_have(problems, more):
    assert not problems(*more)


@pytest.mark.parametrize(
    ("parts", "metric", "why"),
    [
        (STATIC, "H", "no class is unseen after the last task; expected the mean over tasks, val/mH"),
        ([*TASKS, "dataset.n_tasks=1"], "forg_tag", "dataset.n_tasks=1 has no earlier task"),
        ([*DIGITS, "dataset.n_tasks=1"], "bwt_taw", "dataset.n_tasks=1 has no earlier task"),
    ],
)
def test_a_search_for_a_metric_that_such_tasks_do_not_have(problems, parts, metric, why):
    found = problems(*parts, f"objectives=[val/{metric}]")
    assert found.keys() == {"objectives"}
    assert why in found["objectives"][0]
