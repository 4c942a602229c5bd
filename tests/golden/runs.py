"""Short runs over every training procedure, on data that need no file; seconds each on one core."""

from __future__ import annotations

QUIET = ["tracker.figures=false", "tracker.tensorboard=false", "tracker.progress=none", "tracker.log_every=1"]

_ZERO_SHOT = ["dataset=toy", "trainer.batch_size=32", "evaluator.every=6"]
_SMALL_VAE = ["model.latent_dim=4", "model.encoder.hidden=[16]", "model.decoder.hidden=[16]"]
_EM = ["trainer.pretrain_steps=12", "trainer.em.iterations=18", "trainer.em.copies=2"]
_GENERATOR = [
    "evaluator.classifier.synthetic_per_class=10",
    "evaluator.classifier.epochs=2",
    "evaluator.classifier.epochs_gzsl=2",
]
_GAN = [
    *_GENERATOR,
    "dataset=toy",
    "model.hidden=24",
    "trainer.batch_size=32",
    "trainer.epochs=2",
    "trainer.epoch_steps=4",
]
_COMPLETION = [
    "dataset=digits_quadrant",
    "model.hidden=[24]",
    "trainer.epochs=2",
    "trainer.batch_size=200",
    "evaluator.samples=4",
    "evaluator.validation_samples=2",
]
_AAE = [
    "dataset=digits_images",
    "dataset.labelled=100",
    "model.hidden=[24]",
    "model.discriminator_hidden=[12]",
    "trainer.epochs=2",
    "trainer.batch_size=200",
    "trainer.evaluate_every=1",
    *(f"trainer.optim.{name}.milestones=[1]" for name in ("recon", "disc", "gen", "semi")),
    "evaluator.prior_match.rows=50",
    "evaluator.prior_match.permutations=5",
    "evaluator.prior_match.classifier_epochs=1",
    "evaluator.parzen.samples=50",
]
_JOINT_VAE = [
    "model=joint_vae",
    "dataset=digits_images",
    "dataset.side=32",
    "trainer.epochs=2",
    "trainer.batch_size=200",
    "trainer.evaluate_every=1",
    "evaluator.factor_votes=20",
    "evaluator.factor_batch=10",
]
_TASKS = ["trainer.iterations=6", "trainer.batch_size=32", "evaluator.every=4"]
_IMAGES = ["dataset=split_digits", "dataset.n_tasks=3"]
_IMAGE_TASKS = [*_IMAGES, *_TASKS]
_ZERO_SHOT_TASKS = ["model=cosine_heads", "dataset=toy_tasks", "model.hidden=[16]", "model.width=8", *_TASKS]
_CLASS_MAPS = [
    "model=class_maps",
    "model.channels=[6,8,10]",
    "model.strides=[1,2,2]",
    "model.dilations=[1,1,2]",
    "model.projection=8",
    "model.correlation={layers: [2, 3], channels: [4, 4], width: 6}",
    "dataset=tagged_canvas_embedded",
    "dataset.side=32",
    "dataset.train=40",
    "dataset.validation=10",
    "dataset.test=10",
    "trainer.batch_size=10",
    "trainer.restart_optimisers=false",
    "trainer.backbone.lr=2e-3",
    "trainer.heads.lr=2e-3",
    "evaluator.every=6",
]
_CONTRAST = [
    *_CLASS_MAPS,
    "trainer.view_scale=0.5",
    "trainer.classify={steps: 6, power: 0.0}",
    "trainer.contrast={steps: 6, factor: 0.25}",
]

