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
_ALIGNED = [
    "model=cada_vae",
    *_GENERATOR,
    "evaluator.classifier.real_per_class=8",
    "evaluator.classifier.batch_size=20",
    "dataset=toy",
    *_SMALL_VAE,
    "model.class_encoder.hidden=[16]",
    "model.class_decoder.hidden=[16]",
    "trainer.batch_size=200",
    "trainer.epochs=4",
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
    "aligned_vae": _ALIGNED,
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

CHANGED: dict[str, list[str]] = {
    "feature_gan_transductive": ["trainer.epochs=8", "trainer.warmup_epochs=2", "trainer.class_prior=uniform"],
    "segmentation": ["trainer.epochs=2", "trainer.omission=0.4"],
    "capacity": ["trainer.epochs=1", "trainer.batch_size=50"],
    "beta_vae": ["trainer.epochs=1", "trainer.batch_size=50"],
}
"""What makes phases long enough for variants of steps that are rare, and steps short; the recorded runs are without."""

STEPS: dict[str, list[str]] = RUNS | {"aae_once": [*RUNS["aae_adam"], "trainer.encode=once"]}
"""Runs whose steps are tested: the recorded ones, and some beside them."""

KINDRED = (
    "em_released",
    "em_control_fixed_prior",
    "feature_gan",
    "beta_vae",
    "aae_once",
    "aae_paper",
    "prototype_contrast_released",
)
"""Those whose steps are nearly another's: these steps are tested with the long tests, as those of `OPTIONS` are."""

_RARE_AAE = [*_AAE, "dataset.labelled=800"]
_PAIRS = ["model=cvae_pairs", *_COMPLETION]
_TASK_HEADS = ["model=task_heads", "model.hidden=[24]"]
_ESTIMATED = ["trainer.prior_classifier.synthetic_per_class=10", "trainer.prior_classifier.epochs=2"]

OPTIONS: dict[str, list[str]] = {
    "em_by_class": [
        *RUNS["em"],
        "model.margin.pairs=batch_diff",
        "trainer.em.loss_weighting=class",
        "trainer.em.norm_statistics=real",
        "trainer.em.prior_dropout=true",
        "trainer.em.gen_noise=0.1",
        "trainer.em.train_prior_dropout=null",
        "trainer.optim.clip_norm=1",
    ],
    "em_fixed_prior": [
        *RUNS["em"],
        "model.margin.pairs=classes",
        "model.prior.const_log_var=null",
        "trainer.em.train_prior=false",
        "trainer.em.class_draw=test_frequency",
        "trainer.em.decoder_dropout=false",
        "trainer.optim={algorithm: sgd, momentum: 0.9, lr: 1e-4}",
    ],
    "em_bf16": [*RUNS["em"], "runtime.precision=bf16"],
    "transductive_adamw": [
        *RUNS["transductive"],
        "model.margin_weight=0",
        "trainer.optim={algorithm: adamw, weight_decay: 0.1}",
    ],
    "aligned_vae_released": [
        *_ALIGNED,
        "model=cada_vae_released",
        "model.reconstruction=squared",
        "model.encoder.dropout=0.1",
        "model.class_encoder.batch_norm=true",
    ],
    "f_vaegan_cpe": [
        "model=f_vaegan",
        "model.unseen_critic=unconditional",
        "trainer=feature_gan_transductive",
        *_GAN,
        *_ESTIMATED,
        "trainer.epochs=4",
        "trainer.warmup_epochs=1",
        "trainer.class_prior=cpe",
    ],
    "bi_vaegan_bbse": [
        *RUNS["feature_gan_transductive"],
        *_ESTIMATED,
        "model.unseen_critic=pseudo_conditional",
        "model.perturbation={critic: 0.1, synthesis: 0.1}",
        "model.regression_loss=mse",
        "model.penalty.adaptive=true",
        "trainer.epochs=4",
        "trainer.class_prior=bbse",
    ],
    "tf_vaegan_rare": [
        *RUNS["feature_gan"],
        "model.encoded_noise=true",
        "model.reconstruction=bce",
        "model.regressor_learns_from_generated=true",
        "model.weights.classification=0.1",
        "trainer.epochs=4",
    ],
    "f_clswgan_fp32": ["model=f_clswgan", *_GAN, "model.output=identity"],
    "aae_simplex": [
        "model=aae/dim_reduction",
        *_AAE,
        "model.latent_dim=10",
        "model.heads.placement=simplex",
        "model.posterior=universal",
        "model.prior=uniform",
        "trainer.noise={std: 0.1, where: discriminator}",
    ],
    "aae_heads": ["model=aae/dim_reduction", *_AAE, "model.bn=all", "model.true_label_in_decoder=true"],
    "aae_mixture": ["model=aae/label_regularised", *_RARE_AAE, "model.latent_dim=2", "model.prior=gmm10"],
    "aae_roll": ["model=aae/label_regularised", *_RARE_AAE, "model.latent_dim=2", "model.prior=swiss_roll"],
    "aae_supervised": ["model=aae/supervised", *_RARE_AAE],
    "aae_features": [
        "model=aae/features",
        "dataset=toy",
        "model.hidden=[24]",
        "model.discriminator_hidden=[12]",
        "trainer.epochs=2",
        "trainer.batch_size=32",
        *(setting for setting in _AAE if "milestones" in setting),
    ],
    "capacity_hard": [
        *_JOINT_VAE,
        "model.hard=true",
        "model.discrete=[4,3]",
        "trainer.capacity_per=example",
        "trainer.temperature_end=0.3",
        "trainer.temperature_iters=10",
    ],
    "capacity_shared": [*_JOINT_VAE, "trainer=capacity_shared", "model.discrete=[]"],
    "capacity_discrete": [*_JOINT_VAE, "model.continuous=0"],
    "cvae_images": [
        "model=cvae_images",
        "dataset=digits_images",
        "model.hidden=[24]",
        "trainer.epochs=2",
        "trainer.batch_size=200",
    ],
    "cvae_sampled": [
        *_PAIRS,
        "dataset.target=sampled",
        "model.prior=standard",
        "model.recurrent=false",
        "trainer.samples_per_step=2",
        "trainer.kl_warmup=1",
    ],
    "cvae_gaussian": [
        *_PAIRS,
        "dataset.target=threshold",
        "dataset.mask_value=0.5",
        "model.likelihood=gaussian",
        "model.dropout=0.1",
        "model.guess_weight=0.5",
    ],
    "segmentation_cnn": [
        "model=baseline_cnn_small",
        *RUNS["segmentation"][1:-3],
        "dataset.flip=true",
        "trainer.epochs=3",
    ],
    "ewc_exact": [
        "model=task_heads_cnn",
        "model.channels=[4]",
        "model.hidden=16",
        "trainer=a_ewc",
        *_IMAGE_TASKS,
        "trainer.estimator=exact",
        "trainer.scenario=cil",
        "trainer.accumulate=average",
        "trainer.decay=0.5",
    ],
    "ewc_batched": [
        *_TASK_HEADS,
        "trainer=ewc",
        *_IMAGE_TASKS,
        "trainer.estimator=batched",
        "trainer.held=shared",
        "trainer.outputs=all",
        "trainer.accumulate=online",
        "trainer.decay=0.9",
    ],
    "ewc_sampled": ["trainer=a_ewc", *_ZERO_SHOT_TASKS, "trainer.estimator=sampled"],
    "mas_squared": [*_TASK_HEADS, "trainer=mas", *_IMAGE_TASKS, "trainer.squared=true"],
    "lwf_by_head": [*_TASK_HEADS, "trainer=a_lwf", *_IMAGE_TASKS, "trainer.heads=each", "trainer.plane=true"],
    "ewc_search": ["trainer=a_ewc", *_ZERO_SHOT_TASKS, "trainer.search.tries=3", "trainer.search.drop=0"],
    "lwf_epochs": [
        *_TASK_HEADS,
        "trainer=lwf",
        *_IMAGES,
        "trainer.heads=all",
        "trainer.scenario=cil",
        "trainer.iterations=null",
        "trainer.epochs=2",
        "trainer.batch_size=32",
    ],
    "icarl_random": [
        *_TASK_HEADS,
        "trainer=icarl",
        *_IMAGES,
        *_TASKS[:2],
        "trainer.memory=null",
        "trainer.memory_per_class=5",
        "trainer.selection=random",
    ],
    "contrast_rare": [
        *_CONTRAST,
        "model.correlation={layers: [2, 3], channels: [4, 4], width: 6, power: 3, tagged: true, centred: true}",
        "trainer.prototypes={ties: first, background: constant, absent_masked: false, clamped: false}",
        "trainer.mining={positive_ranked: true, mean_over_skipped: true}",
        "trainer.grid=4",
        "trainer.heads.clip_norm=1",
    ],
    "contrast_resnet38": [
        *(setting for setting in _CONTRAST if not setting.startswith("model")),
        "model=class_maps_resnet38",
        "model.channels=[4,4,4,8,8,8,8]",
        "model.projection=8",
    ],
}
"""Runs with options that no recorded one has; their steps are tested where tests may be slow."""
