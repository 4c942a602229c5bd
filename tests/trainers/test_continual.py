"""Tasks one after the other: what holds the network, in which order, and that nothing else has a part in it."""

import copy
import dataclasses
from functools import partial

import pytest
import torch

from tests.task_data import OPTIM, Counting, task_accuracy, task_trainer, task_training, train
from tests.training.emulated_graph import EmulatedGraph
from tests.weights import same, weights_of
from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.data.sources.mnist.conf import SplitMNISTConf
from zsl_runner.data.sources.toy.conf import ToyTasksConf
from zsl_runner.errors import ConfigError
from zsl_runner.models.task_heads.conf import TaskHeadsConf
from zsl_runner.models.task_model import TaskModel, loaded
from zsl_runner.objectives.continual import distillation, quadratic_penalty
from zsl_runner.trainers.continual.conf import EWCConf, FinetuneConf, ICaRLConf, JointConf, LFLConf, LwFConf, MASConf
from zsl_runner.trainers.continual.exemplars import herded
from zsl_runner.trainers.continual.memory import ExemplarMemory
from zsl_runner.trainers.continual.options import AuxiliaryConf
from zsl_runner.trainers.continual.regularisers import WeightPull
from zsl_runner.trainers.continual.trainer import ContinualTrainer
from zsl_runner.training.replay import Capture
from zsl_runner.training.terms import TermSums

LENGTH = {"iterations": 20, "epochs": None, "batch_size": 16, "optim": OPTIM}
HELD = LENGTH | {"auxiliary": AuxiliaryConf(optim=OPTIM)}
HOLDING = {
    "ewc": EWCConf(weight=100.0, **HELD),
    "mas": MASConf(weight=1.0, **HELD),
    "lwf": LwFConf(weight=1.0, **HELD),
    "lfl": LFLConf(weight=1.0, **HELD),
    "icarl": ICaRLConf(weight=1.0, memory=30, **HELD),
}


def with_auxiliary(conf, weight=1.0):
    return dataclasses.replace(conf, auxiliary_weight=weight)


def names(trainer):
    return [phase.name for phase in trainer.phases()]


def distance(network, vector):
    return float((torch.nn.utils.parameters_to_vector(network.parameters()).detach() - vector).norm())


def test_phases_of_each_method():
    assert names(task_trainer(FinetuneConf(**LENGTH))) == ["task_1", "task_2", "task_3"]
    assert names(task_trainer(HOLDING["ewc"])) == [
        "task_1",
        "task_1.importance",
        "task_2",
        "task_2.importance",
        "task_3",
    ]
    assert names(task_trainer(with_auxiliary(HOLDING["ewc"])))[2:7] == [
        "task_2.auxiliary",
        "task_2.auxiliary_importance",
        "task_2",
        "task_2.importance",
        "task_3.auxiliary",
    ]
    both = ["task_1", "task_1.exemplars", "task_2.auxiliary", "task_2", "task_2.exemplars"]
    assert names(task_trainer(with_auxiliary(HOLDING["icarl"])))[:5] == both


@pytest.mark.parametrize("name", HOLDING)
def test_an_auxiliary_network_of_no_weight_changes_nothing(name):
    plain, pulled = task_trainer(HOLDING[name]), task_trainer(with_auxiliary(HOLDING[name], 1e-35))
    train(plain)
    train(pulled)
    assert pulled.model.auxiliaries.abs().sum() > 0
    assert same(plain.model.main.state_dict(), pulled.model.main.state_dict())
    assert torch.equal(plain.model.snapshots, pulled.model.snapshots)


@pytest.mark.parametrize("name", ["ewc", "mas", "lwf", "lfl"])
def test_without_any_weight_it_is_fine_tuning(name):
    plain, held = task_trainer(FinetuneConf(**LENGTH)), task_trainer(dataclasses.replace(HOLDING[name], weight=0.0))
    train(plain)
    train(held)
    assert torch.equal(plain.model.snapshots, held.model.snapshots)