RUNS: dict[str, list[str]] = {
    "em": ["model=sgal", *_ZERO_SHOT, *_SMALL_VAE, *_EM, "trainer.em.rollback_every=6", "trainer.em.refresh_every=3"],
    "em_released": ["model=sgal_released", *_ZERO_SHOT, *_EM, "evaluator.select=val"],
    "em_control_fixed_prior": [
        "model=sgal",
        "trainer=em_control_fixed_prior",
        *_ZERO_SHOT,
        *_SMALL_VAE,
        "trainer.steps=12",
        "trainer.matched.em_iterations=18",
    ],
    "seen_only": ["model=vzsl", *_ZERO_SHOT, *_SMALL_VAE, "trainer.steps=24"],
    "transductive": [
        "model=vzsl",
        "trainer=transductive",
        *_ZERO_SHOT,
        *_SMALL_VAE,
        "trainer.warmup_steps=12",
        "trainer.steps=12",
    ],
    "closed_form": ["model=eszsl", "dataset=digits"],
    "feature_gan": ["model=tf_vaegan", *_GAN, "trainer.critic_steps=1"],
    "feature_gan_critic_steps": ["model=f_clswgan", *_GAN, "runtime.precision=bf16"],
    "feature_gan_transductive": ["model=bi_vaegan", *_GAN, "trainer.warmup_epochs=1"],
    "cvae_generator": ["model=cvae", *_GENERATOR, "dataset=toy", "model.hidden=[24]", "trainer.epochs=2"],
    "hybrid": ["model=cvae_pairs", "trainer=hybrid", *_COMPLETION],
    "gsnn": ["model=cvae_pairs", "trainer=gsnn", *_COMPLETION],
    "nn": ["model=baseline_nn", *_COMPLETION[:4]],
    "segmentation": [
        "model=cvae_segmentation_small",
        "dataset=digit_canvas_embedded",
        "dataset.train=40",
        "dataset.validation=10",
        "dataset.test=10",
        "trainer.epochs=1",
        "trainer.batch_size=10",
        "evaluator.samples=2",
        "evaluator.validation_samples=2",
        "evaluator.drawn_samples=2",
    ],
    "aae_adam": ["model=aae/semi_supervised", *_AAE, "trainer.noise.std=0.1", "trainer.input_dropout=0.1"],
    "aae_paper": ["model=aae/clustering", "trainer=aae_paper", *_AAE],
    "capacity": _JOINT_VAE,
    "beta_vae": [*_JOINT_VAE, "trainer=beta_vae"],
    "a_ewc": ["model=task_heads", "model.hidden=[24]", "trainer=a_ewc", "trainer.estimator=sampled", *_IMAGE_TASKS],
    "a_icarl": ["model=task_heads", "model.hidden=[24]", "trainer=a_icarl", "trainer.memory=60", *_IMAGES, *_TASKS[:2]],
    "a_lfl": ["model=task_heads_cnn", "model.channels=[4]", "model.hidden=16", "trainer=a_lfl", *_IMAGE_TASKS],
    "finetune": ["model=task_heads", "model.hidden=[24]", *_IMAGE_TASKS],
    "joint": ["model=task_heads", "model.hidden=[24]", "trainer=joint", *_IMAGE_TASKS],
    "a_lwf": ["trainer=a_lwf", *_ZERO_SHOT_TASKS],
    "a_mas": ["trainer=a_mas", "trainer.importance_rows=20", *_ZERO_SHOT_TASKS],
    "prototype_contrast": _CONTRAST,
    "prototype_contrast_released": [
        *_CONTRAST,
        "model.correlation.centred=false",
        "model.correlation.power=1",
        "model.correlation.tagged=false",
        "trainer.contrast.frozen_statistics=false",
    ],
    "mask_supervision": [
        *_CLASS_MAPS,
        "trainer=mask_supervision",
        "dataset.flip=true",
        "trainer.first={steps: 6, power: 0.0}",
        "trainer.second={steps: 6, factor: 0.25}",
    ],
}
"""What `zsl-run` is called with, by a name for the run; `QUIET` comes to each."""

LONGER: dict[str, list[str]] = {
    "feature_gan_transductive": ["trainer.epochs=8", "trainer.warmup_epochs=2", "trainer.class_prior=uniform"],
    "segmentation": ["trainer.epochs=2", "trainer.omission=0.4"],
}
"""What makes phases of a run long enough for variants of steps that are rare; the recorded runs are without."""

STEPS: dict[str, list[str]] = RUNS | {"aae_once": [*RUNS["aae_adam"], "trainer.encode=once"]}
"""Runs whose steps are tested: the recorded ones, and some beside them."""
