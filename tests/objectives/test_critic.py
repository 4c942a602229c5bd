"""The closed form against autograd, against differences of its own loss, and against critics that can be solved."""

import math

import pytest
import torch
from torch.nn import functional as F

from tests.draws import generator
from tests.memory import largest_allocation
from tests.objectives.plain_critic import plain_loss, plain_step, plain_terms
from zsl_runner.objectives.critic import CriticParameters, critic_step, product_buffer

ROWS, VISUAL, GIVEN, HIDDEN = 7, 5, 3, 150


def critic(seed=0, visual=VISUAL, given=GIVEN, hidden=HIDDEN, dtype=torch.float64):
    g = generator(seed)
    width = visual + given
    return CriticParameters(
        torch.randn(hidden, width, generator=g, dtype=dtype) / math.sqrt(width),
        torch.randn(hidden, generator=g, dtype=dtype) * 0.1,
        torch.randn(1, hidden, generator=g, dtype=dtype) / math.sqrt(hidden),
        torch.randn(1, generator=g, dtype=dtype),
    )


def buffers(parameters):
    """Gradients of a former step, which must all be overwritten."""
    return CriticParameters(*(torch.full_like(tensor, math.nan) for tensor in parameters))


def batch(seed=1, rows=ROWS, visual=VISUAL, dtype=torch.float64):
    g = generator(seed)
    real, fake = (torch.randn(rows, visual, generator=g, dtype=dtype) for _ in range(2))
    return real, fake, torch.rand(rows, 1, generator=g, dtype=dtype)


def conditions(case, seed=2, rows=ROWS, given=GIVEN, dtype=torch.float64):
    g = generator(seed)
    real, fake = (F.normalize(torch.randn(rows, given, generator=g, dtype=dtype), dim=1) for _ in range(2))
    return {
        "none": {},
        "shared": {"real_condition": real},
        "different": {"real_condition": real, "fake_condition": fake},
    }[case]


def problem(case="shared", radius=None, slope=0.2, dtype=torch.float64, **sizes):
    """Return parameters, batch and options of one critic step."""
    visual = sizes.pop("visual", VISUAL)
    given = sizes.pop("given", GIVEN) if case != "none" else 0 * sizes.pop("given", 0)
    parameters = critic(visual=visual, given=given, dtype=dtype, hidden=sizes.pop("hidden", HIDDEN))
    options = conditions(case, given=given, dtype=dtype, **sizes)
    options |= {"radius": radius, "slope": slope, "weight": 1.7, "penalty_weight": torch.tensor(2.5, dtype=dtype)}
    return parameters, batch(visual=visual, dtype=dtype, **sizes), options


def loss_of(terms, options):
    return options["weight"] * (terms.fake - terms.real + options["penalty_weight"] * terms.penalty)


ALL_CASES = pytest.mark.parametrize("case", ["none", "shared", "different"])
ALL_RADII = pytest.mark.parametrize("radius", [None, 1.0, 5.0])


@ALL_CASES
@ALL_RADII
@pytest.mark.parametrize("slope", [0.2, 0.0, 1.0])
def test_terms_and_all_gradients_are_those_of_autograd(case, radius, slope):
    parameters, rows, options = problem(case, radius, slope)
    gradients = buffers(parameters)
    terms = critic_step(parameters, gradients, *rows, **options)
    loss, expected = plain_step(parameters, *rows, **options)
    torch.testing.assert_close(loss_of(terms, options), loss, rtol=1e-12, atol=1e-12)
    del options["weight"], options["penalty_weight"]
    torch.testing.assert_close(terms, plain_terms(parameters, *rows, **options), rtol=1e-12, atol=1e-12)
    for found, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


@ALL_CASES
@ALL_RADII
def test_all_gradients_are_central_differences_of_its_own_loss(case, radius):
    """No pre-activation lies within the step of its kink, so the differences see one piece of the loss."""
    parameters, rows, options = problem(case, radius, hidden=12)
    gradients, scratch, step = buffers(parameters), buffers(parameters), 1e-5
    critic_step(parameters, gradients, *rows, **options)
    for tensor, gradient in zip(parameters, gradients, strict=True):
        for index in range(tensor.numel()):
            entry, values = tensor.view(-1)[index], []
            for sign in (1, -1):
                entry += sign * step
                values.append(loss_of(critic_step(parameters, scratch, *rows, **options), options))
                entry -= sign * step
            difference = (values[0] - values[1]).item() / (2 * step)
            assert gradient.view(-1)[index].item() == pytest.approx(difference, rel=1e-6, abs=1e-6)


