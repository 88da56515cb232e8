"""SVHN, faces, photographs, Chars74K: official files made small, spoilt ones, and real ones."""

from __future__ import annotations

import importlib.util
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import scipy.io
from PIL import Image

from agnesi.datasets import (
    DatasetCorrupt,
    DatasetMissing,
    load_bsds500,
    load_chars74k,
    load_fer2013,
    load_frey,
    load_photographs,
    load_svhn,
    load_svhn_extra,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def write_tar(path: Path, files: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


# ---------------------------------------------------------------------------------------- SVHN
def write_svhn(folder: Path, *parts: str, **changes: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed, part in enumerate(parts):
        content = {"X": pixels(32, 32, 3, 4, seed=seed), "y": np.array([[1], [10], [9], [2]], "u1")}
        content |= changes
        scipy.io.savemat(folder / f"{part}_32x32.mat", content, do_compression=True)


@pytest.mark.parametrize("below", ["", "svhn"])
def test_svhn(tmp_path: Path, below: str):
    """Label 10 is the digit 0."""
    write_svhn(tmp_path / below, "train", "test", "extra")
    data = load_svhn(tmp_path)
    assert data.train_images.shape == (4, 32, 32, 3) and data.train_images.flags.c_contiguous
    np.testing.assert_array_equal(data.train_images[2], pixels(32, 32, 3, 4)[..., 2])
    np.testing.assert_array_equal(data.test_images[0], pixels(32, 32, 3, 4, seed=1)[..., 0])
    assert data.test_labels.tolist() == [1, 0, 9, 2] and data.test_labels.dtype == np.uint8
    more = load_svhn_extra(tmp_path)
    np.testing.assert_array_equal(more.train_images[:4], data.train_images)
    np.testing.assert_array_equal(more.train_images[7], pixels(32, 32, 3, 4, seed=2)[..., 3])
    assert more.train_labels.tolist() == [1, 0, 9, 2] * 2
    assert len(more.test_labels) == 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"X": pixels(32, 32, 4)}, r"X must be uint8\[32, 32, 3, n\]\n.*uint8\[32, 32, 4\]"),
        ({"X": np.zeros((32, 32, 3, 4))}, r"float64\[32, 32, 3, 4\]"),
        ({"X": "text"}, "X is no array of real numbers"),
        ({"y": np.array([[1], [11], [0], [2]])}, "labels must be 0 to 9"),
        ({"y": np.array([[1], [0], [3], [2]])}, "labels must be 0 to 9"),
        ({"y": np.array([[1], [2]])}, "2 labels for 4 images"),
    ],
)
def test_spoilt_svhn(tmp_path: Path, changes: dict[str, Any], says: str):
    write_svhn(tmp_path, "train", "test", **changes)
    with pytest.raises(DatasetCorrupt, match=says):
        load_svhn(tmp_path)


def test_mat_files_cut_short(tmp_path: Path):
    write_svhn(tmp_path, "train", "test")
    path = tmp_path / "train_32x32.mat"
    whole = path.read_bytes()
    for length in (0, 3, 100, 130, len(whole) - 9000):
        path.write_bytes(whole[:length])
        with pytest.raises(DatasetCorrupt, match=r"train_32x32\.mat cannot be read"):
            load_svhn(tmp_path)
    scipy.io.savemat(path, {"y": np.ones(1)})
    with pytest.raises(DatasetCorrupt, match="it has no array X"):
        load_svhn(tmp_path)


def test_svhn_is_nowhere(tmp_path: Path):
    write_svhn(tmp_path, "train")
    with pytest.raises(DatasetMissing, match=r"lacks test_32x32\.mat (.|\n)*246 MB.*data svhn\n"):
        load_svhn(tmp_path)


# ---------------------------------------------------------------------------------- Frey faces
def test_frey(tmp_path: Path):
    faces = pixels(5, 28, 20)
    rows = faces.reshape(5, -1)
    scipy.io.savemat(tmp_path / "frey_rawface.mat", {"ff": rows.T})
    np.testing.assert_array_equal(load_frey(tmp_path).images, faces)
    (tmp_path / "frey").mkdir()
    np.savez(tmp_path / "frey" / "freyfaces.npz", X=rows)
    data = load_frey(tmp_path / "frey")
    np.testing.assert_array_equal(data.images, faces)
    assert "freyfaces" not in data.source and str(tmp_path) in data.source


