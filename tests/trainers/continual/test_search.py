"""Weights that are lowered on held-out rows of a task until the network learns it."""

import copy
import dataclasses
from contextlib import suppress

import pytest
import torch

from tests.slow import slow_if
from tests.task_data import HeldRows, task_trainer, task_training
from tests.trainers.continual.methods import HOLDING, names, parts, told, with_auxiliary
from tests.weights import same
from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.data.tasks.folds import TaskRows
from zsl_runner.errors import OptionError
from zsl_runner.streams import Streams
from zsl_runner.trainers.continual.conf import EWCConf, ICaRLConf
from zsl_runner.trainers.continual.options import LEAST_FACTOR, SearchConf
from zsl_runner.trainers.continual.search import parted
from zsl_runner.training.loop import Cadence, Interrupted, Loop, Selection

STRONG = {"ewc": 1e9, "mas": 1e6, "lwf": 1e4, "lfl": 1e5, "icarl": 1e4}
SEARCH = SearchConf(tries=6, drop=0.1, factor=0.01, held_out=0.2)


def searching(name, auxiliary=0.0, search=SEARCH, **others):
    """Return the options of a method that is held far too firmly to begin with, deciding among all classes so far."""
    pulls = {"weight": STRONG[name], "auxiliary_weight": auxiliary, "search": search, "scenario": "cil"}
    return dataclasses.replace(HOLDING[name], **pulls | others)


class Listener:
    """A stage and a listener that do nothing but stop after so many steps, and count validations."""

    def __init__(self, stop=None):
        self.stop, self.steps, self.validations, self.phases = stop, 0, 0, []

    def validate(self):
        self.validations += 1

    def probe(self):
        return {}

    def keep_best(self):
        pass

    def save(self, step):
        pass

    def stop_requested(self):
        return self.steps == self.stop

    def begin_phase(self, stage, phase, steps, done):
        self.phases.append(phase)

    def advance(self):
        self.steps += 1

    def scalars(self, step, values, stage, phase):
        pass


def looped(trainer, stop=None, state=None):
    """Run a trainer's phases as a run does; return the loop and what heard of it."""
    heard = Listener(stop)
    cadence = Cadence(validate_every=1000)
    loop = Loop(
        trainer, heard, stage="final", first_step=0, cadence=cadence, events=heard, selection=Selection("val/x")
    )
    if state is not None:
        loop.load_state_dict(state)
    with suppress(Interrupted):
        loop.run()
    return loop, heard


def main_of(trainer):
    return trainer.model.main.state_dict()


def test_some_rows_of_each_class_are_held_out_and_no_row_is_lost():
    data = task_training()
    rest, held = parted(data, 0.2, Streams(0))
    assert torch.bincount(held.labels).tolist() == [8] * 6
    assert torch.bincount(rest.data.labels).tolist() == [32] * 6
    both = torch.cat([rest.data.rows.rows, held.rows.rows])
    assert torch.equal(both.sort().values, data.data.rows.rows.sort().values)
    again, other = parted(data, 0.2, Streams(0))[1], parted(data, 0.2, Streams(1))[1]
    assert torch.equal(held.rows.rows, again.rows.rows)
    assert not torch.equal(held.rows.rows, other.rows.rows)


@pytest.mark.parametrize(("share", "held"), [(0.01, 1), (0.5, 2), (0.99, 2)])
def test_a_class_keeps_a_row_and_gives_one_if_it_has_two(share, held):
    data = task_training()
    few = torch.cat([data.data.positions_of(range(k, k + 1))[: 3 if k else 1] for k in range(6)])
    data = dataclasses.replace(data, data=TaskRows(data.data.rows.part(few), data.data.labels[few]))
    rest, found = parted(data, share, Streams(0))
    assert torch.bincount(found.labels, minlength=6).tolist() == [0, *[held] * 5]
    assert torch.bincount(rest.data.labels, minlength=6).tolist() == [1, *[3 - held] * 5]


def test_a_task_without_rows_to_hold_out_is_refused():
    data = task_training()
    single = torch.cat([data.data.positions_of(range(k, k + 1))[: 1 if k in (2, 3) else 9] for k in range(6)])
    data = dataclasses.replace(data, data=TaskRows(data.data.rows.part(single), data.data.labels[single]))
    with pytest.raises(OptionError, match=r"trainer\.search\.tries: .*of the classes of task 2 there is one each"):
        parted(data, 0.1, Streams(0))


def test_phases_of_a_search():
    """The auxiliary network is what tries are compared to, also where nothing is held near it."""
    assert names(task_trainer(searching("ewc")))[2:5] == ["task_2.auxiliary", "task_2", "task_2.importance"]
    both = ["task_2.auxiliary", "task_2.auxiliary_importance", "task_2"]
    assert names(task_trainer(searching("ewc", auxiliary=1.0)))[2:5] == both