def test_the_plain_penalty_gradient_is_the_published_closed_form():
    """Grad C = W1^T (m * w2) with m in {1, 0.2}; both in autograd and in the closed form."""
    parameters, (real, fake, mix), options = problem("shared")
    condition = options["real_condition"]
    x = mix * real + (1 - mix) * fake
    active = F.linear(torch.cat([x, condition], 1), parameters.hidden_weight, parameters.hidden_bias)
    m = torch.where(active > 0, 1.0, 0.2)
    g = (m * parameters.output_weight) @ parameters.hidden_weight[:, :VISUAL]
    terms = critic_step(parameters, buffers(parameters), real, fake, mix, **options)
    torch.testing.assert_close(terms.penalty, (g.norm(dim=1) - 1).square().mean())
    torch.testing.assert_close(terms.gradient_norm, g.norm(dim=1).mean())


@pytest.mark.parametrize("norm", [0.25, 1.0, 3.0])
@ALL_RADII
def test_linear_critic_of_weight_norm_c_has_penalty_c_minus_1_squared(norm, radius):
    direction = F.normalize(torch.randn(1, VISUAL, generator=generator(3), dtype=torch.float64), dim=1)
    linear = CriticParameters(direction, direction.new_zeros(1), direction.new_tensor([[norm]]), direction.new_zeros(1))
    gradients = buffers(linear)
    terms = critic_step(
        linear, gradients, *batch(), radius=radius, penalty_weight=torch.tensor(3.0, dtype=torch.float64), slope=1.0
    )
    assert terms.penalty.item() == pytest.approx((norm - 1) ** 2, abs=1e-14)
    assert terms.gradient_norm.item() == pytest.approx(norm, abs=1e-14)


def test_linear_critic_of_norm_1_feels_only_the_scores():
    direction = F.normalize(torch.randn(1, VISUAL, generator=generator(3), dtype=torch.float64), dim=1)
    linear = CriticParameters(direction, direction.new_zeros(1), direction.new_ones(1, 1), direction.new_zeros(1))
    gradients, (real, fake, mix) = buffers(linear), batch()
    critic_step(
        linear, gradients, real, fake, mix, penalty_weight=torch.tensor(1e3, dtype=torch.float64), slope=1.0, weight=2.0
    )
    torch.testing.assert_close(gradients.hidden_weight[0], 2 * (fake.mean(0) - real.mean(0)), rtol=0, atol=1e-11)


@ALL_CASES
def test_a_critic_without_slope_anywhere_stays_finite(case):
    """Output weight 0: gradient norm 0, penalty 1 with the subgradient 0 that autograd takes as well."""
    parameters, rows, options = problem(case, radius=1.0)
    parameters.output_weight.zero_()
    gradients = buffers(parameters)
    terms = critic_step(parameters, gradients, *rows, **options)
    _, expected = plain_step(parameters, *rows, **options)
    assert terms.penalty.item() == 1
    assert terms.gradient_norm.item() == 0
    for found, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)


def test_an_interpolate_of_norm_0_stays_finite():
    """Opposite rows mixed evenly have no direction; the interpolate stays at the origin."""
    parameters, (real, _, mix), options = problem("shared", radius=2.0)
    rows = (real, -real, torch.full_like(mix, 0.5))
    gradients = buffers(parameters)
    terms = critic_step(parameters, gradients, *rows, **options)
    loss, expected = plain_step(parameters, *rows, **options)
    torch.testing.assert_close(loss_of(terms, options), loss)
    torch.testing.assert_close(gradients, expected, rtol=1e-10, atol=1e-12)


def test_output_bias_feels_exactly_nothing():
    for case in ("none", "shared", "different"):
        parameters, rows, options = problem(case, dtype=torch.float32)
        gradients = buffers(parameters)
        critic_step(parameters, gradients, *rows, **options)
        assert torch.equal(gradients.output_bias, torch.zeros(1))