@pytest.mark.parametrize("content", [{"X": pixels(5, 561)}, {"X": np.zeros((5, 560))}, {"Y": 1}])
def test_spoilt_frey(tmp_path: Path, content: dict[str, Any]):
    np.savez(tmp_path / "freyfaces.npz", **content)
    with pytest.raises(DatasetCorrupt, match="load_frey"):
        load_frey(tmp_path)
    scipy.io.savemat(tmp_path / "frey_rawface.mat", {"ff": content.get("X", np.ones(2)).T})
    with pytest.raises(DatasetCorrupt, match="load_frey"):
        load_frey(tmp_path)


def test_npz_files_cut_short(tmp_path: Path):
    np.savez(tmp_path / "freyfaces.npz", X=pixels(5, 560))
    whole = (tmp_path / "freyfaces.npz").read_bytes()
    for length in (0, 10, 1000):
        (tmp_path / "freyfaces.npz").write_bytes(whole[:length])
        with pytest.raises(DatasetCorrupt, match="cannot be read"):
            load_frey(tmp_path)


def test_real_frey(real: Callable[[str], Path]):
    faces = load_frey(real("freyface")).images
    assert faces.shape == (1965, 28, 20)
    # Neighbours are alike: frames of the video, and rows of an image that is read row by row.
    for axis, most in ((0, 0.6), (1, 0.6)):
        change = np.abs(np.diff(faces.astype(int), axis=axis)).mean()
        other = np.roll(faces.astype(int), faces.shape[axis] // 2, axis)
        assert change < most * np.abs(faces - other).mean()


# ------------------------------------------------------------------------------------- FER2013
FACES = pixels(6, 48, 48)
USAGES = ("Training", "PublicTest", "Training", "PrivateTest", "PrivateTest", "Training")
EMOTIONS = (3, 0, 6, 1, 4, 5)
NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def table(order: str = "emotion,pixels,Usage", **changes: str) -> str:
    lines = [order]
    for face, usage, emotion in zip(FACES, USAGES, EMOTIONS, strict=True):
        values = {"emotion": emotion, "pixels": " ".join(map(str, face.ravel())), "Usage": usage}
        row = {**values, **changes}
        lines.append(",".join(str(row[name.strip()]) for name in order.split(",")))
    return "\n".join(lines) + "\n"


def pictures(change: str = "", ending: str = "png") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for k, (face, usage, emotion) in enumerate(zip(FACES, USAGES, EMOTIONS, strict=True)):
        part = "train" if usage == "Training" else "test"
        found[f"{part}/{NAMES[emotion]}{change}/{usage}_{k * k}.{ending}"] = encoded(face)
    return found


def write_fer(folder: Path, kind: str) -> None:
    if kind == "fer2013.tar.gz":
        write_tar(folder / kind, {"fer2013/README": b"", "fer2013/fer2013.csv": table().encode()})
    elif kind == "fer2013.zip":
        with zipfile.ZipFile(folder / kind, "w") as archive:
            for name, content in pictures().items():
                archive.writestr(name, content)
    else:
        path = folder / kind
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            table("emotion, Usage, pixels" if "icml" in kind else "emotion,pixels,Usage")
        )


@pytest.mark.parametrize(
    "kind",
    ["fer2013.csv", "fer2013/fer2013.csv", "icml_face_data.csv", "fer2013.tar.gz", "fer2013.zip"],
)
def test_fer2013(tmp_path: Path, kind: str):
    write_fer(tmp_path, kind)
    data = load_fer2013(tmp_path)
    np.testing.assert_array_equal(data.train_images, FACES[[0, 2, 5]])
    np.testing.assert_array_equal(data.valid_images, FACES[[1]])
    np.testing.assert_array_equal(data.test_images, FACES[[3, 4]])
    assert data.train_labels.tolist() == [3, 6, 5]
    assert data.valid_labels.tolist() == [0] and data.test_labels.tolist() == [1, 4]
    assert data.classes[3] == "happy"
    assert "3 of the 28,709 training images" in data.source