@pytest.mark.parametrize("name", HOLDING)
def test_weights_fall_until_the_network_learns_the_task(name):
    trainer = task_trainer(searching(name))
    _, heard = looped(trainer)
    assert heard.phases.count("task_2") > 1
    for task, record in enumerate(trainer.model.found_by_search(), 1):
        tries = heard.phases.count(f"task_{task + 1}")
        assert record.factor == pytest.approx(0.01 ** (tries - 1))
        assert record.reached >= 0.9 * record.reference
        assert record.is_enough == 1
    assert heard.phases.count("task_1") == 1
    assert heard.validations == 3  # networks that are thrown away are not measured
    assert not trainer.warnings()


def test_a_search_finds_what_is_too_strong():
    """With the weight to begin with the network learns next to nothing, and with the one found it does."""
    data = task_training()
    free, strong = (task_trainer(searching("icarl", search=s), data) for s in (SEARCH, SearchConf()))
    looped(free)
    looped(strong)
    assert max(record.factor for record in free.model.found_by_search()) < 1
    rows = data.data
    second = rows.positions_of(data.order.of(1))

    def accuracy(trainer):
        with trainer.model.as_after(1) as network, torch.no_grad():
            decided = network(rows.rows.take(second), range(4)).argmax(1)
        return float((decided == rows.labels[second]).float().mean())

    assert accuracy(free) > accuracy(strong) + 0.1


@pytest.mark.parametrize("auxiliary", [0.0, 1.0])
def test_a_try_that_is_good_enough_at_once_is_plain_training_on_the_other_rows(auxiliary):
    data = task_training()
    easy = dataclasses.replace(SEARCH, drop=0.999)
    searched = task_trainer(searching("mas", auxiliary, easy), data)
    plain = task_trainer(searching("mas", auxiliary, SearchConf()), parted(data, 0.2, Streams(0))[0])
    looped(searched)
    looped(plain)
    assert [record.factor for record in searched.model.found_by_search()] == [1, 1]
    assert same(main_of(searched), main_of(plain))


def test_without_a_search_no_row_is_held_out_and_nothing_is_noted():
    trainer = task_trainer(searching("lwf", search=dataclasses.replace(SEARCH, tries=1)))
    assert trainer.data is trainer.context.data
    assert trainer.model.searched is None
    assert "searched" not in trainer.model.state_dict()
    assert "task_2.auxiliary" not in names(trainer)


def test_held_out_rows_are_not_trained_on():
    """If they were, or if importances were measured on them, what is not a number would spread."""
    data = task_training()
    held = parted(data, 0.2, Streams(0))[1].rows.rows
    values = data.data.rows.take(torch.arange(240))[data.data.rows.rows.argsort()].clone()
    values[held] = torch.nan
    poisoned = dataclasses.replace(data, data=TaskRows(HeldRows(values, data.data.rows.rows), data.data.labels))
    for name in HOLDING:
        trainer = task_trainer(searching(name, auxiliary=1.0), poisoned)
        looped(trainer)
        assert all(value.isfinite().all() for value in main_of(trainer).values()), name


def test_later_tasks_decide_nothing():
    data = task_training()
    later = data.data.labels >= 4
    values = data.data.rows.take(torch.arange(240))[data.data.rows.rows.argsort()].clone()
    values[data.data.rows.rows[later]] += 3
    other = dataclasses.replace(data, data=TaskRows(HeldRows(values, data.data.rows.rows), data.data.labels))
    one, two = (task_trainer(searching("ewc"), each) for each in (data, other))
    looped(one)
    looped(two)
    assert one.model.found_by_search()[0] == two.model.found_by_search()[0]
    assert torch.equal(one.model.snapshots[:2], two.model.snapshots[:2])
    assert not torch.equal(one.model.snapshots[2], two.model.snapshots[2])


def test_the_last_try_is_kept_and_told_of():
    trainer = task_trainer(searching("icarl", search=dataclasses.replace(SEARCH, tries=2, factor=0.9)))
    _, heard = looped(trainer)
    assert [heard.phases.count(f"task_{task}") for task in (1, 2, 3)] == [1, 2, 2]
    assert [record.factor for record in trainer.model.found_by_search()] == pytest.approx([0.9, 0.9])
    (warning,) = trainer.warnings()
    assert warning.startswith("trainer.search: of task 2, 3 the network decides fewer than (1 - 0.1) times as many")


