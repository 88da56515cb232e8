"""Photographs of nature, people and things, from which patches are taken, and BSDS500.

P. Arbelaez, M. Maire, C. Fowlkes, J. Malik: Contour detection and hierarchical image segmentation.
IEEE transactions on pattern analysis and machine intelligence 33 (2011), 898-916.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from agnesi.datasets.archives import read_members
from agnesi.datasets.dataset import Dataset, Layout, Package
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt, DatasetMissing
from agnesi.datasets.images import Photographs
from agnesi.datasets.pillow import read_picture

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from agnesi.datasets.dataset import Folder, Paths

SIZES = ((321, 481), (481, 321))

_PARTS = ("train", "val", "test")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def load_photographs(folder: Path | str) -> Photographs:
    """All pictures of a folder, sorted by name: yours, or those of any data set.

    Args:
        folder: with files that end in .jpg, .png, .webp, .bmp or .tif; others are left alone.

    Raises:
        DatasetMissing: there is no such folder or no picture, or pillow is not installed.
        DatasetCorrupt: a file is no picture, or cut short.
    """
    where = Path(folder).expanduser()
    if not where.is_dir():
        raise DatasetMissing(f"load_photographs: there is no folder {where}")
    paths = sorted(path for path in where.iterdir() if path.suffix.lower() in _PICTURES)
    if not paths:
        raise DatasetMissing(
            f"load_photographs: {where} has no pictures\n"
            f"  Their names end in {', '.join(_PICTURES)}."
        )
    images = tuple(read_picture("load_photographs", path) for path in paths)
    return Photographs(images, (), (), f"{len(images):,} photographs, the files in {where}")


def load_bsds500(folder: Folder = None, *, download: bool = False) -> Photographs:
    """BSDS500: 200 photographs for training, 100 for validation, 200 for testing, in colour.

    They are 321 x 481 or 481 x 321 pixels; the segmentations are not read.  A folder, or its
    subfolder ``bsds500``, holds one of

    - the archive ``BSR_bsds500.tgz``, or what is in it, ``BSR/BSDS500/data/images/train/*.jpg`` and
      so on, also from ``BSDS500`` or ``images`` on;
    - photographs ``*.jpg``, which are then all for training.

    Args:
        folder: where the files are; None for the usual places (:mod:`agnesi.datasets.dataset`),
            else the two photographs that scikit-learn ships.
        download: get what is nowhere.

    Raises:
        DatasetMissing: the files are nowhere, or pillow, which reads them, is not installed.
        DatasetCorrupt: a file is not what it should be.
    """
    return BSDS500.load(folder, download=download)


def _from_archive(paths: Paths, where: str) -> Photographs:
    ((path,),) = paths
    members = read_members("load_bsds500", path, lambda name: _part(name) is not None)
    parts: dict[str, list[bytes]] = {part: [] for part in _PARTS}
    for name, content in members.items():
        parts[_part(name) or ""].append(content)
    lacking = [part for part in _PARTS if not parts[part]]
    if lacking:
        raise DatasetCorrupt(
            f"load_bsds500: {path} has no photographs in images/{', images/'.join(lacking)}\n"
            "  Replace it by a complete copy."
        )
    return _photographs((parts[part] for part in _PARTS), where, str(path))


def _part(name: str) -> str | None:
    """Of a photograph in the archive, which part it belongs to."""
    place = PurePosixPath(name)
    part = place.parent.name
    is_one = place.suffix == ".jpg" and part in _PARTS and place.parent.parent.name == "images"
    return part if is_one else None


def _from_folder(paths: Paths, where: str) -> Photographs:
    return _photographs(paths, where)


def _photographs(
    parts: Iterable[Iterable[Path | bytes]], where: str, name: str = ""
) -> Photographs:
    train, valid, test = (tuple(_read(each, name) for each in part) for part in parts)
    counts = f"{len(train):,} + {len(valid):,} + {len(test):,}"
    return Photographs(train, valid, test, f"BSDS500, {where}: {counts} photographs")


def _read(source: Path | bytes, name: str = "") -> NDArray[np.uint8]:
    """A photograph, which has the size that all of BSDS500 have."""
    image = read_picture("load_bsds500", source, name=name)
    if image.shape[:2] not in SIZES:
        shown = source if isinstance(source, Path) else f"a photograph in {name}"
        raise DatasetCorrupt(
            f"load_bsds500: {shown} has {image.shape[0]} x {image.shape[1]} pixels\n"
            "  Those of BSDS500 have 321 x 481 or 481 x 321; load_photographs reads others."
        )
    return image


def _flat(paths: Paths, where: str) -> Photographs:
    ((*pictures,),) = paths
    images = tuple(_read(path) for path in pictures)
    return Photographs(images, (), (), f"BSDS500, {where}: {len(images):,} of its photographs")


def _shipped(paths: Paths, where: str) -> Photographs:
    images = tuple(read_picture("load_bsds500", path) for (path,) in paths)
    return Photographs(images, (), (), f"not BSDS500, but {where}")


def _sklearn() -> Path | None:
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "datasets" / "images"


def _below(top: str) -> Layout[Photographs]:
    files = tuple((f"{top}images/{part}/*.jpg",) for part in _PARTS)
    return Layout("the official folders", files, _from_folder)


BSDS500 = Dataset(
    "bsds500",
    "BSDS500",
    "photographs, 200 + 100 + 200, 321 x 481 colour",
    "for non-commercial research and education",
    "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
    (
        *map(_below, ("BSR/BSDS500/data/", "BSDS500/data/", "data/", "")),
        Layout("the archive", (("BSR_bsds500.tgz",),), _from_archive),
        Layout("files", (("*.jpg",),), _flat),
    ),
    (
        Download(
            "BSR_bsds500.tgz",
            (
                "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/"
                "BSR_bsds500.tgz",
            ),
            "sha256:97e49d31764f3912f0c4122707d53062ac9e783ba0f095e447a4d53c1a41af8e",
            70_763_455,
        ),
    ),
    packages=(
        Package(
            "two photographs in scikit-learn",
            'pip install "agnesi[sklearn]"',
            _sklearn,
            Layout("two photographs", (("china.jpg",), ("flower.jpg",)), _shipped),
            whole=False,
        ),
    ),
)