def test_unpacked_pictures(tmp_path: Path):
    """Pillow does not mind that these are PNG."""
    for name, content in pictures(ending="jpg").items():
        path = tmp_path / "fer2013" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    data = load_fer2013(tmp_path)
    np.testing.assert_array_equal(data.train_images, FACES[[0, 2, 5]])
    assert data.test_labels.tolist() == [1, 4] and data.valid_labels.tolist() == [0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "'Usage' is not in list"),
        ("emotion,pixels\n1,2\n", "line 1 .* 'Usage' is not in list"),
        (table(pixels="1 2 3"), r"line 2 .*cannot reshape array of size 3(.|\n)*2,304 numbers"),
        (table(pixels="256 " * 2304), "line 2 "),
        (table(emotion="7"), "usage 'Training' and emotion 7"),
        (table(emotion="?"), "line 2 "),
        (table(Usage="Else"), "usage 'Else'"),
        (table(Usage="Training"), "0 labels for 0 images"),
        (table()[:9000], "line 3 .* list index out of range"),
    ],
)
def test_spoilt_tables(tmp_path: Path, content: str, says: str):
    (tmp_path / "fer2013.csv").write_text(content)
    with pytest.raises(DatasetCorrupt, match=says):
        load_fer2013(tmp_path)


def test_spoilt_pictures(tmp_path: Path):
    spoilt = {
        r"a picture test/angryx/PublicTest_1\.png": pictures("x"),
        r"train/sad/Training_1\.png in .* has 4 x 5 pixels": {
            "train/sad/Training_1.png": encoded(pixels(4, 5))
        },
        r"Training_1\.png in .* is no picture": {"train/sad/Training_1.png": b"?"},
    }
    for says, files in spoilt.items():
        with zipfile.ZipFile(tmp_path / "fer2013.zip", "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        with pytest.raises(DatasetCorrupt, match=says):
            load_fer2013(tmp_path)
    write_tar(tmp_path / "t" / "fer2013.tar.gz", {"fer2013/README": b""})
    with pytest.raises(DatasetCorrupt, match=r"lacks fer2013\.csv"):
        load_fer2013(tmp_path / "t")


def test_fer2013_says_how_to_get_it(tmp_path: Path):
    with pytest.raises(
        DatasetMissing, match=r"Sign in at Kaggle(.|\n)*Put it into a folder fer2013"
    ):
        load_fer2013(tmp_path)


@pytest.mark.slow
def test_real_fer2013(real: Callable[[str], Path]):
    data = load_fer2013(real("fer2013"))
    assert np.bincount(data.train_labels).tolist() == [1000, 436, 1000, 1000, 1000, 1000, 1000]
    assert np.bincount(data.test_labels).tolist() == [491, 55, 528, 879, 594, 416, 626]


# --------------------------------------------------------------------------------- photographs
PHOTOGRAPHS = {
    f"{part}/{k}.jpg": encoded(np.full((321, 481, 3), 40 * k + len(part), np.uint8), "JPEG")
    for part in ("train", "val", "test")
    for k in range(3)
}


@pytest.mark.parametrize("top", ["BSR/BSDS500/data/", "BSDS500/data/", "data/", "", "archive"])
def test_bsds500(tmp_path: Path, top: str):
    folder = tmp_path / "bsds500"
    if top == "archive":
        files = {f"BSR/BSDS500/data/images/{name}": each for name, each in PHOTOGRAPHS.items()}
        files["BSR/BSDS500/data/groundTruth/train/1.mat"] = b""
        write_tar(folder / "BSR_bsds500.tgz", files)
    else:
        for name, content in PHOTOGRAPHS.items():
            path = folder / f"{top}images/{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    data = load_bsds500(tmp_path)
    parts = data.train_images, data.valid_images, data.test_images
    for part, images in zip(("train", "val", "test"), parts, strict=True):
        assert [image.shape for image in images] == [(321, 481, 3)] * 3
        for k, image in enumerate(images):
            assert np.abs(image.astype(int) - 40 * k - len(part)).max() <= 2
    assert "3 + 3 + 3 photographs" in data.source


def test_photographs_in_a_folder(tmp_path: Path):
    with pytest.raises(DatasetMissing, match="there is no folder"):
        load_photographs(tmp_path / "nowhere")
    with pytest.raises(DatasetMissing, match=r"has no pictures\n.*\.jpg"):
        load_photographs(tmp_path)
    image = pixels(3, 4, 3)
    (tmp_path / "b.PNG").write_bytes(encoded(image))
    (tmp_path / "a.webp").write_bytes(encoded(image[:2], "WEBP"))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "grey.png").write_bytes(encoded(image[..., 0]))
    data = load_photographs(str(tmp_path))
    assert [each.shape for each in data.train_images] == [(2, 4, 3), (3, 4, 3), (3, 4, 3)]
    np.testing.assert_array_equal(data.train_images[1], image)
    assert "3 photographs" in data.source
    (tmp_path / "c.jpg").write_bytes(PHOTOGRAPHS["train/1.jpg"][:-80])
    with pytest.raises(DatasetCorrupt, match=r"c\.jpg is no picture, or cut short"):
        load_photographs(tmp_path)
    (tmp_path / "c.jpg").write_bytes(PHOTOGRAPHS["train/1.jpg"])
    assert "1 of its photographs" in load_bsds500(tmp_path).source
    (tmp_path / "d.jpg").write_bytes(encoded(image, "JPEG"))
    with pytest.raises(DatasetCorrupt, match=r"d\.jpg has 3 x 4 pixels\n.*load_photographs"):
        load_bsds500(tmp_path)