@pytest.mark.parametrize("name", ["ewc", "lwf", "lfl"])
def test_a_pull_without_end_ends_at_the_auxiliary_network(name):
    conf = dataclasses.replace(HOLDING[name], weight=0.0, iterations=300, auxiliary_weight=1e7)
    conf.auxiliary = AuxiliaryConf(iterations=60, optim=OPTIM)
    trainer = task_trainer(conf)
    train(trainer, until="task_3.auxiliary")
    model, data = trainer.model, trainer.data
    assert task_accuracy(model.main, data, 1) == pytest.approx(task_accuracy(model.auxiliary, data, 1), abs=0.02)
    if name == "ewc":
        importances = trainer._importance.auxiliary
        left = quadratic_penalty(model.main.parameters(), model.auxiliary.parameters(), importances)
        with loaded(model.main, model.snapshots[0]):
            before = quadratic_penalty(model.main.parameters(), model.auxiliary.parameters(), importances)
        assert float(left.detach()) < 1e-3 * float(before.detach())


@pytest.mark.parametrize("name", ["ewc", "mas"])
def test_distances_follow_the_auxiliary_weight(name):
    to_old, to_auxiliary = [], []
    for ratio in (0.1, 1.0, 10.0, 100.0):
        strong = dataclasses.replace(HOLDING[name], weight=1000.0, auxiliary_weight=1000.0 * ratio, iterations=150)
        trainer = task_trainer(strong)
        train(trainer, until="task_3.auxiliary")
        model = trainer.model
        to_old.append(distance(model.main, model.snapshots[0]))
        to_auxiliary.append(distance(model.main, model.auxiliaries[1]))
    assert to_auxiliary == sorted(to_auxiliary, reverse=True), to_auxiliary
    assert to_old == sorted(to_old), to_old


@pytest.mark.parametrize("name", ["ewc", "mas", "lfl"])
def test_at_first_only_the_auxiliary_network_pulls(name):
    trainer = task_trainer(with_auxiliary(HOLDING[name]))
    found = train(trainer, until="task_3.auxiliary")
    first = found["task_2"][0]
    assert first["stability"] == pytest.approx(0, abs=1e-6)
    assert first["plasticity"] > 1e-4
    assert found["task_2"][-1]["stability"] > 1e-4


def test_the_old_network_pulls_nowhere_where_the_main_one_equals_it():
    trainer = task_trainer(HOLDING["ewc"])
    train(trainer, until="task_2")
    model, reference = trainer.model, trainer.references(1)["stability"]
    penalty = quadratic_penalty(model.main.parameters(), reference.network.parameters(), reference.importances)
    gradients = torch.autograd.grad(penalty, list(model.main.parameters()))
    assert all(torch.equal(g, torch.zeros_like(g)) for g in gradients)
    assert sum(float(value.sum()) for value in reference.importances) > 0


def test_the_networks_share_no_memory():
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]))
    train(trainer, until="task_2")
    model = trainer.model
    places = [{p.data_ptr() for p in network.parameters()} for network in (model.main, model.old, model.auxiliary)]
    assert not places[0] & places[1]
    assert not places[0] & places[2]
    assert not places[1] & places[2]
    old, auxiliary = weights_of(model.old), weights_of(model.auxiliary)
    phase = next(phase for phase in trainer.phases() if phase.name == "task_2")
    phase.begin()
    phase.step()
    assert same(old, model.old.state_dict())
    assert same(auxiliary, model.auxiliary.state_dict())
    assert not torch.equal(model.main.body[1].weight, model.old.body[1].weight)


def test_the_auxiliary_network_learns_its_task_at_least_as_well():
    trainer = task_trainer(with_auxiliary(dataclasses.replace(HOLDING["ewc"], weight=1e4, iterations=60), 100.0))
    train(trainer)
    model = trainer.model
    for task in (1, 2):
        with model.as_after(task) as network:
            own = task_accuracy(network, trainer.data, task)
        with loaded(model.main, model.auxiliaries[task]):
            assert task_accuracy(model.main, trainer.data, task) >= own - 0.02


@pytest.mark.parametrize("heads", ["joint", "each", "all"])
def test_softened_outputs_are_those_of_the_heads_that_are_meant(heads):
    conf = with_auxiliary(dataclasses.replace(HOLDING["lwf"], heads=heads, scenario="cil"))
    trainer = task_trainer(conf)
    train(trainer, until="task_3")
    model, x = trainer.model, trainer.data.data.rows.take(torch.arange(20))
    terms = trainer.terms(2, x, trainer.data.data.labels[:20].clamp_min(4), trainer.references(2))
    with torch.no_grad():
        own, old = model.main(x, range(6)), model.old(x, range(4))
        expected = {
            "joint": distillation(own[:, :4], old, 2.0),
            "each": distillation(own[:, :2], old[:, :2], 2.0) + distillation(own[:, 2:4], old[:, 2:4], 2.0),
            "all": distillation(own, old, 2.0),
        }
        plasticity = distillation(own[:, 4:], model.auxiliary(x, range(4, 6)), 2.0)
    torch.testing.assert_close(terms["stability"].detach(), expected[heads])
    torch.testing.assert_close(terms["plasticity"].detach(), plasticity)


