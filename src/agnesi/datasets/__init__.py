"""Real data for the demo, the examples and the papers.

A loader reads the folder that the caller or ``$AGNESI_DATA`` names, what was downloaded before, or
what an installed package ships; it downloads only where it is told to.  ``agnesi data`` lists the
data sets.  Start at :mod:`agnesi.datasets.dataset`; texts and what makes numbers of them are in
:mod:`agnesi.datasets.text`.
"""

from agnesi.datasets.balls import Balls, bouncing_balls
from agnesi.datasets.catalogue import DATASETS
from agnesi.datasets.chars74k import Chars74k, load_chars74k
from agnesi.datasets.cifar import Cifar100, load_cifar10, load_cifar100
from agnesi.datasets.clips import LabelledClips, action_of, find_clips
from agnesi.datasets.dataset import Dataset, Found, Layout, Package
from agnesi.datasets.download import Download
from agnesi.datasets.errors import DatasetCorrupt, DatasetError, DatasetMissing
from agnesi.datasets.faces import Fer2013, load_fer2013, load_frey
from agnesi.datasets.idx import read_idx
from agnesi.datasets.images import Images, LabelledImages, Photographs
from agnesi.datasets.kth import Kth, KthSequence, load_kth
from agnesi.datasets.manifolds import Manifold, manifold
from agnesi.datasets.mnist import load_fashion_mnist, load_mnist
from agnesi.datasets.moving import MovingDigits, moving_digits
from agnesi.datasets.phones import PHONES_61, fold_phones, phone_classes, phone_set
from agnesi.datasets.photographs import load_bsds500, load_photographs
from agnesi.datasets.ptb import load_ptb
from agnesi.datasets.sound import Sound, load_sound
from agnesi.datasets.sounds import LabelledSounds, load_emodb, load_sounds
from agnesi.datasets.svhn import load_svhn, load_svhn_extra
from agnesi.datasets.text import Corpus, Streams, Vocabulary, load_text, words
from agnesi.datasets.text8 import load_text8
from agnesi.datasets.timit import Segments, Timit, Utterance, load_timit
from agnesi.datasets.tracking import TrackedSequence, load_tracking
from agnesi.datasets.video import Clip, load_clip, video_patches

__all__ = [
    "DATASETS",
    "PHONES_61",
    "Balls",
    "Chars74k",
    "Cifar100",
    "Clip",
    "Corpus",
    "Dataset",
    "DatasetCorrupt",
    "DatasetError",
    "DatasetMissing",
    "Download",
    "Fer2013",
    "Found",
    "Images",
    "Kth",
    "KthSequence",
    "LabelledClips",
    "LabelledImages",
    "LabelledSounds",
    "Layout",
    "Manifold",
    "MovingDigits",
    "Package",
    "Photographs",
    "Segments",
    "Sound",
    "Streams",
    "Timit",
    "TrackedSequence",
    "Utterance",
    "Vocabulary",
    "action_of",
    "bouncing_balls",
    "find_clips",
    "fold_phones",
    "load_bsds500",
    "load_chars74k",
    "load_cifar10",
    "load_cifar100",
    "load_clip",
    "load_emodb",
    "load_fashion_mnist",
    "load_fer2013",
    "load_frey",
    "load_kth",
    "load_mnist",
    "load_photographs",
    "load_ptb",
    "load_sound",
    "load_sounds",
    "load_svhn",
    "load_svhn_extra",
    "load_text",
    "load_text8",
    "load_timit",
    "load_tracking",
    "manifold",
    "moving_digits",
    "phone_classes",
    "phone_set",
    "read_idx",
    "video_patches",
    "words",
]
