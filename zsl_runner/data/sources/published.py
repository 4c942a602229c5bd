"""Where published data sets come from: what errors say where one is missing, and the page ``docs/guides/get_data.md``.

The one place of these facts. Tests hold the page, the configurations and the shell lines to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

PAGE: Final = "docs/guides/get_data.md"
DATA: Final = '"${ZSL_DATA:-data}"'
PROPOSED_SPLITS: Final = (
    "https://www.mpi-inf.mpg.de/departments/computer-vision-and-machine-learning/research/zero-shot-learning/"
    "zero-shot-learning-the-good-the-bad-and-the-ugly"
)
FEATURE_GENERATION: Final = (
    "https://www.mpi-inf.mpg.de/departments/computer-vision-and-machine-learning/research/zero-shot-learning/"
    "feature-generating-networks-for-zero-shot-learning"
)
SENTENCES: Final = "https://github.com/Hanzy1996/CE-GZSL"
DSPRITES_FILE: Final = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"


@dataclass(frozen=True)
class Published:
    """A published data set.

    Attributes:
        title: what it is.
        home: address of the page that offers the archive.
        archive: name of the archive or file.
        lines: shell lines that bring the files to their place, from any folder.
        check: the command that looks at them then.
        size: its size in words; "about" where only others' reports are known, empty where not even these are.
        images: address of the page of the images, where the archive holds features; empty if there is none.
        rows: numbers of rows of trainval, test_seen and test_unseen, for sets in the xlsa17 layout.
        checksums: SHA-256 of files that come out of it, by their names, where known.
    """

    title: str
    home: str
    archive: str
    lines: tuple[str, ...]
    check: str
    size: str = ""
    images: str = ""
    rows: tuple[int, int, int] | None = None
    checksums: Mapping[str, str] = field(default_factory=dict)

    def remedy(self) -> str:
        """Return how to get it, for the error that it is missing."""
        shell = "\n".join(f"    {line}" for line in (*self.lines, self.check))
        return (
            f"{self.title}: get {self.archive}{self.size and f' ({self.size})'} from\n{self.home}\n{shell}\n"
            f"Files that lie elsewhere: dataset.root=FOLDER. All published data sets: {PAGE}"
        )


def _features(
    folder: str, title: str, images: str, rows: tuple[int, int, int], splits: str | None, archive: str = "xlsa17"
) -> Published:
    """Return a set in the xlsa17 layout, a folder of one of the two archives of the Proposed Splits' authors."""
    return Published(
        title=f"{title}, ResNet-101 features and Proposed Splits (Xian et al.)",
        home=FEATURE_GENERATION if archive == "cvpr18xian" else PROPOSED_SPLITS,
        archive=f"{archive}.zip",
        size="" if archive == "cvpr18xian" else "about 0.9 GB, five data sets in one",
        lines=(
            f"wget https://datasets.d2.mpi-inf.mpg.de/xian/{archive}.zip",
            f"unzip {archive}.zip '{archive}/data/{folder}/*'",
            f"mkdir -p {DATA}/xlsa17 && mv {archive}/data/{folder} {DATA}/xlsa17/",
        ),
        check=f"zsl-data verify {folder.lower()}",
        images=images,
        rows=rows,
        checksums={} if splits is None else {"att_splits.mat": splits},
    )