def test_the_auxiliary_network_has_an_optimiser_and_a_length_of_its_own():
    own = AuxiliaryConf(epochs=2, optim=dataclasses.replace(OPTIM, algorithm="sgd"))
    trainer = task_trainer(dataclasses.replace(with_auxiliary(HOLDING["lwf"]), auxiliary=own))
    lengths = {phase.name: phase.steps for phase in trainer.phases()}
    assert lengths["task_2.auxiliary"] == 2 * (80 // 16)
    assert lengths["task_2"] == 20
    assert trainer.conf.optimisers()["auxiliary"].algorithm == "sgd"


def test_the_auxiliary_network_sees_the_task_s_own_rows_alone():
    trainer = task_trainer(with_auxiliary(HOLDING["icarl"]))
    train(trainer, until="task_2.auxiliary")
    phases = {phase.name: phase for phase in trainer.phases()}
    phases["task_2.auxiliary"].begin()
    labels = trainer.data.data.labels
    assert set(labels[trainer._pool.rows].tolist()) == {2, 3}
    phases["task_2"].begin()
    assert set(labels[trainer._pool.rows].tolist()) == {0, 1, 2, 3}


def test_joint_training_goes_through_all_rows_so_far():
    trainer = task_trainer(JointConf(**LENGTH | {"iterations": None, "epochs": 1}))
    assert [phase.steps for phase in trainer.phases()] == [5, 10, 15]
    train(trainer)
    assert min(task_accuracy(trainer.model.main, trainer.data, task) for task in range(3)) > 0.8


def test_old_heads_rest_where_only_the_task_s_classes_compete():
    trainer = task_trainer(FinetuneConf(**LENGTH | {"optim": dataclasses.replace(OPTIM, weight_decay=0.1)}))
    train(trainer, until="task_2")
    before = trainer.model.main.heads[0].weight.clone()
    train_task = {phase.name: phase for phase in trainer.phases()}["task_2"]
    train_task.begin()
    for _ in range(5):
        train_task.step()
    assert torch.equal(trainer.model.main.heads[0].weight, before)


@pytest.mark.parametrize("name", ["ewc", "mas"])
@pytest.mark.parametrize("held", ["all", "shared"])
@pytest.mark.parametrize("auxiliary_weight", [0.0, 1.0])
def test_heads_without_importance_do_not_decay(name, held, auxiliary_weight):
    """The pull has nothing to say of them; a gradient of zeros would let an optimiser shrink them."""
    decaying = dataclasses.replace(OPTIM, weight_decay=0.1)
    changes = {"held": held, "auxiliary_weight": auxiliary_weight, "optim": decaying}
    trainer = task_trainer(dataclasses.replace(HOLDING[name], auxiliary=AuxiliaryConf(optim=decaying), **changes))
    train(trainer, until="task_2")
    before = {name: value.clone() for name, value in trainer.model.main.named_parameters()}
    again = task_trainer(dataclasses.replace(HOLDING[name], auxiliary=AuxiliaryConf(optim=decaying), **changes))
    again.model.load_state_dict(trainer.model.state_dict())
    again.load_state_dict(trainer.state_dict())
    for one in (trainer, again):  # also where a run is resumed
        task = {phase.name: phase for phase in one.phases()}["task_2"]
        task.begin()
        for _ in range(5):
            task.step()
        rested = {name for name, value in one.model.main.named_parameters() if torch.equal(value, before[name])}
        heads = [2] if held == "all" else [0, 2]
        assert rested == {f"heads.{head}.{part}" for head in heads for part in ("weight", "bias")}


@pytest.mark.parametrize("estimator", ["empirical", "exact", "batched"])
def test_a_task_of_one_class_leaves_no_importance_and_no_pull(estimator):
    """The likelihood of its only class is 1 whatever the weights."""
    conf = dataclasses.replace(HOLDING["ewc"], weight=1e6, estimator=estimator)
    trainer = task_trainer(conf, task_training(sizes=(1, 2)))
    found = train(trainer)
    assert not any(trainer._importance.old_held)
    assert all(step["stability"] == 0 for step in found["task_2"])
    assert found["task_2"][-1]["task"] < found["task_2"][0]["task"]


@pytest.mark.parametrize(
    ("scenario", "sizes", "told"), [("til", (2, 1, 1), "(2, 3)"), ("cil", (2, 1, 1), ""), ("til", (2, 2), "")]
)
def test_tasks_of_one_class_are_told_where_nothing_is_to_be_decided(scenario, sizes, told):
    trainer = task_trainer(FinetuneConf(scenario=scenario, **LENGTH), task_training(sizes=sizes))
    assert [told in warning for warning in trainer.warnings()] == ([True] if told else [])


def test_classes_of_earlier_tasks_compete_class_incrementally():
    trainer = task_trainer(FinetuneConf(**LENGTH | {"scenario": "cil", "iterations": 100}))
    train(trainer)
    rows = trainer.data.data
    with torch.no_grad():
        decided = trainer.model.scores(rows.rows.take(torch.arange(len(rows))), range(6), None).argmax(1)
    assert (decided >= 4).float().mean() > 0.9  # the last task's classes win everywhere: catastrophic forgetting


def test_importances_of_tasks_are_summed_and_those_of_the_auxiliary_network_replaced():
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]))
    train(trainer, until="task_2")
    first = [value.clone() for value in trainer._importance.old]
    assert all((value >= 0).all() for value in first)
    train(trainer, until="task_3.auxiliary")
    second = trainer._importance.old
    assert sum(float(value.sum()) for value in second) > sum(float(value.sum()) for value in first)


