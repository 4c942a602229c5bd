"""Copies of a task network after each task: its parameters, and what it counts beside them."""

import torch

from tests.task_data import Counting
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_model import TaskModel


def trained(network, x, rate):
    network.train()
    loss = network(x, range(4)).square().mean()
    loss.backward()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter -= rate * parameter.grad
            parameter.grad = None
    network.eval()


def test_a_network_after_a_task_has_its_statistics_of_that_time():
    torch.manual_seed(0)
    model, rows = TaskModel(Counting(), TaskOrder((2, 2))), torch.randn(5, 3)
    scores, auxiliary = [], []
    model.keep_auxiliaries()
    for task in range(2):
        model.begin_auxiliary()
        trained(model.auxiliary, 9 * torch.randn(8, 3) - task, 0.2)
        model.finish_auxiliary(task)
        auxiliary.append(model.auxiliary(rows, range(4)))
        trained(model.main, 5 * torch.randn(8, 3) + task, 0.1)
        model.finish_task(task)
        scores.append(model.main(rows, range(4)))
        assert torch.equal(model.old.eval()(rows, range(4)), scores[task])
    again = TaskModel(Counting(), TaskOrder((2, 2)))
    again.load_state_dict(model.state_dict())
    for either in (model, again.eval()):
        for task in range(2):
            with either.as_after(task) as network:
                assert torch.equal(network(rows, range(4)), scores[task])
            with either.as_auxiliary(task) as network:
                assert torch.equal(network(rows, range(4)), auxiliary[task])
        assert torch.equal(either.main(rows, range(4)), scores[1])
