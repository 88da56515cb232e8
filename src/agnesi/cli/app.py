"""The commands and their options."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from agnesi._version import __version__
from agnesi.cli.doctor import examine, is_broken, show
from agnesi.cli.packages import install_command
from agnesi.core.knobs import CACHE
from agnesi.datasets import DatasetError, load_mnist, load_ptb, load_text
from agnesi.runtime.cache import Cache, cache
from agnesi.training import TrainingError

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended

app = typer.Typer(
    name="agnesi",
    help="A mathematical compiler: array expressions to native code.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


_MnistFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder with the four MNIST files. Without it $AGNESI_DATA, else 5,000 digits.",
        show_default=False,
    ),
]


def _complain(console: Console, message: str, command: str) -> NoReturn:
    """Show what went wrong in a panel and exit with 1."""
    title = f"agnesi {command}"
    console.print(Panel(Text(message), title=title, border_style="red", expand=False))
    raise typer.Exit(1)


@contextmanager
def _complaining(command: str, *more: type[Exception]) -> Generator[None]:
    """Commands that train: see that they can draw; what goes wrong is one clean message."""
    complaints = Console(stderr=True)
    if find_spec("matplotlib") is None:
        _complain(
            complaints,
            f"{command} draws its results with matplotlib, not installed here\n"
            f"  {install_command('demo')}",
            command,
        )
    try:
        yield
    except (DatasetError, TrainingError, *more) as error:
        _complain(complaints, str(error), command)
    except OSError as error:
        message = f"the results cannot be written: {error}\n  Name another folder with --out."
        _complain(complaints, message, command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"agnesi {__version__}")
        raise typer.Exit


@app.callback()
def agnesi(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """A mathematical compiler: array expressions to native code."""
    del version


@app.command()
def doctor() -> None:
    """Look at the installation: what is there, what is missing, what makes it slow.

    Exits with 1 where something that agnesi needs is broken.
    """
    sections = examine()
    show(sections, Console())
    raise typer.Exit(1 if is_broken(sections) else 0)


kept = typer.Typer(
    name="cache", help="Machine code kept on disk from one run to the next.", no_args_is_help=True
)
app.add_typer(kept)


def _cache() -> Cache:
    found = cache()
    if found is None:
        typer.echo(
            f"there is no cache: {CACHE.variable} is 0, or this user has no home\n"
            f"  set {CACHE.variable} to a folder",
            err=True,
        )
        raise typer.Exit(1)
    return found


@kept.command("path")
def cache_path() -> None:
    """Print the folder that the cache is in."""
    typer.echo(_cache().folder)


@kept.command("info")
def cache_info() -> None:
    """Print how much the cache holds."""
    info = _cache().info()
    typer.echo(info.folder)
    typer.echo(f"{info.entries:,} kernels, {info.bytes / 1e6:.1f} of {info.limit / 1e6:.0f} MB")


@kept.command("clear")
def cache_clear() -> None:
    """Remove all that the cache holds; what is needed again is compiled again."""
    held = _cache()
    typer.echo(f"{held.clear():,} kernels removed from {held.folder}")


@app.command()
def data(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Data sets to get and to look at."),
    ] = None,
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with data sets, each in a folder of its own. Without it $AGNESI_DATA, "
            "else the user's cache.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the data sets, and where they were found; with NAMES get these and read them.

    What is in no folder is downloaded from its makers, if they let a program do so; else it is
    said how to get it.
    """
    from agnesi.cli.data import get, listing

    console = Console()
    try:
        if names:
            get(names, data, console)
        else:
            console.print(listing(data))
    except DatasetError as error:
        _complain(Console(stderr=True), str(error), "data")


@app.command()
def demo(
    *,
    data: _MnistFolder = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/demo"),
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Times over the data; by its size 20 or 40.", show_default=False),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Digits in a minibatch; by the size 100 or 50.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the weights and the order.")] = 0,
    hidden: Annotated[int, typer.Option(min=1, help="Hidden units.")] = 500,
) -> None:
    """Train a network to read handwritten digits, and draw what it learnt.

    One hidden layer of rectified units, gradient descent with momentum, a rate that falls to
    zero, a little weight decay; each minibatch is shifted by up to a pixel each way.
    """
    with _complaining("demo"):
        digits = load_mnist(data)
        out.mkdir(parents=True, exist_ok=True)
        from agnesi.cli.demo import Recipe
        from agnesi.cli.results import run

        recipe = Recipe.for_examples(len(digits.train_labels), epochs, batch, hidden, seed)
        finished = run(digits, recipe, out, Console())
    raise typer.Exit(0 if finished else INTERRUPTED)