def test_equal_conditions_given_twice_are_shared_conditions():
    parameters, rows, options = problem("shared")
    once, twice = buffers(parameters), buffers(parameters)
    critic_step(parameters, once, *rows, **options)
    critic_step(parameters, twice, *rows, **options, fake_condition=options["real_condition"].clone())
    torch.testing.assert_close(once, twice, rtol=1e-12, atol=1e-14)


def test_the_whole_loss_carries_its_weight():
    parameters, rows, options = problem("different")
    one, ten = buffers(parameters), buffers(parameters)
    critic_step(parameters, one, *rows, **(options | {"weight": 1.0}))
    critic_step(parameters, ten, *rows, **(options | {"weight": 10.0}))
    for small, large in zip(one, ten, strict=True):
        torch.testing.assert_close(large, 10 * small, rtol=1e-12, atol=1e-14)


def test_descending_lowers_the_loss():
    parameters, rows, options = problem("different", radius=1.0)
    gradients, losses = buffers(parameters), []
    for _ in range(30):
        losses.append(loss_of(critic_step(parameters, gradients, *rows, **options), options).item())
        for tensor, gradient in zip(parameters, gradients, strict=True):
            tensor -= 1e-3 * gradient
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] - 0.1


def relative_errors(found, wanted):
    pairs = zip(found, wanted, strict=True)
    return [((f.double() - w).norm() / w.norm()).item() for f, w in pairs if w.norm() > 0]


SHAPE_OF_USE = {"visual": 256, "given": 20, "hidden": 512, "rows": 32}


def in_double(parameters, rows, options):
    wide = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in options.items()}
    return plain_step(CriticParameters(*(t.double() for t in parameters)), *(t.double() for t in rows), **wide)[1]


@ALL_CASES
def test_float32_is_exact_within_rounding(case):
    """Relative to each gradient's norm: 256 * 2^-24 bounds the sums over 256 inputs; they err like a random walk."""
    parameters, rows, options = problem(case, radius=5.0, dtype=torch.float32, **SHAPE_OF_USE)
    gradients = buffers(parameters)
    critic_step(parameters, gradients, *rows, **options)
    errors = relative_errors(gradients, in_double(parameters, rows, options))
    assert max(errors) < 256 * 2**-24


def bfloat16_errors(case, slope):
    parameters, rows, options = problem(case, radius=5.0, slope=slope, dtype=torch.float32, **SHAPE_OF_USE)
    gradients = buffers(parameters)
    terms = critic_step(parameters, gradients, *rows, **options, products=product_buffer(parameters, torch.bfloat16))
    exact = critic_step(parameters, buffers(parameters), *rows, **options)
    assert {tensor.dtype for tensor in (*terms, *gradients)} == {torch.float32}
    expected = in_double(parameters, rows, options)
    return relative_errors(gradients, expected), terms, exact


@ALL_CASES
def test_bfloat16_products_of_a_linear_critic_err_by_their_8_bits(case):
    """Rounding to 8 significant bits moves a value by at most 2^-8 of itself.

    A weight gradient is rounded four times on its way (weight, row or back-propagated value, operand, result). A linear
    critic's hidden bias has no gradient.
    """
    (hidden_weight, output_weight), terms, exact = bfloat16_errors(case, slope=1.0)
    assert hidden_weight < 4 * 2**-8
    assert output_weight < 4 * 2**-8
    torch.testing.assert_close(terms.gradient_norm, exact.gradient_norm, rtol=2**-8, atol=0)


@ALL_CASES
def test_bfloat16_products_also_flip_slopes_at_the_kink(case):
    """A share of at most 2^-8 of the pre-activations changes sign, which moves a gradient by its square root, 2^-4.

    The bias has twice that: it adds up slopes with both signs, so half of its norm cancels and the flips do not.
    """
    (hidden_weight, hidden_bias, output_weight), terms, exact = bfloat16_errors(case, slope=0.2)
    assert hidden_weight < 2**-4
    assert hidden_bias < 2**-3
    assert output_weight < 4 * 2**-8
    torch.testing.assert_close(terms.gradient_norm, exact.gradient_norm, rtol=2**-8, atol=0)


