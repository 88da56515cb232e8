"""Films: whole ones and parts, blocks of space and time, folders of them, KTH, tracking."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from PIL import Image

from agnesi.datasets import (
    DatasetCorrupt,
    DatasetError,
    DatasetMissing,
    action_of,
    find_clips,
    load_clip,
    load_kth,
    load_tracking,
    video_patches,
)
from tests.datasets.films import film, numbers, write

if TYPE_CHECKING:
    from pathlib import Path

# ------------------------------------------------------------------------------------------- clips


@pytest.mark.parametrize("name", ["film.avi", "film.mp4", "film.mkv"])
def test_a_whole_film(tmp_path: Path, name: str):
    clip = load_clip(write(tmp_path / name, film(12)), grey=True)
    assert clip.frames.shape == (12, 24, 32) and clip.frames.dtype == np.uint8
    assert numbers(clip.frames) == list(range(12))
    assert clip.rate == 25


def test_parts_and_sizes(tmp_path: Path):
    path = write(tmp_path / "film.avi", film(20))
    assert numbers(load_clip(path, grey=True, start=5, stop=9).frames) == [5, 6, 7, 8]
    assert numbers(load_clip(str(path), grey=True, start=3, step=4).frames) == [3, 7, 11, 15, 19]
    assert numbers(load_clip(path, grey=True, start=3, stop=12, step=4).frames) == [3, 7, 11]
    small = load_clip(path, grey=True, size=(12, 10), stop=2).frames
    assert small.shape == (2, 12, 10) and numbers(small) == [0, 1]


def test_colours(tmp_path: Path):
    frames = np.zeros((6, 32, 32, 3), np.uint8)
    frames[..., 0] = 200
    frames[:, :, 16:, 1] = 200
    clip = load_clip(write(tmp_path / "film.avi", frames))
    assert clip.frames.shape == (6, 32, 32, 3)
    assert np.abs(clip.frames[2, 16, 4].astype(int) - [200, 0, 0]).max() < 12
    assert np.abs(clip.frames[2, 16, 28].astype(int) - [200, 200, 0]).max() < 12


def test_spoilt_films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = write(tmp_path / "whole.avi", film(50)).read_bytes()
    for name, content, words in (
        ("cut.avi", whole[: len(whole) // 2], r"cut\.avi is cut short\n  its header says [\d,]+ b"),
        ("none.avi", b"RIFF\x04\0\0\0AVI ", r"none\.avi is no film, or cut short"),
        ("text.mp4", b"no film", r"text\.mp4 is no film, or cut short"),
        ("empty.mp4", b"", r"empty\.mp4 is no film, or cut short"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetCorrupt, match=words):
            load_clip(tmp_path / name)
    moving = write(tmp_path / "whole.mkv", film(200)).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(moving[: len(moving) // 2])
    with pytest.raises(DatasetCorrupt, match="asked: 200 frames at least\n  given: "):
        load_clip(tmp_path / "cut.mkv", stop=200)
    with pytest.raises(
        DatasetCorrupt, match=r"asked: 60 frames at least \(its header promises 50\)\n  given: 50"
    ):
        load_clip(tmp_path / "whole.avi", start=10, stop=60)
    with pytest.raises(DatasetCorrupt, match="ends too soon\n  asked: 51 frames at least"):
        load_clip(tmp_path / "whole.avi", start=50)
    soundfile.write(str(tmp_path / "sound.wav"), np.zeros(999), 8_000)
    with pytest.raises(DatasetCorrupt, match="has no pictures"):
        load_clip(tmp_path / "sound.wav")
    with pytest.raises(DatasetMissing, match="cannot be read: No such file"):
        load_clip(tmp_path / "nowhere.avi")
    with pytest.raises(DatasetMissing, match="cannot be read: Is a directory"):
        load_clip(tmp_path)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DatasetMissing, match=r'PyAV[\s\S]*pip install "agnesi\[papers\]"'):
        load_clip(tmp_path / "whole.avi")


@pytest.mark.parametrize(
    "asked", [{"start": -1}, {"step": 0}, {"start": 5, "stop": 5}, {"size": (0, 4)}]
)
def test_frames_that_cannot_be(tmp_path: Path, asked):
    with pytest.raises(DatasetError, match="start >= 0"):
        load_clip(tmp_path / "any.avi", **asked)


# ------------------------------------------------------------------------------------------ blocks


def test_blocks_are_of_their_film(tmp_path: Path):
    frames = np.random.default_rng(0).integers(0, 256, (14, 20, 30)).astype(np.uint8)
    blocks = video_patches([frames], 200, rng=1, frames=5, size=8)
    assert blocks.shape == (200, 5, 8, 8)
    windows = np.lib.stride_tricks.sliding_window_view(frames, (5, 8, 8))
    everywhere = {window.tobytes() for window in windows.reshape(-1, 5 * 8 * 8)}
    found = {block.tobytes() for block in blocks}
    assert found <= everywhere
    assert len(found) > 180
    # The first and the last place are drawn too.
    one = video_patches([frames[:5, :9, :8]], 64, rng=1, frames=5, size=8)
    assert {block.tobytes() for block in one} == {
        window.tobytes() for window in windows[0, :2, :1].reshape(-1, 5 * 8 * 8)
    }


def test_blocks_in_colour():
    frames = np.random.default_rng(0).integers(0, 256, (6, 9, 9, 3)).astype(np.uint8)
    blocks = video_patches([frames], 40, rng=0, frames=6, size=9)
    assert blocks.shape == (40, 6, 9, 9, 3)
    np.testing.assert_array_equal(blocks[3], frames)


def test_blocks_of_several_films(tmp_path: Path):
    paths = [
        write(tmp_path / f"{k}.avi", np.full((10, 24, 24), 60 * k, np.uint8)) for k in range(3)
    ]
    blocks = video_patches(paths, 20, rng=3)
    kinds = np.rint(blocks.mean((1, 2, 3)) / 60).astype(int)
    assert np.bincount(kinds).tolist() == [7, 7, 6]
    assert (np.diff(kinds) != 0).sum() > 3  # mixed
    np.testing.assert_array_equal(blocks, video_patches(paths, 20, rng=3))
    assert (blocks != video_patches(paths, 20, rng=4)).any()
    assert len(video_patches(paths, 2, rng=3)) == 2


def test_blocks_that_cannot_be():
    grey, colour = np.zeros((10, 20, 20), np.uint8), np.zeros((10, 20, 20, 3), np.uint8)
    for call, words in (
        (lambda: video_patches([], 5, 0), "Each must be positive"),
        (lambda: video_patches([grey], 0, 0), "Each must be positive"),
        (lambda: video_patches([grey], 5, 0, frames=11), r"clip 0 has shape \(10, 20, 20\)"),
        (lambda: video_patches([grey, colour[:, :15]], 5, 0), "clip 1 has shape .*too small"),
        (lambda: video_patches([grey[0]], 5, 0), "too small"),
        (lambda: video_patches([grey, colour], 5, 0), "clip 1 is in colour"),
    ):
        with pytest.raises(DatasetError, match=words):
            call()


# ----------------------------------------------------------------------------------------- folders


def test_classes_of_films(tmp_path: Path):
    names = (
        "wave/b.avi",
        "jump/a.AVI",
        "v_HorseRiding_g01_c07.avi",
        "a_ride_bike_f_nm_np1_fr_med_3.avi",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "wave" / "b.txt").write_bytes(b"")
    found = find_clips(tmp_path)
    assert [path.name for path in found.paths] == [
        "a_ride_bike_f_nm_np1_fr_med_3.avi",
        "a.AVI",
        "v_HorseRiding_g01_c07.avi",
        "b.avi",
    ]
    assert [found.classes[k] for k in found.labels] == ["ride_bike", "jump", "HorseRiding", "wave"]
    assert find_clips(tmp_path / "wave").classes == ("wave",)
    own = find_clips(tmp_path, lambda path: path.stem if len(path.stem) == 1 else None)
    assert own.classes == ("a", "b") and own.labels.tolist() == [0, 1]
    with pytest.raises(DatasetMissing, match="no such folder"):
        find_clips(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetMissing, match="there are no films"):
        find_clips(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("hmdb51_Turnk_r_Pippi_Michel_cartwheel_f_cm_np2_le_med_6.avi", "cartwheel"),
        ("The_Ride_shoot_bow_u_nm_np1_fr_goo_11.avi", "shoot_bow"),
        ("April_09_brush_hair_u_nm_np1_ba_goo_0.avi", "brush_hair"),
        ("sword_dance_sword_h_nm_np1_ri_bad_2.avi", "sword"),
        ("A_ride_jump_f_nm_np1_ri_bad_2.avi", "jump"),
        ("(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi", "cartwheel"),
        ("#2_Gum_chew_h_nm_np1_fr_goo_0.avi", "chew"),
    ],
)
def test_actions_in_names(name: str, action: str):
    assert action_of(name) == action


def test_names_without_actions():
    assert action_of("holiday.avi") is None
    assert action_of("v_.avi") is None


# --------------------------------------------------------------------------------------------- KTH

LIST = """\
This database contains sequences of six actions (see below).

 Training:   person11, 12, 13, 14, 15, 16, 17, 18
 Validation: person19, 20, 21, 23, 24, 25, 01, 04
 Test:       person22, 02, 03, 05, 06, 07, 08, 09, 10