@pytest.mark.parametrize("held", ["all", "shared"])
def test_heads_are_held_or_not(held):
    trainer = task_trainer(dataclasses.replace(HOLDING["ewc"], held=held))
    train(trainer, until="task_2")
    of_heads = [
        value
        for (name, _), value in zip(trainer.model.main.named_parameters(), trainer._importance.old, strict=True)
        if name.startswith("heads.0")
    ]
    assert any(value.sum() > 0 for value in of_heads) == (held == "all")


@pytest.mark.parametrize("outputs", ["scenario", "all"])
def test_importances_are_measured_by_the_outputs_that_are_meant(outputs):
    newest = {"accumulate": "online", "decay": 0.0, "outputs": outputs}
    trainer = task_trainer(dataclasses.replace(HOLDING["ewc"], **newest))
    train(trainer, until="task_3")
    names_of = [name for name, _ in trainer.model.main.named_parameters()]
    sums = dict(zip(names_of, trainer._importance.old, strict=True))
    counts = [bool(sums[f"heads.{task}.weight"].sum() > 0) for task in range(3)]
    assert counts == [outputs == "all", True, False]


def test_the_squared_norm_of_outputs_weighs_rows_by_twice_the_norm():
    trainer = task_trainer(HOLDING["mas"])
    train(trainer, until="task_2")
    network, x = trainer.model.old, trainer.data.data.rows.take(torch.arange(1))
    labels, drawn = torch.zeros(1, dtype=torch.int64), torch.Generator()
    plain, squared = (
        WeightPull(MASConf(squared=choice), trainer.order).learn(network, x, labels, range(2), drawn)
        for choice in (False, True)
    )
    size = float(network(x, range(2)).norm())
    assert sum(float(value.sum()) for value in plain) > 0
    for one, other in zip(plain, squared, strict=True):
        torch.testing.assert_close(other, 2 * size * one)


def test_importances_are_means_over_the_rows_of_the_task():
    """In blocks of 16 rows; a sum would pull the harder the more rows a task has."""
    trainer = task_trainer(HOLDING["mas"])
    train(trainer, until="task_2")
    rows = trainer.data.data.positions_of(trainer.order.of(0))
    x, labels = trainer.data.data.rows.take(rows), trainer.data.data.labels[rows]
    assert len(rows) > 16
    sums = WeightPull(HOLDING["mas"], trainer.order).learn(
        trainer.model.old, x, labels, trainer.order.of(0), torch.Generator()
    )
    for found, summed in zip(trainer._importance.old, sums, strict=True):
        torch.testing.assert_close(found, summed / len(rows), rtol=1e-4, atol=1e-7)


