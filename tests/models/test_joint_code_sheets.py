import pytest
import torch

from zsl_runner.models.joint_code import categories_by_style, normal_quantiles, traversals


def test_quantiles_are_those_of_the_normal_distribution():
    values = normal_quantiles(10)
    assert values[0].item() == pytest.approx(-1.6449, abs=1e-4)
    assert values[-1].item() == pytest.approx(1.6449, abs=1e-4)
    torch.testing.assert_close(torch.special.ndtr(values), torch.linspace(0.05, 0.95, 10))


def test_one_variable_moves_at_a_time():
    codes = traversals(3, (4, 2), 6)
    assert codes.shape == (5, 6, 9)
    torch.testing.assert_close(codes[1, :, 1], normal_quantiles(6))
    assert codes[1, :, [0, 2]].abs().max() == 0
    assert codes[:3, :, 3].min() == codes[:3, :, 7].min() == 1
    assert codes[3, :, 3:7].argmax(1).tolist() == [0, 1, 2, 3, 0, 1]
    assert codes[4, :, 7:].argmax(1).tolist() == [0, 1, 0, 1, 0, 1]
    assert codes[3:, :, :3].abs().max() == 0
    assert torch.equal(codes[..., 3:7].sum(-1), torch.ones(5, 6))
    assert torch.equal(codes[..., 7:].sum(-1), torch.ones(5, 6))


def test_categories_stand_in_lines():
    codes = categories_by_style(2, (3, 2), 1, 5)
    assert codes.shape == (3, 5, 7)
    assert codes[..., 2:5].argmax(-1).tolist() == [[0] * 5, [1] * 5, [2] * 5]
    assert torch.equal(codes[..., 2:5].sum(-1), torch.ones(3, 5))
    assert torch.equal(codes[..., 5], torch.ones(3, 5))
    torch.testing.assert_close(codes[2, :, 1], normal_quantiles(5))
    assert codes[..., 0].abs().max() == 0


def test_sheets_without_one_kind_of_variable():
    assert traversals(0, (3,), 4).shape == (1, 4, 3)
    assert traversals(2, (), 4).shape == (2, 4, 2)
