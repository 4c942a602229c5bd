"""Data files recognised by their checksum, so that a result names its features and split and never guesses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class KnownFile:
    """What is known about a file.

    Attributes:
        description: the file in words.
        feature_kind: the features it holds, if it holds features.
        split_version: the split it holds, if it holds one.
    """

    description: str
    feature_kind: str | None = None
    split_version: str | None = None


def _proposed_split(data_set: str) -> KnownFile:
    return KnownFile(f"{data_set}, proposed split, version 1", split_version="PS1")


MNIST_FILES: Final[dict[str, str]] = {
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609": "60,000 training images, as published",
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db": "60,000 training images, unpacked",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c": "60,000 training labels, as published",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5": "60,000 training labels, unpacked",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6": "10,000 test images, as published",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7": "10,000 test images, unpacked",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6": "10,000 test labels, as published",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2": "10,000 test labels, unpacked",
    "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971": "60,000 training images",
    "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203": "60,000 training labels",
    "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be": "10,000 test images",
    "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b": "10,000 test labels",
}
"""What is in each of MNIST's idx files, by checksum; other data sets come under the same names."""

KNOWN_FILES: Final[dict[str, KnownFile]] = {
    "752e0fad7b01b0ad966d7f5d5650817e85fb3008848d5c603b437b4d9219d664": _proposed_split("AWA1"),
    "dfe0e4f26ef5debaa77eff823a9316ac110e9b809b70d19c72dd11404f7be357": _proposed_split("AWA2"),
    "0919ad814a76aa25b5be0826112c4e47549e43056e9335516efca941928b9a2d": _proposed_split("CUB"),
    "90dcb2a60704ce1117ba1897523ba78dc6b625e606008918c4eade9cd8a5bf43": _proposed_split("SUN"),
    "7a05d4b3b6af13f30f99f9f3dbfc058cff6f7564aa085bec36b7e768fa26d1b8": _proposed_split("aPY"),
    "f7c2841a236b54c7100f378667ff9a5d1ef7c934a0d3720018c6fffd02ef9a49": _proposed_split("FLO"),
    "53f542c27e45f3ace55f4465ba2743a1c3400a329c61be7aa116e7ccb77c4087": KnownFile(
        "CUB, sentence embeddings with the proposed split, version 1", split_version="PS1"
    ),
    "ed149bc822f125da5a62b9bb9bb1cdaf48b03fe2e2b3966908b1c35941b4876e": KnownFile(
        "FLO89, sentence embeddings, split of 71 seen and 18 unseen classes",
        split_version="own (FLO89: 71 seen / 18 unseen of 102 classes, seed 0)",
    ),
    "86c0aac0f0ee2b1c56a72da8fbf91d510ba1b8741264e04335fa518791e3ee2e": KnownFile(
        "CUB, outputs of a ResNet's classification layer",
        feature_kind="ResNet fc1000 outputs, 1000-d, signed",
    ),
    "3ca1ec50505a343929b326c5ed693ec0f4b86a5e0dac4025c778dea0f095e957": KnownFile(
        "AWA1, hand-made descriptors of 2009",
        feature_kind="descriptors of 2009 (SIFT, rgSIFT, SURF, LSS, PHOG), PCA, 256-d, signed",
    ),
    "1bc8ddca1a4e9b6713b491d3dccfff4af7254a4af7e91e40e1989f5d75c3667f": KnownFile(
        "FLO89, pooled EfficientNet-Lite0 features",
        feature_kind="EfficientNet-Lite0 pooled, 1280-d",
    ),
    "c8d004505c8826fafaa698b94b4d99fbb9778c54b68c973ad27549f3674fa9b5": KnownFile("aPY, labels of the images"),
    "001210b74ad6f9ea38d5a36709f45e80a372d2c3b884eb7602b15aa01c54d8ba": KnownFile("AWA2, labels of the images"),
    "357391e802f1015db71141c23c562c4148b533fef420adb89d9afa8c17d74385": KnownFile("SUN, labels of the images"),
    **{checksum: KnownFile(f"MNIST, {content}") for checksum, content in MNIST_FILES.items()},
}


def feature_kind_of(sha256: str, width: int) -> str:
    """Return the kind of features in a file; for a file nobody knows its width and checksum, never a guess."""
    known = KNOWN_FILES.get(sha256)
    return (known and known.feature_kind) or f"unknown ({width}-d, file sha256 {sha256[:12]})"


def split_version_of(sha256: str) -> str:
    """Return the version of the split in a file; for a file nobody knows its checksum."""
    known = KNOWN_FILES.get(sha256)
    return (known and known.split_version) or f"unknown (file sha256 {sha256[:12]})"