def test_some_rows_are_enough_for_importances():
    trainer = task_trainer(dataclasses.replace(HOLDING["mas"], importance_rows=20))
    lengths = {phase.name: phase.steps for phase in trainer.phases()}
    assert lengths["task_1.importance"] == 2
    train(trainer, until="task_2")
    assert len(trainer._importance._pool) == 20


def test_cosines_have_logits_of_classes_to_come():
    data = task_training(vectors=True)
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]), data)
    train(trainer)
    x = data.data.rows.take(torch.arange(5))
    assert trainer.model.main(x, range(6)).shape == (5, 6)
    assert trainer.model.main(x, range(6)).abs().max() <= 10
    assert not trainer.decides_by_task


def test_herding_follows_the_mean():
    features = torch.nn.functional.normalize(torch.randn(50, 4, generator=torch.Generator().manual_seed(0)))
    order = herded(features, 50)
    assert sorted(order.tolist()) == list(range(50))
    mean, chosen = features.mean(0), []
    for k in range(1, 6):  # by the definition, row by row
        rest = [row for row in range(50) if row not in chosen]
        total = features[chosen].sum(0)
        distances = torch.stack([(mean - (features[row] + total) / k).norm() for row in rest])
        chosen.append(rest[int(distances.argmin())])
    assert order[:5].tolist() == chosen
    random = torch.randperm(50, generator=torch.Generator().manual_seed(1))[:10]
    assert (features[order[:10]].mean(0) - mean).norm() < (features[random].mean(0) - mean).norm()


def test_herding_tells_rows_of_nearly_one_direction_apart():
    """Features of a class come near to each other: what tells them apart must not be lost beside their mean."""
    generator = torch.Generator().manual_seed(2)
    features = torch.nn.functional.normalize(1 + 0.02 * torch.randn(200, 8, generator=generator))
    away = features.double() - features.double().mean(0)
    total, expected = torch.zeros(8, dtype=torch.float64), []
    for _ in range(100):  # of rows less the mean the chosen ones' sum is to be shortest
        lengths = (total + away).norm(dim=1)
        lengths[expected] = torch.inf
        expected.append(int(lengths.argmin()))
        total = total + away[expected[-1]]
    assert herded(features, 100).tolist() == expected


def test_exemplars_are_of_their_class_and_the_first_chosen_stay():
    trainer = task_trainer(HOLDING["icarl"])
    memory, labels = trainer._exemplars.memory, trainer.data.data.labels
    train(trainer, until="task_2")
    first = memory.of(0, 0)
    assert len(first) == 15
    assert (labels[first] == 0).all()
    train_all = task_trainer(HOLDING["icarl"])
    train(train_all)
    memory = train_all._exemplars.memory
    assert len(memory.of(0, 2)) == 5
    assert torch.equal(memory.of(0, 2), memory.of(0, 0)[:5])
    total = sum(len(memory.of(label, 2)) for label in range(6))
    assert total == 30


def test_exemplars_may_be_drawn():
    drawn, again, herding = (
        task_trainer(dataclasses.replace(HOLDING["icarl"], selection=selection))
        for selection in ("random", "random", "herding")
    )
    for trainer in (drawn, again, herding):
        train(trainer, until="task_2")
    labels = drawn.data.data.labels
    for label in (0, 1):
        chosen = drawn._exemplars.memory.of(label, 0)
        assert len(set(chosen.tolist())) == 15
        assert (labels[chosen] == label).all()
        assert torch.equal(chosen, again._exemplars.memory.of(label, 0))
        assert set(chosen.tolist()) != set(herding._exemplars.memory.of(label, 0).tolist())