@app.command()
def lenet(
    *,
    data: _MnistFolder = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/lenet"),
    epochs: Annotated[int, typer.Option(min=1, help="Times over the data.")] = 20,
    batch: Annotated[int, typer.Option(min=1, help="Digits in a minibatch.")] = 64,
    seed: Annotated[
        int, typer.Option(min=0, help="Of weights, order, shifts, and who is held back.")
    ] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is in the folder.")
    ] = False,
) -> None:
    """Train LeNet-5, a convolutional network, to read handwritten digits.

    Adam with a rate that falls to zero; each digit is shifted by up to two pixels each way. The
    best epoch is chosen on a twelfth of the training digits, held back; the test digits are
    looked at once, at the end.
    """
    with _complaining("lenet"):
        from agnesi.cli.lenet import Recipe
        from agnesi.cli.lenet_results import run

        digits = load_mnist(data)
        out.mkdir(parents=True, exist_ok=True)
        recipe = Recipe(epochs=epochs, batch=batch, seed=seed)
        finished = run(digits, recipe, out, Console(), resume=resume)
    raise typer.Exit(0 if finished else INTERRUPTED)


@app.command()
def chars(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the files of Penn Treebank. Without it $AGNESI_DATA.",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        Path | None,
        typer.Option(help="Any text file instead, in UTF-8.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/chars"),
    cell: Annotated[
        Literal["lstm", "gru", "irnn", "rnn"], typer.Option(help="Kind of the recurrent units.")
    ] = "lstm",
    units: Annotated[int, typer.Option(min=1, help="Units of a layer.")] = 256,
    layers: Annotated[int, typer.Option(min=1, help="Recurrent layers.")] = 1,
    epochs: Annotated[int, typer.Option(min=1, help="Times over the text.")] = 2,
    batch: Annotated[int, typer.Option(min=1, help="Places of the text read side by side.")] = 32,
    steps: Annotated[int, typer.Option(min=1, help="Characters gradients go back through.")] = 64,
    rate: Annotated[
        float | None,
        typer.Option(min=0, help="Learning rate; by the cell.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the weights and the written text.")] = 0,
    temperature: Annotated[
        float, typer.Option(min=0.01, help="Of the written text: how much it dares.")
    ] = 0.8,
) -> None:
    """Train a recurrent network to write Penn Treebank, one character after the other.

    Adam with gradients clipped by their norm, truncated back-propagation through time, a rate
    that falls to zero; at the end the network writes a text.
    """
    with _complaining("chars"):
        from agnesi.cli.chars import CELLS, Recipe
        from agnesi.cli.chars_results import run

        recipe = Recipe(
            cell=cell,
            units=units,
            layers=layers,
            columns=batch,
            steps=steps,
            epochs=epochs,
            rate=CELLS[cell].rate if rate is None else rate,
            seed=seed,
        )
        corpus = load_ptb(data) if text is None else load_text(text)
        out.mkdir(parents=True, exist_ok=True)
        finished = run(corpus, recipe, temperature, out, Console())
    raise typer.Exit(0 if finished else INTERRUPTED)


@app.command()
def papers() -> None:
    """List the papers whose systems are rebuilt here, and which of them are there yet."""
    from agnesi.cli.papers import listing

    Console().print(listing())


@app.command("run")
def run_paper(
    name: Annotated[str, typer.Argument(help="Of the paper: agnesi papers lists them.")],
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with data sets. Without it $AGNESI_DATA, else what was downloaded.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Minutes; the default.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The paper's own settings.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results; by default runs/NAME.", show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in that folder.")
    ] = False,
    seeds: Annotated[
        str | None,
        typer.Option(help="Such as 0,1,2: all is done once with each.", show_default=False),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(help="To stand in for the paper's own, such as mnist.", show_default=False),
    ] = None,
) -> None:
    """Run a paper's experiments, and report whether its claims hold.

    Measures the claims as inequalities over several seeds, draws pictures, and writes report.md
    and results.json. Exits with 3 where the run ended, but a claim did not hold.
    """
    from agnesi.papers import Interrupted, PaperError, Request, find_paper

    with _complaining("run", PaperError):
        if quick and full:
            raise PaperError("run: --quick and --full exclude each other\n  Give one of them.")
        from agnesi.cli.papers import run

        paper = find_paper(name)
        request = Request(not full, _seeds(seeds, paper.seeds), data, dataset)
        folder = out or Path("runs") / paper.name
        try:
            code = run(paper, request, folder, Console(), resume=resume)
        except (Interrupted, KeyboardInterrupt):
            typer.echo("stopped by Ctrl-C; the same command with --resume goes on")
            code = INTERRUPTED
        raise typer.Exit(code)


def _seeds(text: str | None, default: tuple[int, ...]) -> tuple[int, ...]:
    """Seeds of an option.

    Raises:
        PaperError: they are no numbers.
    """
    from agnesi.papers import PaperError

    if text is None:
        return default
    words = text.replace(",", " ").split()
    if not words or not all(word.isdecimal() for word in words):
        raise PaperError(f"run: --seeds is {text!r}\n  Give numbers from 0 on, such as 0,1,2.")
    return tuple(int(word) for word in words)