PUBLISHED: Final[Mapping[str, Published]] = {
    "awa2": _features(
        "AWA2",
        "Animals with Attributes 2",
        "https://cvml.ista.ac.at/AwA2/",
        (23527, 5882, 7913),
        "dfe0e4f26ef5debaa77eff823a9316ac110e9b809b70d19c72dd11404f7be357",
    ),
    "awa1": _features(
        "AWA1",
        "Animals with Attributes 1",
        "https://cvml.ista.ac.at/AwA/",
        (19832, 4958, 5685),
        "752e0fad7b01b0ad966d7f5d5650817e85fb3008848d5c603b437b4d9219d664",
    ),
    "cub": _features(
        "CUB",
        "Caltech-UCSD Birds 200-2011",
        "https://www.vision.caltech.edu/datasets/cub_200_2011/",
        (7057, 1764, 2967),
        None,
    ),
    "sun": _features(
        "SUN",
        "SUN Attribute",
        "https://cs.brown.edu/~gmpatter/sunattributes.html",
        (10320, 2580, 1440),
        "90dcb2a60704ce1117ba1897523ba78dc6b625e606008918c4eade9cd8a5bf43",
    ),
    "apy": _features("APY", "aPascal & aYahoo", "https://vision.cs.uiuc.edu/attributes/", (5932, 1483, 7924), None),
    "flo": _features(
        "FLO",
        "Oxford Flowers 102",
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        (5631, 1403, 1155),
        "f7c2841a236b54c7100f378667ff9a5d1ef7c934a0d3720018c6fffd02ef9a49",
        archive="cvpr18xian",
    ),
    "mnist": Published(
        title="MNIST",
        home="http://yann.lecun.com/exdb/mnist/",
        archive="four idx files",
        size="11,594,722 bytes",
        lines=(
            "for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do "
            f"wget -P {DATA}/mnist https://ossci-datasets.s3.amazonaws.com/mnist/$name-ubyte.gz; done",
        ),
        check="zsl-data verify mnist",
        checksums={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ),
    "fashion_mnist": Published(
        title="Fashion-MNIST",
        home="https://github.com/zalandoresearch/fashion-mnist",
        archive="four idx files",
        size="about 30 MB",
        lines=(
            "for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do "
            f"wget -P {DATA}/fashion_mnist "
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/$name-ubyte.gz; done",
        ),
        check="zsl-data verify fashion_mnist",
    ),
    "dsprites": Published(
        title="dSprites",
        home="https://github.com/google-deepmind/dsprites-dataset",
        archive=DSPRITES_FILE,
        size="about 26 MB",
        lines=(
            f"wget -P {DATA}/dsprites https://github.com/google-deepmind/dsprites-dataset/raw/master/{DSPRITES_FILE}",
        ),
        check="zsl-data verify dsprites",
    ),
    "voc": Published(
        title="PASCAL VOC 2012, images with masks of 20 classes",
        home="http://host.robots.ox.ac.uk/pascal/VOC/voc2012/",
        archive="VOCtrainval_11-May-2012.tar",
        size="about 1.9 GB",
        lines=(
            "wget http://host.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
            "tar -xf VOCtrainval_11-May-2012.tar VOCdevkit/VOC2012",
            f"mkdir -p {DATA} && mv VOCdevkit/VOC2012 {DATA}/voc",
        ),
        check=f"zsl-data verify tagged_folder --source {DATA}/voc images=JPEGImages masks=SegmentationClass "
        "'classes=[background,aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,"
        "motorbike,person,pottedplant,sheep,sofa,train,tvmonitor]'",
    ),
    "lfw": Published(
        title="LFW, faces with masks of skin and hair",
        home="http://vis-www.cs.umass.edu/lfw/part_labels/",
        archive="lfw-funneled.tgz and parts_lfw_funneled_gt_images.tgz",
        lines=(
            "wget http://vis-www.cs.umass.edu/lfw/lfw-funneled.tgz "
            "http://vis-www.cs.umass.edu/lfw/part_labels/parts_lfw_funneled_gt_images.tgz",
            "tar -xzf lfw-funneled.tgz && tar -xzf parts_lfw_funneled_gt_images.tgz",
            f"mkdir -p {DATA}/lfw/images && mv parts_lfw_funneled_gt_images {DATA}/lfw/masks",
            f'for mask in {DATA}/lfw/masks/*.ppm; do name=$(basename "$mask" .ppm); '
            f'cp "lfw_funneled/${{name%_*}}/$name.jpg" {DATA}/lfw/images/; done',
        ),
        check=f"zsl-data verify image_folder --source {DATA}/lfw 'classes=[background,skin,hair]' "
        "'colours=[0000ff,00ff00,ff0000]' void=null 'shares=[0.4,0.1,0.5]'",
    ),
}


def with_rows(rows: Sequence[int] | None) -> Published | None:
    """Return the published set in the xlsa17 layout with these numbers of rows; None for anybody's own data.

    The numbers that a configuration demands tell it, whatever the data are called there.
    """
    if rows is None:
        return None
    return next((entry for entry in PUBLISHED.values() if entry.rows == tuple(rows)), None)