def test_class_means_decide():
    trainer = task_trainer(dataclasses.replace(HOLDING["icarl"], iterations=60, scenario="cil"))
    train(trainer)
    model, rows = trainer.model, trainer.data.data
    x = rows.rows.take(torch.arange(len(rows)))
    with torch.no_grad():
        scores = model.scores(x, range(6), 2)
        unit = torch.nn.functional.normalize(model.main.represent(x))
    expected = torch.stack([-(unit - mean).square().sum(1) for mean in model.prototypes[2]], 1)
    torch.testing.assert_close(scores, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.prototypes[2].norm(dim=1), torch.ones(6))
    assert (scores.argmax(1) == rows.labels).float().mean() > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory": 1000}, "trainer.memory: expected 6 .* to 240 .* found 1,000"),
        ({"memory": 5}, "trainer.memory: expected 6"),
        ({"memory": None, "memory_per_class": 41}, "memory_per_class: expected at most 40"),
    ],
)
def test_memories_that_cannot_be_filled(options, message):
    with pytest.raises(ConfigError, match=message):
        task_trainer(dataclasses.replace(HOLDING["icarl"], **options))


def told(conf, dataset):
    return [f"{problem.key}: {problem.message}" for problem in conf.fits(TaskHeadsConf(), dataset)]


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [
        (SplitDigitsConf(), "1,200"),
        (SplitDigitsConf(validation_rows=500), "1,000"),
        (SplitMNISTConf(train_limit=1500), "1,500"),
    ],
)
def test_memories_that_cannot_be_filled_are_found_before_data_of_known_size_are_loaded(dataset, rows):
    message = f"memory: expected 10 (one exemplar of each class) to {rows} (all training rows), found"
    assert told(ICaRLConf(), dataset) == [f"{message} 2,000"]
    assert told(ICaRLConf(memory=9), dataset) == [f"{message} 9"]
    assert told(ICaRLConf(memory=200), dataset) == []
    (found,) = told(ICaRLConf(memory=None, memory_per_class=151), dataset)
    assert found.startswith("memory_per_class: expected at most 1")
    assert told(ICaRLConf(memory=None, memory_per_class=100), dataset) == []


def test_data_whose_files_decide_are_not_judged_before():
    assert told(ICaRLConf(memory=10**6), ToyTasksConf()) == []
    assert told(ICaRLConf(), SplitMNISTConf()) == []


def test_the_third_corner_of_a_plane_is_trained_on_all_rows_and_changes_nothing_else():
    conf = with_auxiliary(HOLDING["ewc"])
    plain, drawn = task_trainer(conf), task_trainer(dataclasses.replace(conf, plane=True))
    train(plain)
    train(drawn, until="task_3.joint")
    assert names(drawn) == [*names(plain), "task_3.joint"]
    phase = drawn.phases()[-1]
    phase.begin()
    model, data = drawn.model, drawn.data
    assert distance(model.auxiliary, model.snapshots[1]) == 0
    assert sorted(drawn._pool.rows.tolist()) == list(range(len(data.data)))
    for _ in range(phase.steps):
        phase.step()
    phase.end()
    with loaded(model.main, model.joint):
        assert min(task_accuracy(model.main, data, task) for task in range(3)) > 0.8
    assert not torch.equal(model.joint, model.snapshots[1])
    for name in ("snapshots", "auxiliaries"):
        assert torch.equal(getattr(model, name), getattr(plain.model, name))
    assert same(model.main.state_dict(), plain.model.main.state_dict())


@pytest.mark.parametrize("name", ["task_2", "task_3.auxiliary", "task_3.joint"])
def test_a_network_begins_to_train_without_moments_of_before(name):
    """So a first step of Adam moves a weight by its learning rate, whatever the gradient; later ones do not."""
    trainer = task_trainer(dataclasses.replace(with_auxiliary(HOLDING["lwf"]), plane=True))
    train(trainer, until=name)
    phase = next(phase for phase in trainer.phases() if phase.name == name)
    phase.begin()
    network = trainer.model.main if name == "task_2" else trainer.model.auxiliary

    def share_moved_by_the_learning_rate():
        before = torch.nn.utils.parameters_to_vector(network.parameters()).detach()
        phase.step()
        moved = (torch.nn.utils.parameters_to_vector(network.parameters()).detach() - before).abs()
        return ((moved[moved > 0] / OPTIM.lr - 1).abs() < 1e-3).float().mean().item()

    assert share_moved_by_the_learning_rate() > 0.9  # all but those of gradients near Adam's eps
    assert share_moved_by_the_learning_rate() < 0.2