def test_a_failed_try_leaves_nothing_behind():
    """Each try begins with the old network, and no step of one that counts for nothing is in the training length."""
    trainer = task_trainer(searching("ewc", search=dataclasses.replace(SEARCH, tries=3)))
    begun = []
    original = trainer._begin

    def begin(task):
        original(task)
        begun.append((task, copy.deepcopy(main_of(trainer)), copy.deepcopy(trainer.model.old.state_dict())))

    trainer._begin = begin
    loop, heard = looped(trainer)
    assert len(begun) > 3
    for task, main, old in begun[1:]:
        assert same(main, old)
        assert same(main, next(first for number, first, _ in begun if number == task))
    lost = (len(begun) - 3) * 20
    assert loop.position.length == loop.position.done - lost == sum(phase.steps for phase in trainer.phases())
    assert loop.position.done == heard.steps


@pytest.mark.parametrize("name", slow_if(set(HOLDING) - {"ewc", "icarl"}, HOLDING))
def test_a_search_resumes_anywhere_with_the_same_bits(name):
    conf = searching(name, auxiliary=STRONG[name] / 10, iterations=4, batch_size=32)
    conf = dataclasses.replace(conf, search=dataclasses.replace(SEARCH, tries=3, drop=0.0, factor=0.1))
    whole = task_trainer(conf)
    _, heard = looped(whole)
    assert max(heard.phases.count(f"task_{task}") for task in (2, 3)) > 1
    for stop in range(1, heard.steps, 3):
        cut, rest = task_trainer(conf), task_trainer(conf)
        loop, _ = looped(cut, stop=stop)
        for own, kept in zip(parts(rest), parts(cut), strict=True):
            own.load_state_dict(copy.deepcopy(kept.state_dict()))
        looped(rest, state=loop.state_dict())
        assert same(rest.model.state_dict(), whole.model.state_dict())


def test_problems_and_idle_options_of_a_search():
    def keys(conf):
        return [problem.key for problem in conf.problems()], [idle.key for idle in conf.idle_options()]

    wanting = ["search.drop", "search.factor", "search.held_out"]
    assert keys(EWCConf(weight=1.0)) == ([], ["auxiliary", *wanting])
    assert keys(EWCConf(weight=1.0, search=SEARCH)) == ([], [])
    assert keys(with_auxiliary(EWCConf(weight=0.0, search=SEARCH)))[0] == ["search.tries"]
    assert [problem.key for problem in SearchConf(tries=17, factor=0.01).problems()] == ["tries"]
    assert not list(SearchConf(tries=16, factor=0.01).problems())
    assert float(torch.tensor(LEAST_FACTOR)) > 0
    assert set(ICaRLConf(search=SEARCH).optimisers()) == {"model", "auxiliary"}
    assert told(EWCConf(search=SEARCH), SplitDigitsConf(n_tasks=2)) == []
    (refused,) = told(EWCConf(search=SEARCH), SplitDigitsConf(n_tasks=1))
    assert refused.startswith("search.tries: nothing holds the network in the first task")


@pytest.mark.parametrize(("reached", "fails"), [(61.0, False), (60.0, False), (59.9, True)])
def test_a_share_of_what_the_auxiliary_network_reaches_is_enough(monkeypatch, reached, fails):
    trainer = task_trainer(searching("lwf", search=dataclasses.replace(SEARCH, drop=0.25)))
    search, measured = trainer._search, {trainer.model.auxiliary: 80.0, trainer.model.main: reached}
    monkeypatch.setattr(search, "_accuracy", lambda network, classes, task: measured[network])
    search.refer(range(4), range(2, 4))
    search.begin_try()
    search.judge(1, range(4), range(2, 4))
    assert search.fails() is fails


def test_tries_are_compared_as_training_decides(monkeypatch):
    """With the task given its own head decides, else all classes so far compete."""
    for scenario in ("til", "cil"):
        trainer = task_trainer(searching("lwf", scenario=scenario))
        asked, original = [], trainer._search._accuracy

        def measured(network, classes, task, asked=asked, original=original):
            asked.append((classes, task))
            return original(network, classes, task)

        monkeypatch.setattr(trainer._search, "_accuracy", measured)
        looped(trainer)
        first = 2 if scenario == "til" else 0
        assert set(asked) == {(range(first, 4), range(2, 4)), (range(2 * first, 6), range(4, 6))}
        held = trainer._search._held_out
        last = held.positions_of(range(4, 6))
        classes = range(4, 6) if scenario == "til" else range(6)
        with torch.no_grad():
            decided = trainer.model.main(held.rows.take(last), classes).argmax(1) + classes.start
        right = 100 * float((decided == held.labels[last]).double().mean())
        assert trainer.model.found_by_search()[-1].reached == pytest.approx(right)
