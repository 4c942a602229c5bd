"""Options with a default that do nothing because of what others are: told where the command line gives them."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

from tests.dsprites_file import small_dsprites
from tests.golden.runs import RUNS
from zsl_runner.config import schema
from zsl_runner.config.check import check
from zsl_runner.config.problems import Idle
from zsl_runner.config.registry import schemas
from zsl_runner.config.words import has_option
from zsl_runner.errors import ConfigError
from zsl_runner.models.sgal.conf import MarginConf
from zsl_runner.trainers.em.conf import EMTrainerConf

JOINT = ["model=joint_vae", "dataset=digits_images", "dataset.side=32"]
PICTURES = ["model=joint_vae", "dataset=unlabelled_images", "dataset.root=."]
FINAL = ["evaluator.stages=[final]", "evaluator.calibration=none"]
FOLDER = ["dataset=image_folder", "dataset.root=.", "dataset.shares=[0.4,0.1,0.5]"]
MARGIN = ("model.margin.weight", "model.margin.per_dim")
NO_NORM = "learning networks without batch norm"
STATIC = "task_setting=static, where rows of each class are held out"
UNTESTED = "stages=[tune], where no test rows are read"
TASKS = ["model=cosine_heads", "dataset=toy_tasks", "trainer=ewc"]
HEADS = ["model=task_heads", "dataset=split_digits", "trainer=ewc"]
NO_HEADS = "model cosine_heads, which has no heads: tasks share all weights"
BY_VECTORS = "class vectors, with which training decides among all classes so far"
AMONG_ALL = "scenario=cil, where training decides among all classes so far"
ARM = "equivariance: 0, refinement: 0, cross_prototype: 0, cross_map: 0, intra: 0"
UNCOMPARED = "weights of 0 of equivariance, refinement and all contrasts"
OF_CLASSES = "{} classes of pixels, whose IoU is a mean over those that are there"


@pytest.mark.parametrize(
    ("parts", "given", "expected"),
    [
        (["model=sgal"], ["model.margin.weight=0", "model.margin.per_dim=1"], {"model.margin.per_dim": "weight=0"}),
        (["model=sgal"], ["model.margin={weight: 0, pairs: classes}"], {"model.margin.pairs": "weight=0"}),
        (["model=sgal"], ["model.prior.hidden=[8]", "model.prior.layers=2"], {"model.prior.layers": "hidden=[8]"}),
        (
            ["model=sgal", "model.decoder.hidden=[]"],
            ["model.decoder.order=norm_dropout_activation", "trainer.em.decoder_dropout=true"],
            {
                "model.decoder.order": "a network without hidden blocks",
                "trainer.em.decoder_dropout": "a decoder without dropout",
            },
        ),
        *(
            (parts, ["trainer.em.prior_dropout=true"], {"trainer.em.prior_dropout": "a prior network without dropout"})
            for parts in (
                ["model=vzsl", "trainer=em"],
                ["model=sgal", "model.prior.dropout=0"],
                ["model=sgal", "model.prior.hidden=[]"],
            )
        ),
        (["model=sgal", "model.prior.hidden=null", "model.prior.layers=2"], ["trainer.em.prior_dropout=true"], {}),
        *(
            (parts, ["trainer.em.norm_statistics=real"], {} if norm else {"trainer.em.norm_statistics": NO_NORM})
            for parts, norm in (
                (["model=sgal"], False),
                (["model=sgal", "trainer.em.train_prior=true"], True),
                (["model=sgal", "model.encoder.hidden=[8]"], True),
                (["model=vzsl", "trainer=em"], False),
                (["model=cada_vae", "trainer=em"], False),
                (["model=cada_vae", "trainer=em", "model.class_decoder.batch_norm=true"], True),
            )
        ),
        (["model=sgal"], ["trainer.em.iterations=0", "trainer.em.copies=2"], {"trainer.em.copies": "em.iterations=0"}),
        (
            ["model=vzsl"],
            ["model.sharpening_weight=2", "model.blocks.norm_eps=1e-4"],
            {
                "model.sharpening_weight": "trainer=seen_only and evaluator=zsl, which never call target_terms",
                "model.blocks.norm_eps": "networks without batch norm",
            },
        ),
        (["model=vzsl", "trainer=transductive"], ["model.sharpening_weight=2"], {}),
        *(
            (["model=cada_vae", f"evaluator={evaluator}"], ["model.rule=kl"], expected)
            for evaluator, expected in (
                ("zsl", {}),
                (
                    "code_classifier",
                    {"model.rule": "trainer=aligned_vae and evaluator=final_classifier, which never call class_scores"},
                ),
            )
        ),
        (
            ["model=bi_vaegan", "trainer.class_prior=known"],
            ["trainer.prior_classifier.lr=1e-4", "trainer.regressor_every=2"],
            {"trainer.prior_classifier.lr": "class_prior=known"},
        ),
        (["model=bi_vaegan", "trainer.class_prior=cpe"], ["trainer.prior_classifier.lr=1e-4"], {}),
        (
            ["model=bi_vaegan", "trainer=feature_gan"],
            ["model.weights.unseen_critic=2"],
            {"model.weights.unseen_critic": "trainer.mode=inductive"},
        ),
        (
            ["model=f_vaegan"],
            ["model.unseen_critic=unconditional"],
            {"model.unseen_critic": "trainer.mode=inductive"},
        ),
        (["model=f_vaegan", "trainer=feature_gan_transductive"], ["model.unseen_critic=unconditional"], {}),
        (
            ["model=f_vaegan"],
            ["model.regressor=level_1", "model.attribute_critic=true"],
            {"model.attribute_critic": "trainer.mode=inductive"},
        ),
        (["model=f_vaegan"], ["model.unseen_critic=none", "model.attribute_critic=false"], {}),
        (
            ["model=tf_vaegan"],
            ["model.weights.feedback=0", "model.regressor_learns_from_generated=true"],
            {"model.regressor_learns_from_generated": "weights.feedback=0"},
        ),
        (
            ["model=f_vaegan"],
            ["model.penalty.weight=0", "model.penalty.adaptive=true"],
            {"model.penalty.adaptive": "penalty.weight=0"},
        ),
        (
            ["model=bi_vaegan", "model.weights.unseen_generator=0"],
            ["model.weights.unseen_critic=2", "trainer.class_prior=known"],
            {"model.weights.unseen_critic": "weights.unseen_generator=0"},
        ),
        (
            ["model=bi_vaegan", "model.weights.attribute_generator=0"],
            [
                "model.weights.attribute_critic=2",
                "model.penalty.attribute_projection=none",
                "model.attribute_hidden=8",
                "model.penalty.weight=1",
            ],
            dict.fromkeys(
                ("model.weights.attribute_critic", "model.penalty.attribute_projection", "model.attribute_hidden"),
                "weights.attribute_generator=0",
            ),
        ),
        (
            ["model=bi_vaegan", "trainer=feature_gan"],
            ["model.attribute_hidden=8"],
            {"model.attribute_hidden": "trainer.mode=inductive"},
        ),
        (
            ["model=tf_vaegan", "model.weights.generator=0"],
            ["model.weights.critic=2", "model.penalty.weight=1"],
            {"model.weights.critic": "weights.generator=0"},
        ),
        (
            ["model=f_vaegan", "model.weights.reconstruction=0"],
            ["model.reconstruction=squared", "model.weights.kl=2"],
            {"model.reconstruction": "weights.reconstruction=0"},
        ),
        (
            ["model=bi_vaegan", "model.penalty.attribute_weight=0"],
            ["model.weights.attribute_critic=2", "model.penalty.attribute_projection=none"],
            {"model.penalty.attribute_projection": "penalty.attribute_weight=0"},
        ),
        (
            ["model=task_heads", "dataset=split_digits", "trainer=lwf"],
            ["trainer.auxiliary.optim.lr=0.5", "trainer.auxiliary.epochs=3", "trainer.temperature=3"],
            {"trainer.auxiliary.optim.lr": "auxiliary_weight=0", "trainer.auxiliary.epochs": "auxiliary_weight=0"},
        ),
        (
            ["model=baseline_nn", "dataset=digits_quadrant"],
            ["evaluator.samples=3"],
            {"evaluator.samples": "a model without codes"},
        ),
        *(
            (
                [f"model={model}", "dataset=digits_quadrant"],
                [f"model.hidden=[{hidden}]", "model.dropout=0.5"],
                {} if hidden else {"model.dropout": "hidden=[]"},
            )
            for model in ("cvae_pairs", "baseline_nn")
            for hidden in ("8", "")
        ),
        *(
            (["model=cvae_pairs", "dataset=digits_quadrant"], given, {"evaluator.curve": why} if why else {})
            for given, why in (
                (["evaluator.samples=10"], ""),
                (["evaluator.samples=10", "evaluator.curve=[1,10]"], ""),
                (["evaluator.curve=[100,200,300]"], "samples=100 in what is above that, [200, 300]"),
                (["evaluator.samples=5", "evaluator.curve=[1,6]"], "samples=5 in what is above that, [6]"),
            )
        ),
        (
            ["model=cvae_segmentation_small", "dataset=digit_canvas_embedded"],
            ["evaluator.curve=[1,100]"],
            {"evaluator.curve": "samples=50 in what is above that, [100]"},
        ),
        (["model=cvae_segmentation_small", "dataset=digit_canvas_embedded"], ["evaluator.sample_batch=5"], {}),
        (
            ["model=cvae_pairs", "dataset=digits_quadrant", "trainer=nn"],
            ["evaluator.samples=3"],
            {"evaluator.samples": "trainer=nn, which has each code at its mean"},
        ),
        (
            ["model=cvae_pairs", "dataset=digits_quadrant", "trainer=gsnn"],
            ["evaluator.estimators=[is]"],
            {"evaluator.estimators": "trainer.alpha=0: the estimate is Monte Carlo"},
        ),
        (
            [*JOINT, "trainer=beta_vae"],
            ["trainer.iters=5", "dataset.labelled=50"],
            {"trainer.iters": "capacities that do not rise", "dataset.labelled": "a model that learns without labels"},
        ),
        (JOINT, ["trainer.iters=5"], {}),
        (
            [*JOINT, "trainer.gamma_z=0"],
            ["trainer.cz_min=1", "trainer.cz_max=2", "trainer.cc_max=2", "trainer.iters=5"],
            dict.fromkeys(("trainer.cz_min", "trainer.cz_max"), "gamma_z=0"),
        ),
        ([*JOINT, "trainer.gamma_c=0"], ["trainer.cc_max=2", "trainer.cz_max=2"], {}),
        (
            [*JOINT, "trainer.gamma_z=0", "trainer.cc_max=0"],
            ["trainer.iters=5"],
            {"trainer.iters": "capacities that do not rise"},
        ),
        *(
            ([*JOINT, *parts], ["trainer.capacity_per=example", "trainer.capacities=shared"], dict.fromkeys(keys, why))
            for parts, keys, why in (
                (["trainer=beta_vae"], ("trainer.capacity_per", "trainer.capacities"), "capacities of 0"),
                (
                    ["trainer.gamma_z=0", "trainer.gamma_c=0"],
                    ("trainer.capacity_per", "trainer.capacities"),
                    "gamma_z=0 and gamma_c=0",
                ),
                (["model.discrete=[]"], ("trainer.capacities",), "model.discrete=[]"),
                (["model.continuous=0"], ("trainer.capacities",), "model.continuous=0"),
                ([], (), ""),
            )
        ),
        (JOINT, ["model.recon_scale=sum"], {"model.recon_scale": "grey images"}),
        (PICTURES, ["model.recon_scale=sum"], {}),
        ([*PICTURES, "dataset.colour=false"], ["model.recon_scale=sum"], {"model.recon_scale": "grey images"}),
        ([*JOINT, "model.discrete=[]"], ["evaluator.mapping_rows=5"], {"evaluator.mapping_rows": "model.discrete=[]"}),
        (
            JOINT,
            ["evaluator.factor_votes=9", "evaluator.factor_batch=9"],
            dict.fromkeys(("evaluator.factor_votes", "evaluator.factor_batch"), "images whose factors are not known"),
        ),
        (
            ["model=aae/basic", "dataset=unlabelled_images", "dataset.root=.", "dataset.side=8"],
            ["evaluator.fitting_rows=50"],
            {"evaluator.fitting_rows": "images without classes"},
        ),
        *(
            ([*parts, *stages], given, dict.fromkeys(keys, UNTESTED) if stages else {})
            for stages in ([], ["evaluator.stages=[tune]"])
            for parts, given, keys in (
                (
                    ["model=aae/basic", "dataset=digits_images"],
                    ["evaluator.parzen.samples=9", "evaluator.prior_match={permutations: 9, rows: 50}"],
                    ("evaluator.parzen.samples", "evaluator.prior_match.permutations"),
                ),
                (
                    ["model=cvae_pairs", "dataset=digits_quadrant"],
                    ["evaluator.samples=9", "evaluator.validation_samples=9", "evaluator.drawn_samples=9"],
                    ("evaluator.samples", "evaluator.drawn_samples"),
                ),
                (
                    ["model=cvae_segmentation_small", "dataset=digit_canvas_embedded"],
                    ["evaluator.hidden_side=0.3", "evaluator.refinements=2", "evaluator.curve=[1]"],
                    ("evaluator.hidden_side", "evaluator.refinements", "evaluator.curve"),
                ),
            )
        ),
        *(
            ([*parts, "dataset=digit_canvas_embedded"], ["evaluator.refinements=2"], {"evaluator.refinements": why})
            for parts, why in (
                (["model=baseline_cnn_small"], "a model without codes"),
                (["model=cvae_segmentation_small", "trainer=nn"], "trainer=nn, which has each code at its mean"),
                (
                    ["model=cvae_segmentation_small", "trainer=gsnn"],
                    "trainer.alpha=0, which trains no recognition network",
                ),
            )
        ),
        (
            ["model=aae/clustering", "dataset=digits_images"],
            ["dataset.labelled=50", "dataset.label_seed=1"],
            dict.fromkeys(("dataset.labelled", "dataset.label_seed"), "a model that learns without labels"),
        ),
        (["model=aae/semi_supervised", "dataset=digits_images"], ["dataset.labelled=50", "dataset.label_seed=1"], {}),
        *(
            (parts, ["trainer.held=shared", "trainer.outputs=all", "trainer.scenario=" + scenario, *more], expected)
            for parts, scenario, more, expected in (
                (TASKS, "auto", [], {"trainer.held": NO_HEADS, "trainer.outputs": BY_VECTORS}),
                (TASKS, "cil", [], {"trainer.held": NO_HEADS, "trainer.outputs": AMONG_ALL}),
                (HEADS, "auto", [], {}),
                (HEADS, "til", [], {}),
                (HEADS, "cil", [], {"trainer.outputs": AMONG_ALL}),
                (
                    TASKS,
                    "auto",
                    ["trainer.weight=0"],
                    dict.fromkeys(("trainer.held", "trainer.outputs"), "weight=0 and auxiliary_weight=0"),
                ),
            )
        ),
        *(
            (["model=class_maps", "dataset=tagged_canvas_embedded", *weights], ["trainer.grid=8"], expected)
            for weights, expected in (
                ([f"trainer.weights={{{ARM}}}"], {"trainer.grid": UNCOMPARED}),
                ([f"trainer.weights={{{ARM}, least_activation: 0}}"], {"trainer.grid": UNCOMPARED}),
                ([f"trainer.weights={{{ARM.replace('equivariance: 0', 'equivariance: 1')}}}"], {}),
                ([f"trainer.weights={{{ARM.replace('refinement: 0', 'refinement: 1')}}}"], {}),
                ([f"trainer.weights={{{ARM.replace('intra: 0', 'intra: 1')}}}"], {}),
                (["trainer.contrast.steps=0"], {"trainer.grid": "contrast.steps=0"}),
            )
        ),
        *(
            (
                TASKS,
                [f"dataset.task_setting={setting}", "dataset.validation_classes=2", "dataset.validation_seed=1"],
                expected,
            )
            for setting, expected in (
                (
                    "static",
                    dict.fromkeys(("dataset.validation_classes", "dataset.validation_seed"), STATIC),
                ),
                ("dynamic", {}),
            )
        ),
        (["model=eszsl"], ["dataset.shots=0", "dataset.shots_seed=1"], {"dataset.shots_seed": "shots=0"}),
        (["model=eszsl"], ["dataset.shots=2", "dataset.shots_seed=1"], {}),
        (
            ["model=sgal"],
            ["trainer.em.gen_ratio=0", "trainer.em.gen_ratio_jitter=0", "trainer.em.gen_noise=1"],
            {"trainer.em.gen_noise": "em.gen_ratio=0 and em.gen_ratio_jitter=0"},
        ),
        (
            ["model=vzsl", "trainer=transductive"],
            ["trainer.steps=0", "model.sharpening_weight=2"],
            {"model.sharpening_weight": "trainer.steps=0"},
        ),
        (
            ["model=eszsl", "dataset=digits"],
            ["evaluator.patience=3"],
            {"evaluator.patience": "trainer=closed_form, which takes one step"},
        ),
        (
            ["model=sgal"],
            ["trainer.optim.algorithm=sgd", "trainer.optim.eps=1e-3"],
            {"trainer.optim.eps": "algorithm=sgd"},
        ),
        *(
            (
                ["model=class_maps", "dataset=tagged_canvas_embedded"],
                [f"trainer.mining.random_share={share}", f"trainer.mining.band=[{band}]"],
                expected,
            )
            for share, band, expected in (
                (0.9, "0.1,0.6", {}),
                (1, "0.1,0.6", {"trainer.mining.band": "random_share=1"}),
                (0.9, "0,1", {"trainer.mining.random_share": "band=[0,1]"}),
            )
        ),
        (
            ["model=class_maps", "dataset=tagged_canvas_embedded"],
            ["trainer.prototypes.absent_masked=false"],
            {"trainer.prototypes.absent_masked": "model.correlation.tagged=true and prototypes.clamped=true"},
        ),
        (
            ["model=class_maps", "dataset=tagged_canvas_embedded", "trainer.contrast.steps=0"],
            ["trainer.prototypes.absent_masked=false"],
            {"trainer.prototypes.absent_masked": "contrast.steps=0"},
        ),
        (
            ["model=class_maps", "dataset=tagged_canvas_embedded", "model.correlation.tagged=false"],
            ["trainer.prototypes.absent_masked=false"],
            {},
        ),
        (
            ["model=sgal", *FINAL],
            ["trainer.em={rollback_every: 7, rollback_metric: val/T1}", "evaluator.every=7"],
            dict.fromkeys(
                ("trainer.em.rollback_every", "trainer.em.rollback_metric", "evaluator.every"),
                "evaluator.stages=[final], where nothing is validated",
            ),
        ),
        (
            ["model=f_vaegan", *FINAL],
            ["trainer.evaluate_every=3"],
            {"trainer.evaluate_every": "evaluator.stages=[final], where nothing is validated"},
        ),
        (["model=sgal", *FINAL, "evaluator.oracle=true"], ["trainer.em.rollback_every=7", "evaluator.every=7"], {}),
        (["model=sgal", "evaluator.stages=[tune]"], ["trainer.em.rollback_every=7", "evaluator.every=7"], {}),
        *(
            (["model=sgal", *fixed], ["model.margin.weight=1", "model.margin.per_dim=1"], expected)
            for fixed, expected in (
                (
                    ["trainer=em", "trainer.em.train_prior=false", "trainer.pretrain_steps=0"],
                    dict.fromkeys(
                        MARGIN, "trainer.pretrain_steps=0 and trainer.em.train_prior=false: no class prior moves"
                    ),
                ),
                (
                    ["trainer=em_control_fixed_prior", "trainer.steps=0"],
                    dict.fromkeys(
                        MARGIN, "trainer.steps=0 and trainer.matched.train_prior=false: no class prior moves"
                    ),
                ),
                (["trainer=em", "trainer.em.train_prior=false"], {}),
                (["trainer=em_control_fixed_prior"], {}),
            )
        ),
        *(
            (
                ["model=cvae_segmentation_small", "dataset=digit_canvas_embedded", f"dataset.digits=[0,{most}]"],
                ["dataset.distinct=true", "dataset.overlap=0.5"],
                dict.fromkeys(told, "one digit at most (digits)"),
            )
            for most, told in ((1, ("dataset.distinct", "dataset.overlap")), (2, ()))
        ),
        *(
            (["model=cvae_segmentation_small", *pictures], ["evaluator.empty_iou=1"], expected)
            for pictures, expected in (
                (["dataset=digit_canvas_embedded", "dataset.classes=2"], {}),
                (
                    ["dataset=digit_canvas_embedded", "dataset.classes=11"],
                    {"evaluator.empty_iou": OF_CLASSES.format(11)},
                ),
                ([*FOLDER, "dataset.classes=[background,cat]"], {}),
                ([*FOLDER, "dataset.classes=[background,cat,dog]"], {"evaluator.empty_iou": OF_CLASSES.format(3)}),
            )
        ),
    ],
)
def test_an_option_that_does_nothing_is_told_where_the_command_line_gives_it(verdict, parts, given, expected):
    found = verdict("dataset=toy", *parts, *given)
    assert found.config is not None
    assert {option.key: option.why for option in found.idle} == expected
    assert all(option.origin.removeprefix("command line: ") in given for option in found.idle)


def test_options_of_factors_do_something_where_factors_are_known(verdict, tmp_path):
    small_dsprites(tmp_path)
    data = ["dataset=dsprites", f"dataset.root='{tmp_path}'", "dataset.validation_rows=20", "dataset.test_rows=100"]
    found = verdict("model=joint_vae", *data, "evaluator.factor_votes=9", "evaluator.factor_batch=9")
    assert found.config is not None
    assert found.idle == ()


@pytest.mark.parametrize("name", RUNS)
def test_defaults_that_do_nothing_are_not_told(verdict, name):
    given = [argument for argument in RUNS[name] if not argument.startswith(("trainer=", "model=", "dataset="))]
    assert {option.key for option in verdict(*RUNS[name]).idle} <= {argument.partition("=")[0] for argument in given}


def test_a_run_tells_of_options_that_do_nothing_and_starts(zsl_run):
    found = zsl_run("model=sgal", "dataset=toy", "task=check", "dataset.nuisance_scale=2")
    assert found.returncode == 0
    assert "no problem found" in found.stdout
    assert found.stderr.splitlines() == [
        "zsl-run: dataset.nuisance_scale has no effect with nuisance_rank=0  (command line: dataset.nuisance_scale=2)"
    ]


def test_objectives_do_something_in_sweeps_alone(loader):
    given = ["model=sgal", "dataset=toy", "objectives=[val/U]"]
    (told,) = check(loader, given, strictly=False).idle
    assert (told.key, told.why) == ("objectives", "a single run, which searches nothing")
    assert check(loader, given, strictly=False, alone=False).idle == ()


def test_a_sweep_tells_in_how_many_runs_an_option_does_nothing(zsl_run):
    swept = ["trainer.class_prior=known,cpe", "trainer.prior_classifier.lr=0.002", "seed=0,1"]
    found = zsl_run("-m", "model=bi_vaegan", "dataset=toy", "task=check", *swept)
    assert found.returncode == 0
    assert found.stderr.splitlines() == [
        "zsl-run: trainer.prior_classifier.lr has no effect with class_prior=known, in 2 of 4 runs  "
        "(command line: trainer.prior_classifier.lr=0.002)"
    ]


@pytest.mark.parametrize(
    ("owner", "method", "option", "told"),
    [
        (MarginConf, "idle_options", Idle("wieght", "x=0"), "MarginConf tells that model.margin.wieght has"),
        (EMTrainerConf, "idle_beside", Idle("em.copys", "x=0"), "EMTrainerConf tells that trainer.em.copys has"),
        (EMTrainerConf, "idle_beside", Idle("prior.x", "x=0", part="model"), "tells that model.prior.x has"),
        (EMTrainerConf, "idle_beside", Idle("kind", "x=0", part="modle"), "tells that modle.kind has"),
        (EMTrainerConf, "serves_validations", "em.rollbak", "tells that trainer.em.rollbak has"),
    ],
)
def test_a_schema_that_names_an_option_that_there_is_not_is_refused(verdict, monkeypatch, owner, method, option, told):
    monkeypatch.setattr(owner, method, lambda *_: [option])
    with pytest.raises(ConfigError, match=f"{told} no effect, and there is no such option"):
        verdict("model=sgal", "dataset=toy", *FINAL)


@pytest.mark.parametrize("key", ["sharpening_weight", "unseen_critic"])
def test_an_option_that_another_schema_of_a_part_has_may_be_named(verdict, monkeypatch, key):
    monkeypatch.setattr(EMTrainerConf, "idle_beside", lambda *_: [Idle(key, "x=0", part="model")])
    assert verdict("model=sgal", "dataset=toy").idle == ()


def told_in(module):
    """Yield (class, part, key) of every option that a module's ``idle(...)`` names by a text or a constant."""
    for definition in ast.parse(inspect.getsource(module)).body:
        for call in ast.walk(definition) if isinstance(definition, ast.ClassDef) else ():
            if not isinstance(call, ast.Call) or getattr(call.func, "id", None) != "idle":
                continue
            part = next((ast.literal_eval(word.value) for word in call.keywords if word.arg == "part"), None)
            for key in call.args[1:]:
                if isinstance(key, ast.Constant):
                    keys = [key.value]
                elif isinstance(key, ast.Starred) and isinstance(key.value, ast.Name):
                    keys = getattr(module, key.value.id, ())  # a local name is checked where it is told
                else:
                    keys = ()
                yield from ((getattr(module, definition.name), part, found) for found in keys)


def test_every_option_that_is_told_to_have_no_effect_is_there():
    files = [path for path in Path(schema.__file__).parents[1].rglob("*.py") if "idle(" in path.read_text()]
    root = Path(schema.__file__).parents[2]
    modules = [importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts)) for path in files]
    found = [(owner, part, key) for module in modules for owner, part, key in told_in(module)]
    assert len(found) > 100
    for owner, part, key in found:
        known = [owner] if part is None else schemas(part).values()
        assert any(has_option(one, key) for one in known), (owner, part, key)
    for model in schemas("model").values():
        for capability, keys in model.options_of.items():
            assert all(has_option(model, key) for key in keys), (model, capability)