def test_no_plane_through_networks_with_statistics():
    conf = dataclasses.replace(with_auxiliary(HOLDING["ewc"]), plane=True)
    context = task_trainer(conf).context
    counting = dataclasses.replace(context, model=TaskModel(Counting(), context.data.order))
    with pytest.raises(ConfigError, match=r"^trainer\.plane: the network keeps statistics .*; expected false, or"):
        ContinualTrainer(conf, counting)
    assert ContinualTrainer(dataclasses.replace(conf, plane=False), counting).model.statistics.shape[2] > 0


@pytest.mark.parametrize(
    ("changes", "sizes", "told"),
    [({}, (4,), 1), ({"weight": 0.0, "auxiliary_weight": 1.0}, (4,), 1), ({"weight": 0.0}, (4,), 0), ({}, (2, 2), 0)],
)
def test_weights_without_an_old_network_are_told(changes, sizes, told):
    conf = LwFConf(**LENGTH, **changes, auxiliary=AuxiliaryConf(optim=OPTIM))
    trainer = task_trainer(conf, task_training(sizes=sizes))
    found = ["trainer.weight and trainer.auxiliary_weight have no effect" in text for text in trainer.warnings()]
    assert found == [True] * told


@pytest.mark.parametrize("name", HOLDING)
def test_only_the_network_that_learns_is_in_training_mode(name):
    trainer = task_trainer(with_auxiliary(HOLDING[name]))
    networks = {"main": trainer.model.main, "old": trainer.model.old, "auxiliary": trainer.model.auxiliary}
    modes = {}
    for which, network in networks.items():
        layer = next(module for module in network.modules() if isinstance(module, torch.nn.Linear))
        layer.register_forward_pre_hook(lambda layer, _, which=which: modes[which].add(layer.training))
    for phase in trainer.phases():
        learns = "main" if "." not in phase.name else "auxiliary" if phase.name.endswith(".auxiliary") else None
        modes.update({which: set() for which in networks})
        phase.begin()
        for _ in range(phase.steps):
            trainer.model.train(learns is None)  # an evaluation before the step may leave either
            phase.step()
        if phase.end is not None:
            phase.end()
        for which, seen in modes.items():
            assert seen <= {which == learns}, (phase.name, which)
        assert learns is None or modes[learns]


def test_a_plane_needs_two_tasks():
    conf = LwFConf(plane=True, auxiliary_weight=1.0)
    (found,) = told(conf, SplitDigitsConf(n_tasks=1))
    assert found.startswith("plane: its first corner is the network before the last of at least two tasks")
    assert told(conf, SplitDigitsConf(n_tasks=2)) == []
    assert told(dataclasses.replace(conf, plane=False), SplitDigitsConf(n_tasks=1)) == []
    assert [problem.key for problem in LwFConf(plane=True).problems()] == ["plane"]


@pytest.mark.parametrize(
    ("conf", "steps"),
    [
        (FinetuneConf, [10, 10, 10]),  # 80 rows of each task, two epochs of 16 rows a step
        (JointConf, [10, 20, 30]),
        (partial(ICaRLConf, weight=1.0, memory=32, auxiliary=AuxiliaryConf(optim=OPTIM)), [10, 14, 14]),
    ],
)
def test_an_epoch_goes_through_all_rows_of_its_task(conf, steps):
    trainer = task_trainer(conf(**LENGTH | {"iterations": None, "epochs": 2}))
    assert [phase.steps for phase in trainer.phases() if "." not in phase.name] == steps


def test_a_task_is_trained_beside_the_exemplars_left_after_the_task_before():
    memory = ExemplarMemory(task_training(), 24, None)
    for label in range(6):
        memory.keep(label, torch.arange(100 * label, 100 * label + 24))
    assert memory.before(1).tolist() == [*range(12), *range(100, 112)]
    assert memory.before(2).tolist() == [100 * label + place for label in range(4) for place in range(6)]
    assert [memory.kept(task) for task in range(3)] == [0, 24, 24]
    uneven = ExemplarMemory(task_training(), 23, None)
    assert [uneven.kept(task) for task in range(3)] == [0, 22, 20]


def test_a_number_of_exemplars_for_each_class():
    memory = ExemplarMemory(task_training(), None, 7)
    assert [memory.share(0, task) for task in range(3)] == [7, 7, 7]
    assert memory.kept(0) == 0
    assert memory.kept(2) == 28


def unasked(trainer):
    """Let the trainer ask the resting networks with every step."""
    trainer._ask = lambda task: {}
    return trainer