def test_spoilt_archive_of_photographs(tmp_path: Path):
    write_tar(tmp_path / "BSR_bsds500.tgz", {"images/train/1.jpg": PHOTOGRAPHS["train/1.jpg"]})
    with pytest.raises(DatasetCorrupt, match="no photographs in images/val, images/test"):
        load_bsds500(tmp_path)


def test_photographs_of_scikit_learn():
    if importlib.util.find_spec("sklearn") is None:
        pytest.skip("scikit-learn is not installed")
    data = load_bsds500()
    assert [image.shape for image in data.train_images] == [(427, 640, 3)] * 2
    assert "not BSDS500" in data.source


def test_real_photographs(real: Callable[[str], Path]):
    data = load_bsds500(real("bsds500"))
    assert len(data.train_images) == 100
    assert {image.shape for image in data.train_images} == {(321, 481, 3), (481, 321, 3)}


# ------------------------------------------------------------------------------------ Chars74K
def test_chars74k(tmp_path: Path):
    base = "English/Img/GoodImg/Bmp"
    image = pixels(7, 9, 3)
    files = {
        f"{base}/Sample001/img001-00002.png": encoded(np.full((7, 9, 3), 9, np.uint8)),
        f"{base}/Sample010/img010-00001.png": encoded(image),
        f"{base}/Sample011/img011-00001.png": encoded(image),
        "English/Img/BadImag/Bmp/Sample002/img002-00001.png": encoded(image),
    }
    write_tar(tmp_path / "chars74k" / "EnglishImg.tgz", files)
    data = load_chars74k(tmp_path)
    assert data.images.shape == (2, 100, 100, 3) and data.labels.tolist() == [0, 9]
    assert (data.images[0] == 9).all()
    expected = np.asarray(Image.fromarray(image).resize((100, 100), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(data.images[1], expected)
    write_tar(tmp_path / "none" / "EnglishImg.tgz", {"English/README": b""})
    with pytest.raises(DatasetCorrupt, match="0 labels for 0 images"):
        load_chars74k(tmp_path / "none")


def test_real_chars74k(real: Callable[[str], Path]):
    data = load_chars74k(real("chars74k_digits"))
    assert data.images.shape == (593, 100, 100, 3)
    assert np.bincount(data.labels).tolist() == [105, 79, 70, 50, 47, 64, 64, 48, 32, 34]