person01_boxing_d1\t\tframes\t1-5, 6-10, 21-30
person01_boxing_d4\t\tframes\t1-106, 107-170, 171-245, 246-370
person02_walking_d2    \tframes\t1-8, 21-30, 9-20
person11_boxing_d3\tframes\t4-12,
person13_boxing_d3\t\t*missing*
person22_running_d1\tframes\t1-35
"""
FILMS = ("person01_boxing_d1", "person01_boxing_d4", "person02_walking_d2", "person11_boxing_d3")


def write_kth(folder: Path, sub: bool = True, films: tuple[str, ...] = FILMS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "00sequences.txt").write_text(LIST)
    for name in films:
        place = folder / name.split("_")[1] if sub else folder
        write(place / f"{name}_uncomp.avi", film(30))
    return folder


@pytest.mark.parametrize("sub", [True, False])
@pytest.mark.parametrize("below", ["", "kth"])
def test_kth(tmp_path: Path, sub: bool, below: str):
    found = load_kth(write_kth(tmp_path / below, sub).parent if below else write_kth(tmp_path, sub))
    assert [(s.person, s.action, s.setting, s.start, s.stop) for s in found.sequences] == [
        (1, "boxing", 1, 0, 5),
        (1, "boxing", 1, 5, 10),
        (1, "boxing", 1, 20, 30),
        (1, "boxing", 4, 0, 106),
        (1, "boxing", 4, 106, 170),
        (1, "boxing", 4, 170, 245),
        (2, "walking", 2, 0, 8),
        (2, "walking", 2, 20, 30),
        (2, "walking", 2, 8, 20),
        (11, "boxing", 3, 3, 12),
    ]
    assert [s.label for s in found.sequences] == [0] * 6 + [5] * 3 + [0]
    assert {s.person for s in found.train} == {11}
    assert {s.person for s in found.valid} == {1}
    assert {s.person for s in found.test} == {2}
    assert numbers(found.train[0].clip().frames) == list(range(3, 12))
    assert numbers(found.test[1].clip(size=(12, 16), step=3).frames) == [20, 23, 26, 29]
    assert "10 sequences of 2 actions" in found.source
    with pytest.raises(DatasetCorrupt, match=r"d4_uncomp\.avi ends too soon[\s\S]*given: 30\n"):
        found.valid[3].clip()


def test_parts_of_kth_are_all_persons():
    from agnesi.datasets import kth

    assert sorted(kth._TRAIN + kth._VALID + kth._TEST) == list(range(1, 26))


def test_kth_that_is_none(tmp_path: Path):
    with pytest.raises(DatasetMissing, match=r"00sequences\.txt[\s\S]*boxing\.zip"):
        load_kth(tmp_path)
    write_kth(tmp_path, films=FILMS[:2])
    with pytest.raises(
        DatasetMissing, match=r"lacks 1 films, first person11_boxing_d3_uncomp\.avi"
    ):
        load_kth(tmp_path)
    for line in ("person01_boxing_d1 frames 5-1", "person01_boxing_d1 1-5", "person01_hop_d1 fra"):
        (tmp_path / "00sequences.txt").write_text(f"text\n{line}\n")
        with pytest.raises(DatasetCorrupt, match=f"line 2 of .* is '{line}'"):
            load_kth(tmp_path)
    (tmp_path / "00sequences.txt").write_text("text\n")
    with pytest.raises(DatasetCorrupt, match="lists no sequence of the 2 films"):
        load_kth(tmp_path)


# ---------------------------------------------------------------------------------------- tracking


def write_tracking(
    folder: Path, boxes: str = "5,3,4,6\n6\t3\t4\t6\n7 3 4 6\n", count: int = 3
) -> Path:
    (folder / "img").mkdir(parents=True, exist_ok=True)
    (folder / "groundtruth_rect.txt").write_text(boxes)
    for number in range(1, count + 1):
        picture = np.full((20, 30, 3), 10 * number, np.uint8)
        Image.fromarray(picture).save(folder / "img" / f"{number:04}.jpg", quality=100)
    return folder


def test_tracking(tmp_path: Path):
    found = load_tracking(write_tracking(tmp_path))
    assert found.frames.shape == (3, 20, 30, 3)
    assert found.frames[:, 0, 0, 0].tolist() == [10, 20, 30]
    assert found.boxes.tolist() == [[4, 2, 4, 6], [5, 2, 4, 6], [6, 2, 4, 6]]
    assert load_tracking(tmp_path, grey=True).frames.shape == (3, 20, 30)


def test_tracking_of_a_part_and_of_several_targets(tmp_path: Path):
    write_tracking(tmp_path, count=9)
    with pytest.raises(DatasetCorrupt, match=r"3 boxes\n.*9 pictures from number 1"):
        load_tracking(tmp_path)
    found = load_tracking(tmp_path, first=5)
    assert found.frames[:, 0, 0, 0].tolist() == [50, 60, 70]
    (tmp_path / "groundtruth_rect.txt").rename(tmp_path / "groundtruth_rect.2.txt")
    assert load_tracking(tmp_path, first=5, target=2).boxes[0].tolist() == [4, 2, 4, 6]
    with pytest.raises(DatasetMissing, match=r"boxes there: groundtruth_rect\.2\.txt"):
        load_tracking(tmp_path)


def test_tracking_that_is_none(tmp_path: Path):
    with pytest.raises(DatasetMissing, match=r"lacks groundtruth_rect\.txt[\s\S]*there: none"):
        load_tracking(tmp_path)
    with pytest.raises(DatasetError, match="first must be positive"):
        load_tracking(tmp_path, first=0)
    write_tracking(tmp_path, "1,2,3\n")
    with pytest.raises(DatasetCorrupt, match=r"line 1 of .* is '1,2,3'"):
        load_tracking(tmp_path)
    write_tracking(tmp_path)
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(tmp_path / "img" / "0002.jpg")
    with pytest.raises(DatasetCorrupt, match=r"one size\n.*\(20, 30, 3\)\n.*0002.jpg: \(9, 9, 3\)"):
        load_tracking(tmp_path)
    (tmp_path / "img" / "0002.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetCorrupt, match=r"0002\.jpg is no picture"):
        load_tracking(tmp_path)


# --------------------------------------------------------------------------------------- real data


def test_real_films(real):
    folder = real("video_actions")
    found = find_clips(folder)
    assert {"wave", "cartwheel", "SoccerJuggling"} < set(found.classes)
    clip = load_clip(folder / "TrumanShow_wave_f_nm_np1_fr_med_26.avi", grey=True)
    assert clip.frames.shape == (48, 240, 432)
    assert 20 < clip.frames.mean() < 200
    part = load_clip(folder / "SOX5yA1l24A.mp4", size=(120, 160), start=10, stop=20)
    assert part.frames.shape == (10, 120, 160, 3)
    assert part.frames.std() > 10
    # A film of the real world in the form of KTH: it moves, but not much from frame to frame.
    blocks = video_patches([clip.frames], 50, rng=0).astype(float)
    within = np.abs(np.diff(blocks, axis=1)).mean()
    between = np.abs(blocks[1:] - blocks[:-1]).mean()
    assert 0 < within < between / 2


def test_a_real_film_in_the_form_of_kth(real, tmp_path: Path):
    """KTH is not to be had here: a film of someone who waves, cut as KTH's list would cut it."""
    (tmp_path / "person12_handwaving_d3_uncomp.avi").symlink_to(
        real("video_actions") / "TrumanShow_wave_f_nm_np1_fr_med_26.avi"
    )
    (tmp_path / "00sequences.txt").write_text("person12_handwaving_d3\tframes\t1-20, 21-48\n")
    first, second = load_kth(tmp_path).train
    assert (first.action, first.setting, second.person) == ("handwaving", 3, 12)
    assert first.clip(size=(120, 160)).frames.shape == (20, 120, 160)
    whole = load_clip(first.path, grey=True).frames
    np.testing.assert_array_equal(second.clip().frames, whole[20:48])
    assert np.abs(np.diff(whole.astype(int), axis=0)).mean() > 0.5  # it moves


def test_real_tracking(real):
    found = load_tracking(real("tracking_crossing"))
    assert found.frames.shape == (120, 240, 360, 3)
    assert found.boxes[0].tolist() == [204, 150, 17, 50]
    right, bottom = (found.boxes[:, :2] + found.boxes[:, 2:]).max(0)
    assert right <= 360 and bottom <= 240 and found.boxes.min() >= 0