@pytest.mark.parametrize("name", ["lwf", "lfl", "icarl"])
@pytest.mark.parametrize("vectors", [False, True])
def test_what_resting_networks_say_is_the_same_at_once_and_step_by_step(name, vectors):
    conf = with_auxiliary(HOLDING[name])
    at_once = task_trainer(conf, task_training(vectors=vectors))
    each = unasked(task_trainer(conf, task_training(vectors=vectors)))
    found, expected = train(at_once), train(each)
    asked = {name: len(answers) for name, answers in at_once._answers.items()}
    assert asked == {"stability": len(at_once._pool.rows), "plasticity": len(at_once._pool.rows)}
    assert each._answers == {}
    for phase, steps in expected.items():
        for one, other in zip(found[phase], steps, strict=True):
            assert one == pytest.approx(other, rel=1e-5, abs=1e-6), phase
    torch.testing.assert_close(at_once.model.snapshots, each.model.snapshots, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("iterations", "asks"), [(4, False), (5, True)])
def test_a_phase_that_does_not_see_all_rows_asks_step_by_step(iterations, asks):
    trainer = task_trainer(dataclasses.replace(HOLDING["lwf"], iterations=iterations))  # 80 rows, 16 in a step
    train(trainer)
    assert bool(trainer._answers) == asks


@pytest.mark.parametrize("name", HOLDING)
def test_replayed_steps_take_the_same_answers(name):
    conf = with_auxiliary(HOLDING[name])
    plain, replayed = task_trainer(conf), task_trainer(conf)
    train(plain)
    capture = Capture(replayed.context.streams, replayed.context.optimisers, graphs=lambda device: EmulatedGraph)
    for phase in replayed.phases():
        if phase.begin is not None:
            phase.begin()
        take = capture.of(phase.step, TermSums(), phase.name)
        for _ in range(phase.steps):
            take()
        if phase.end is not None:
            phase.end()
    assert capture.variants["task_3"].graphs == 1
    assert same(replayed.model.state_dict(), plain.model.state_dict())


def test_weights_that_are_held_need_no_answers():
    trainer = task_trainer(with_auxiliary(HOLDING["ewc"]))
    train(trainer)
    assert trainer._answers == {}


@pytest.mark.parametrize("name", HOLDING)
def test_a_trainer_resumes_in_every_phase_with_the_same_bits(name):
    conf = with_auxiliary(dataclasses.replace(HOLDING[name], iterations=4, batch_size=32, plane=name == "mas"))
    whole = task_trainer(conf)
    train(whole)
    steps = sum(phase.steps for phase in whole.phases())
    for stop in range(1, steps, 3):
        cut, rest = task_trainer(conf), task_trainer(conf)
        _go(cut, 0, stop)
        for own, kept in zip(_parts(rest), _parts(cut), strict=True):
            own.load_state_dict(copy.deepcopy(kept.state_dict()))
        _go(rest, stop, steps)
        assert same(rest.model.state_dict(), whole.model.state_dict())


def _parts(trainer):
    """Return what holds state, in the order in which a stage loads it."""
    return trainer.model, trainer.context.optimisers, trainer, trainer.context.streams


def _go(trainer, first, last):
    """Take the steps from one number to another, as the loop does."""
    done = 0
    for phase in trainer.phases():
        for place in range(phase.steps):
            if first <= done < last:
                if place == 0 and phase.begin is not None:
                    phase.begin()
                phase.step()
                if place == phase.steps - 1 and phase.end is not None:
                    phase.end()
            done += 1


def test_problems_of_options():
    def keys(conf):
        return [problem.key for problem in conf.problems()]

    assert keys(FinetuneConf(iterations=5)) == ["epochs"]
    assert keys(FinetuneConf(iterations=None, epochs=None)) == ["epochs"]
    assert keys(EWCConf(decay=0.5)) == ["decay"]
    assert keys(EWCConf(accumulate="average")) == ["decay"]
    assert keys(EWCConf(accumulate="average", decay=0.5)) == []
    assert keys(ICaRLConf(memory=None)) == ["memory"]
    assert keys(ICaRLConf(memory_per_class=20)) == ["memory_per_class"]
    assert keys(AuxiliaryConf(epochs=1, iterations=1)) == ["epochs"]
    assert next(iter(TaskHeadsConf(hidden=[]).problems())).key == "hidden"
