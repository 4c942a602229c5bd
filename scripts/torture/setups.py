"""Small runs of every training procedure, of a second or a few each, on embedded and generated data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_OFTEN = ("tracker.log_every=7", "tracker.progress=none", "checkpoint.every=5")
_TOY = ("dataset=toy", "model.latent_dim=4", "model.encoder.hidden=[16]", "model.decoder.hidden=[16]")
_SGAL = (
    *_TOY,
    "model=sgal",
    "model.prior.hidden=[16,16]",
    "trainer.batch_size=16",
    "evaluator.every=20",
    *_OFTEN,
    "checkpoint.every=10",
)
_EM = ("trainer.pretrain_steps=40", "trainer.em.iterations=40", "trainer.em.refresh_every=3")
_CONTROL = ("trainer.steps=40", "trainer.matched.em_iterations=20")
_VZSL = (*_TOY, "model=vzsl", "trainer.batch_size=16", "evaluator.every=20", *_OFTEN, "checkpoint.every=10")
_CLASSIFIER = ("evaluator.classifier.synthetic_per_class=20", "evaluator.classifier.epochs=3")
_GAN = (
    "dataset=toy",
    "model.hidden=16",
    "trainer.epoch_steps=20",
    "trainer.critic_steps=2",
    "trainer.evaluate_every=1",
    *_CLASSIFIER,
    *_OFTEN,
)
_FEATURES = (
    "dataset=toy",
    "model.latent_dim=4",
    "trainer.epochs=3",
    "trainer.evaluate_every=2",
    *_CLASSIFIER,
    *_OFTEN,
)
_ALIGNED = (
    *_FEATURES,
    *(f"model.{network}.hidden=[16]" for network in ("encoder", "decoder", "class_encoder", "class_decoder")),
    "evaluator.classifier.real_per_class=5",
)
_QUADRANT = (
    "dataset=digits_quadrant",
    "trainer.epochs=3",
    "trainer.batch_size=100",
    *_OFTEN,
)
_CVAE = (
    "model=cvae_pairs",
    "model.latent_dim=4",
    "model.hidden=[16]",
    "evaluator.samples=4",
    "evaluator.validation_samples=2",
)
_CANVAS = (
    "dataset=digit_canvas_embedded",
    "dataset.train=32",
    "dataset.validation=6",
    "dataset.test=6",
    "dataset.cache=null",
    "trainer.epochs=3",
    "trainer.batch_size=8",
    "evaluator=segmentation",
    "evaluator.samples=3",
    "evaluator.validation_samples=2",
    "evaluator.drawn_samples=3",
    *_OFTEN,
    "checkpoint.every=3",
)
_MILESTONES = tuple(f"trainer.optim.{name}.milestones=[2]" for name in ("recon", "disc", "gen", "semi"))
_AAE = (
    "dataset=digits_images",
    "dataset.labelled=100",
    "model=aae/semi_supervised",
    "model.hidden=[24]",
    "model.discriminator_hidden=[12]",
    "trainer.epochs=3",
    "trainer.batch_size=100",
    "trainer.evaluate_every=2",
    *_MILESTONES,
    "evaluator.prior_match.permutations=10",
    "evaluator.prior_match.classifier_epochs=1",
    "evaluator.parzen.samples=50",
    *_OFTEN,
)
_JOINT = (
    "dataset=digits_images",
    "dataset.side=32",
    "dataset.validation_rows=1370",
    "model=joint_vae",
    "model.continuous=3",
    "trainer.epochs=2",
    "trainer.batch_size=16",
    "trainer.iters=40",
    *_OFTEN,
)
_TASKS = (
    "dataset=split_digits",
    "dataset.n_tasks=3",
    "model=task_heads",
    "model.hidden=[16]",
    "trainer.iterations=20",
    "trainer.batch_size=32",
    *_OFTEN,
)
_TASKS_OF_FEATURES = (
    "dataset=toy_tasks",
    "model=cosine_heads",
    "model.hidden=[16]",
    "model.width=8",
    "trainer.iterations=15",
    "trainer.batch_size=32",
    *_OFTEN,
)
_SEARCHED = ("trainer.weight=1e6", "trainer.search.tries=3", "trainer.search.drop=0", "trainer.search.factor=0.1")
_TAGGED = (
    "dataset=tagged_canvas_embedded",
    "dataset.side=32",
    "dataset.train=40",
    "dataset.validation=10",
    "dataset.test=10",
    "model=class_maps",
    "model.channels=[6,8,10]",
    "model.strides=[1,2,2]",
    "model.dilations=[1,1,2]",
    "model.projection=8",
    "model.correlation={layers: [2, 3], channels: [4, 4], width: 6}",
    "trainer.batch_size=10",
    *_OFTEN,
)

SETUPS: Final[Mapping[str, Sequence[str]]] = {
    "em": (*_SGAL, *_EM, "trainer=em", "trainer.em.copies=2", "trainer.em.rollback_every=20"),
    "em_released": (*_SGAL, *_EM, "trainer=em_released", "trainer.em.rollback_every=20"),
    "em_control": (*_SGAL, *_CONTROL, "trainer=em_control"),
    "em_control_fixed_prior": (*_SGAL, *_CONTROL, "trainer=em_control_fixed_prior"),
    "seen_only": (*_VZSL, "trainer=seen_only", "trainer.steps=60", "evaluator.select=val"),
    "transductive": (*_VZSL, "trainer=transductive", "trainer.warmup_steps=30", "trainer.steps=30"),
    "feature_gan": (*_GAN, "model=tf_vaegan", "trainer=feature_gan", "trainer.epochs=2"),
    "feature_gan_transductive": (
        *_GAN,
        "model=bi_vaegan",
        "trainer=feature_gan_transductive",
        "trainer.epochs=2",
        "trainer.warmup_epochs=1",
        "trainer.prior_classifier.synthetic_per_class=20",
        "trainer.prior_classifier.epochs=3",
    ),
    "closed_form": ("dataset=toy", "model=eszsl", "trainer=closed_form", *_OFTEN),
    "cvae": (*_QUADRANT, *_CVAE, "trainer=cvae"),
    "aligned_vae": (*_ALIGNED, "model=cada_vae"),
    "aligned_vae_released": (*_ALIGNED, "model=cada_vae_released"),
    "cvae_features": (*_FEATURES, "model=cvae", "model.hidden=[16]", "trainer=cvae_features"),
    "gsnn": (*_QUADRANT, *_CVAE, "trainer=gsnn"),
    "hybrid": (*_CANVAS, "model=cvae_segmentation_small", "trainer=hybrid", "trainer.omission=0.4"),
    "nn": (*_CANVAS, "model=baseline_cnn_small", "trainer=nn"),
    "aae_adam": (*_AAE, "trainer=aae_adam"),
    "aae_paper": (*_AAE, "trainer=aae_paper"),
    "aae_features": (
        *_FEATURES,
        "model=aae/features",
        "model.hidden=[24]",
        "model.discriminator_hidden=[12]",
        "trainer=aae_features",
        *_MILESTONES,
    ),
    "capacity": (*_JOINT, "trainer=capacity"),
    "capacity_shared": (*_JOINT, "trainer=capacity_shared"),
    "beta_vae": (*_JOINT, "trainer=beta_vae"),
    **{name: (*_TASKS, f"trainer={name}") for name in ("finetune", "joint", "ewc", "lwf", "a_ewc", "a_lfl")},
    "lfl": (*_TASKS, "trainer=lfl", *_SEARCHED),
    **{name: (*_TASKS, f"trainer={name}", "trainer.memory=60") for name in ("icarl", "a_icarl")},
    **{name: (*_TASKS_OF_FEATURES, f"trainer={name}") for name in ("mas", "a_lwf")},
    "a_mas": (*_TASKS_OF_FEATURES, "trainer=a_mas", *_SEARCHED),
    "prototype_contrast": (
        *_TAGGED,
        "trainer=prototype_contrast",
        "trainer.classify.steps=30",
        "trainer.contrast.steps=30",
    ),
    "mask_supervision": (*_TAGGED, "trainer=mask_supervision", "trainer.first.steps=30", "trainer.second.steps=30"),
}
"""Arguments by the name of the file in ``conf/trainer``; `tests/scripts/test_torture.py` compares the names."""
