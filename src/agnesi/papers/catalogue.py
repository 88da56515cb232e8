"""The nine papers."""

from __future__ import annotations

import difflib

from agnesi.papers.errors import UnknownPaper
from agnesi.papers.paper import Paper

PAPERS = (
    Paper(
        name="zae",
        title="Zero-bias autoencoders and the benefits of co-adapting features",
        authors="K. Konda, R. Memisevic, D. Krueger",
        year=2014,
        arxiv="1402.3337",
        claim="Regularised autoencoders learn negative biases, which harm them on data of many "
        "dimensions; units with a threshold in the place of a bias do not.",
        data="CIFAR-10",
        quick="8 minutes",
        stand_ins=("mnist", "fashion_mnist"),
        module="agnesi.papers.zae",
    ),
    Paper(
        name="zlin",
        title="How far can we go without convolution: Improving fully-connected networks",
        authors="Z. Lin, R. Memisevic, K. Konda",
        year=2015,
        arxiv="1511.02580",
        claim="Linear layers between, and pre-training as zero-bias autoencoders, make deep fully "
        "connected networks good at images.",
        data="CIFAR-10",
    ),
    Paper(
        name="conservative",
        title="Conservativeness of untied auto-encoders",
        authors="D. J. Im, M. I. D. Belghazi, R. Memisevic",
        year=2015,
        arxiv="1506.07643",
        claim="Training with noise or contraction makes the field of an untied autoencoder nearly "
        "the gradient of an energy.",
        data="curves in the plane (generated), MNIST",
    ),
    Paper(
        name="dvae",
        title="Denoising Criterion for Variational Auto-Encoding Framework",
        authors="D. J. Im, S. Ahn, R. Memisevic, Y. Bengio",
        year=2015,
        arxiv="1511.06406",
        claim="A variational autoencoder that sees corrupted inputs learns a better model.",
        data="MNIST, Frey faces",
    ),
    Paper(
        name="few-multiplications",
        title="Neural Networks with Few Multiplications",
        authors="Z. Lin, M. Courbariaux, R. Memisevic, Y. Bengio",
        year=2015,
        arxiv="1510.03009",
        claim="Binary or ternary weights and gradients of powers of two train as well as, or "
        "better than, full precision.",
        data="MNIST, CIFAR-10, SVHN",
    ),
    Paper(
        name="dropout-augmentation",
        title="Dropout as data augmentation",
        authors="X. Bouthillier, K. Konda, P. Vincent, R. Memisevic",
        year=2015,
        arxiv="1506.08700",
        claim="Training without noise on inputs that dropout's noise was projected back to does "
        "as well as dropout.",
        data="MNIST, CIFAR-10",
    ),
    Paper(
        name="norm-stabilizer",
        title="Regularizing RNNs by Stabilizing Activations",
        authors="D. Krueger, R. Memisevic",
        year=2015,
        arxiv="1511.08400",
        claim="A penalty on changes of the hidden state's norm keeps recurrent networks stable "
        "far beyond the length that they were trained on.",
        data="Penn Treebank, TIMIT",
    ),
    Paper(
        name="ratm",
        title="RATM: Recurrent Attentive Tracking Model",
        authors="S. E. Kahou, V. Michalski, R. Memisevic, C. Pal, P. Vincent",
        year=2015,
        arxiv="1510.08660",
        claim="A recurrent network that sees soft glimpses learns to track by gradient descent.",
        data="bouncing balls and moving digits (generated), KTH",
    ),
    Paper(
        name="emonets",
        title="EmoNets: Multimodal deep learning approaches for emotion recognition in video",
        authors="S. E. Kahou, X. Bouthillier, P. Lamblin, C. Gulcehre and others",
        year=2015,
        arxiv="1503.01800",
        claim="Several specialists for faces, sound and motion together recognise emotions far "
        "better than the best of them.",
        data="AFEW, Toronto Face Database, FER-2013",
    ),
)


def find_paper(name: str) -> Paper:
    """Return the paper of a name.

    Raises:
        UnknownPaper: there is none.

    >>> find_paper("zae").arxiv
    '1402.3337'
    """
    for paper in PAPERS:
        if name in (paper.name, paper.arxiv):
            return paper
    names = [paper.name for paper in PAPERS]
    near = difflib.get_close_matches(name.lower(), names, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(names)}."
    raise UnknownPaper(f"run: there is no paper {name!r}\n  {hint}")