def test_a_buffer_of_the_parameters_own_type_changes_nothing():
    parameters, rows, options = problem("shared", radius=1.0)
    plain, through = buffers(parameters), buffers(parameters)
    critic_step(parameters, plain, *rows, **options)
    critic_step(parameters, through, *rows, **options, products=product_buffer(parameters, torch.float64))
    torch.testing.assert_close(plain, through, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("products", [None, torch.bfloat16])
def test_no_weight_sized_tensor_is_allocated(products):
    """The gradients land in the tensors given; a step's largest new tensor is far smaller than the hidden weight."""
    parameters, rows, options = problem(
        "different", radius=1.0, dtype=torch.float32, visual=512, given=16, hidden=2048, rows=4
    )
    gradients = buffers(parameters)
    places = [tensor.data_ptr() for tensor in gradients]
    buffer = None if products is None else product_buffer(parameters, products)
    critic_step(parameters, gradients, *rows, **options, products=buffer)
    largest = largest_allocation(lambda: critic_step(parameters, gradients, *rows, **options, products=buffer))
    assert [tensor.data_ptr() for tensor in gradients] == places
    assert all(tensor.isfinite().all() for tensor in gradients)
    assert 0 < largest < parameters.hidden_weight.nbytes / 8


def test_nothing_else_is_changed():
    parameters, rows, options = problem("different", radius=1.0)
    tensors = [*parameters, *rows, *(value for value in options.values() if isinstance(value, torch.Tensor))]
    before = [tensor.clone() for tensor in tensors]
    critic_step(parameters, buffers(parameters), *rows, **options)
    assert all(torch.equal(tensor, old) for tensor, old in zip(tensors, before, strict=True))


def test_parameters_that_require_gradients_may_be_given():
    parameters, rows, options = problem("shared")
    leaves = CriticParameters(*(torch.nn.Parameter(tensor) for tensor in parameters))
    gradients = CriticParameters(*(torch.empty_like(tensor) for tensor in parameters))
    terms = critic_step(leaves, gradients, *rows, **options)
    assert not any(tensor.requires_grad for tensor in (*terms, *gradients))


def test_the_step_waits_for_no_value():
    """It runs on tensors that hold none."""
    parameters, rows, options = problem("different", radius=1.0)
    options = {key: value.to("meta") if isinstance(value, torch.Tensor) else value for key, value in options.items()}
    held = CriticParameters(*(tensor.to("meta") for tensor in parameters))
    terms = critic_step(held, buffers(held), *(tensor.to("meta") for tensor in rows), **options)
    assert all(term.is_meta for term in terms)


def test_conditions_that_do_not_fit_are_refused():
    parameters, rows, options = problem("shared")
    with pytest.raises(ValueError, match="5 and conditions of 0 do not make up 8"):
        critic_step(parameters, buffers(parameters), *rows, penalty_weight=options["penalty_weight"])
    with pytest.raises(ValueError, match="real rows have none"):
        critic_step(
            parameters,
            buffers(parameters),
            *rows,
            penalty_weight=options["penalty_weight"],
            fake_condition=options["real_condition"],
        )


def test_the_plain_loss_is_the_stated_one_for_a_critic_solved_by_hand():
    """C(x) = 2 x on the line: scores 2 and -2, gradient norm 2, penalty 1; loss 3 (-2 - 2 + 10 * 1) = 18."""
    two = torch.tensor([[2.0]])
    line = CriticParameters(two, torch.zeros(1), torch.ones(1, 1), torch.zeros(1))
    options = {"penalty_weight": torch.tensor(10.0), "weight": 3.0, "slope": 1.0}
    rows = (torch.ones(1, 1), -torch.ones(1, 1), torch.tensor([[0.3]]))
    assert plain_loss(line, *rows, **options).item() == pytest.approx(18)
    gradients = buffers(line)
    assert loss_of(critic_step(line, gradients, *rows, **options), options).item() == pytest.approx(18)
    # dL/dW = 3 (-1 - 1 + 10 * 2 (2 - 1)) = 54, and twice that for the output weight, whose partner is 2.
    assert gradients.hidden_weight.item() == pytest.approx(54)
    assert gradients.output_weight.item() == pytest.approx(108)
