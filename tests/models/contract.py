"""What every model must fulfil; inherit `ModelContract` in a test class and supply ``conf``."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from tests.weights import differing, same, weights_of
from tests.zero_shot import zero_shot_folds
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.registry import resolve
from zsl_runner.data.views import training_as
from zsl_runner.models.base import (
    ClassScorer,
    ClosedForm,
    ConditionalGenerator,
    FeatureGenerator,
    GenerationOptions,
    TransductiveGenerator,
)
from zsl_runner.models.joint_code import JointCodeModel
from zsl_runner.models.output_prediction import LatentOutputPredictor, OutputPredictor
from zsl_runner.streams import Streams
from zsl_runner.training.optimisers import Optimisers

CAPABILITIES = {
    "class_scores": ClassScorer,
    "loss_terms": ConditionalGenerator,
    "synthesize": FeatureGenerator,
    "class_priors": ConditionalGenerator,
    "target_terms": TransductiveGenerator,
    "fit": ClosedForm,
    "predict_output": OutputPredictor,
    "latent_output": LatentOutputPredictor,
    "joint_code": JointCodeModel,
}


class ModelContract:
    """Tests that hold for every model; those of a capability the model lacks are skipped."""

    def conf(self):
        """Return a small configuration."""
        raise TypeError("a model's tests supply conf()")

    @pytest.fixture
    def fold(self, records):
        return zero_shot_folds(records).cut("final")

    @pytest.fixture
    def data(self, fold):
        return fold.train

    @pytest.fixture
    def build(self, data):
        def build(seed=0):
            conf, streams = self.conf(), Streams(seed)
            with streams.initialising():  # as a run builds it
                return resolve(conf.implementation)(conf, training_as(conf.reads, data).shape, streams)

        return build

    @pytest.fixture
    def batch(self, data):
        rows = torch.arange(0, len(data.features), 4)
        return data.features.take(rows), data.labels[rows], data.class_vectors, data.labelled_classes

    def needs(self, capability):
        if capability not in self.conf().capabilities:
            pytest.skip(f"the model lacks the capability {capability}")

    def fitted(self, build, data):
        model = build()
        if "fit" in self.conf().capabilities:
            model.fit(data)
        return model.eval()

    def minimise(self, model, data, batch, steps):
        """Take steps on all parameter groups together; return the losses before each."""
        groups = model.parameter_groups()
        optimisers = Optimisers(groups, {name: OptimizerConf(lr=1e-2) for name in groups})
        losses = []
        for _ in range(steps):
            model.train()
            loss = sum(self.terms(model, data, batch).values())
            losses.append(loss.item())
            optimisers.minimize(loss, *groups)
        return losses

    def learn(self, model, data, batch, steps):
        """Fit in one formula, or take steps."""
        if "fit" in self.conf().capabilities:
            model.fit(data)
        else:
            self.minimise(model, data, batch, steps)

    def observe(self, model, data, batch):
        """Return what the model is for: scores, or generated features."""
        if "class_scores" in self.conf().capabilities:
            return model.class_scores(batch[0], data.class_vectors)
        return self.generate(model, data.class_vectors, Streams(5))

    def generate(self, model, vectors, streams, options=None):
        if "class_priors" in self.conf().capabilities:
            return model.synthesize(vectors, streams, options)
        return model.synthesize(vectors, streams)

    def terms(self, model, data, batch):
        """Return the loss of a batch by terms; a model whose loss is its trainer's overrides this."""
        terms = model.loss_terms(*batch)
        if "target_terms" in self.conf().capabilities:
            on_target = model.target_terms(batch[0], data.class_vectors, data.unseen_classes)
            terms = terms | {f"target_{name}": term for name, term in on_target.items()}
        return terms

    def test_declared_capabilities_are_those_of_the_class(self, build):
        model, declared = build(), self.conf().capabilities
        for capability, interface in CAPABILITIES.items():
            if capability == "class_priors" and "class_priors" not in declared:
                continue  # loss terms without latent variables, whose priors a trainer could fix
            assert isinstance(model, interface) == (capability in declared), capability

    def test_scores_have_a_column_for_each_candidate(self, build, data, batch):
        self.needs("class_scores")
        model = self.fitted(build, data)
        scores = model.class_scores(batch[0], data.class_vectors[data.unseen_classes])
        assert scores.shape == (len(batch[0]), len(data.unseen_classes))
        assert scores.dtype == torch.float32
        assert scores.isfinite().all()

    def test_a_class_has_the_same_score_among_any_candidates(self, build, data, batch):
        """So restricting the candidates can only remove wrong answers."""
        self.needs("class_scores")
        model = self.fitted(build, data)
        every = model.class_scores(batch[0], data.class_vectors)
        order = torch.flip(data.unseen_classes, dims=(0,))
        few = model.class_scores(batch[0], data.class_vectors[order])
        differences = every[:, order] - few
        torch.testing.assert_close(differences, differences[:, :1].expand_as(differences), rtol=0, atol=1e-3)

    def test_a_trained_model_knows_the_seen_classes(self, build, fold, data, batch):
        self.needs("class_scores")
        model = self.fitted(build, data)
        if "loss_terms" in self.conf().capabilities:
            self.minimise(model, data, batch, steps=80)
        rows = fold.evaluation.seen.take(torch.arange(len(fold.evaluation.seen)))
        with torch.no_grad():
            predicted = model.eval().class_scores(rows, data.class_vectors[data.labelled_classes]).argmax(1)
        accuracy = (data.labelled_classes[predicted] == fold.evaluation.seen_labels).float().mean().item()
        assert accuracy > 2 / len(data.labelled_classes)

    def test_loss_terms_are_finite_scalars(self, build, data, batch):
        self.needs("loss_terms")
        for name, term in self.terms(build().train(), data, batch).items():
            assert term.shape == (), name
            assert term.dtype == torch.float32, name
            assert term.isfinite(), name

    def test_loss_falls(self, build, data, batch):
        self.needs("loss_terms")
        losses = self.minimise(build(), data, batch, steps=60)
        assert sum(losses[-5:]) < sum(losses[:5])

    def test_every_parameter_group_changes_alone_and_together_they_are_all_parameters(self, build, data, batch):
        model = build().train()
        groups = model.parameter_groups()
        trained = {id(p) for p in model.parameters() if p.requires_grad}
        assert {id(p) for group in groups.values() for p in group} == trained
        if not groups:
            return
        optimisers = Optimisers(groups, {name: OptimizerConf(lr=0.1) for name in groups})
        for name in groups:
            before = {key: [p.detach().clone() for p in group] for key, group in groups.items()}
            optimisers.minimize(sum(self.terms(model, data, batch).values()), name)
            for key, group in groups.items():
                moved = any(not torch.equal(p, q) for p, q in zip(group, before[key], strict=True))
                assert moved == (key == name), key
                assert all(p.grad is None for p in group)

    def test_unit_row_weights_change_nothing(self, build, batch):
        self.needs("loss_terms")
        plain = build().train().loss_terms(*batch)
        weighted = build().train().loss_terms(*batch, torch.ones(len(batch[0])))
        for name, term in plain.items():
            torch.testing.assert_close(weighted[name], term)

    def test_row_weights_count(self, build, batch):
        self.needs("loss_terms")
        weights = torch.zeros(len(batch[0]))
        weights[0] = len(batch[0])
        plain, weighted = (sum(build().train().loss_terms(*batch, w).values()) for w in (None, weights))
        assert plain.item() != pytest.approx(weighted.item(), rel=1e-3)

    def test_same_seed_same_model_and_other_seed_other_model(self, build, data, batch):
        def trace(seed):
            model = build(seed)
            self.learn(model, data, batch, steps=3)
            return model.state_dict()

        first, again, other = trace(0), trace(0), trace(1)
        assert same(first, again)
        if "fit" not in self.conf().capabilities:
            assert not same(first, other)

    def test_state_round_trip(self, build, data, batch):
        trained = build(0)
        self.learn(trained, data, batch, steps=2)
        restored = build(1)
        restored.load_state_dict(trained.state_dict())
        with torch.no_grad():
            expected = self.observe(trained.eval(), data, batch)
            assert torch.equal(self.observe(restored.eval(), data, batch), expected)

    def test_state_holds_tensors_only(self, build):
        assert all(isinstance(value, torch.Tensor) for value in build().state_dict().values())

    def test_global_generator_is_left_alone(self, build, data, batch):
        before = torch.get_rng_state()
        model = self.fitted(build, data)
        self.observe(model, data, batch)
        self.learn(model, data, batch, steps=1)
        if "synthesize" in self.conf().capabilities:
            self.generate(model, data.class_vectors, Streams(0), GenerationOptions(2, True, True, 0.1))
        assert torch.equal(torch.get_rng_state(), before)

    def test_scoring_draws_nothing(self, build, data, batch):
        self.needs("class_scores")
        model = self.fitted(build, data)
        first = model.class_scores(batch[0], data.class_vectors)
        assert torch.equal(model.class_scores(batch[0], data.class_vectors), first)

    def test_no_device_is_named(self):
        folder = Path(inspect.getfile(resolve(self.conf().implementation))).parent
        for file in folder.glob("*.py"):
            assert not re.search(r"\.\s*cuda\s*\(", file.read_text()), file.name

    def test_generated_rows_are_constants_in_the_order_of_the_draws(self, build, data):
        self.needs("synthesize")
        model = build().train()
        vectors = data.class_vectors[data.unseen_classes]
        copies = 3 if "class_priors" in self.conf().capabilities else 1
        options = GenerationOptions(copies=copies)
        rows = self.generate(model, vectors, Streams(5), options)
        assert rows.shape == (copies * len(vectors), data.features.width)
        assert rows.dtype == torch.float32
        assert not rows.requires_grad
        changed = vectors.clone()
        changed[1] += 1.0
        moved = (self.generate(model, changed, Streams(5), options) != rows).any(1).reshape(copies, len(vectors)).any(0)
        assert moved.tolist() == [index == 1 for index in range(len(vectors))]

    def test_generation_honours_the_generator(self, build, data):
        self.needs("synthesize")
        model, other = build(0), build(0)
        options = GenerationOptions(2, decoder_dropout=True, prior_dropout=True, noise=0.1)
        streams = Streams(5)
        first = self.generate(model, data.class_vectors, streams, options)
        assert torch.equal(self.generate(other, data.class_vectors, Streams(5), options), first)
        assert not torch.equal(self.generate(model, data.class_vectors, streams, options), first)
        assert not torch.equal(self.generate(model, data.class_vectors, Streams(6), options), first)

    def test_generation_leaves_mode_and_state_and_training_draws(self, build, data, batch):
        """Also with dropout on: batch norm keeps its statistics and the masks of training are not consumed."""
        self.needs("synthesize")
        model, undisturbed = build().train(), build().train()
        modes = [part.training for part in model.modules()]
        state = weights_of(model)
        for options in (GenerationOptions(), GenerationOptions(2, True, True, 0.5)):
            self.generate(model, data.class_vectors, Streams(1), options)
        assert [part.training for part in model.modules()] == modes
        assert same(state, model.state_dict())
        expected = self.terms(undisturbed, data, batch)
        assert all(torch.equal(term, expected[name]) for name, term in self.terms(model, data, batch).items())

    def test_a_classifiers_input_is_one_row_for_each_feature_row(self, build, batch):
        self.needs("synthesize")
        with torch.no_grad():
            inputs = build().eval().classifier_input(batch[0])
            assert len(inputs) == len(batch[0])
            # A row's last bits may depend on its place in the matrix, on some processors.
            alone = build().eval().classifier_input(batch[0][3:5])
            torch.testing.assert_close(alone, inputs[3:5], rtol=0.0, atol=1e-6)

    def test_a_fixed_prior_does_not_move_until_training_resumes(self, build, data, batch):
        self.needs("class_priors")
        model = build().train()
        groups = model.parameter_groups()
        optimisers = Optimisers(groups, {name: OptimizerConf(lr=0.1) for name in groups})
        before = weights_of(model)
        prior = {name for name in before if name.startswith("prior_network")}
        model.fix_prior()
        assert model.training
        optimisers.minimize(sum(self.terms(model, data, batch).values()), *groups)
        moved = differing(before, model.state_dict())
        assert moved
        assert not moved & prior
        optimisers.minimize(sum(self.terms(model.train(), data, batch).values()), *groups)
        assert differing(before, model.state_dict()) & prior

    def test_fitting_twice_is_fitting_once(self, build, data):
        self.needs("fit")
        model = build()
        model.fit(data)
        first = weights_of(model)
        summary = model.fit(data)
        assert same(first, model.state_dict())
        assert all(value.isfinite() for value in summary.values())
