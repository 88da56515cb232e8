"""Papers whose systems are rebuilt here, each with its claims as measured inequalities.

``agnesi papers`` lists them, ``agnesi run NAME`` runs one.  Start at
:mod:`agnesi.papers.catalogue`; a paper's module has ``run(request, notebook)``, which does its
experiments, cell by cell, and returns what they found.
"""

from agnesi.papers.catalogue import PAPERS, find_paper
from agnesi.papers.claims import Claim, verdict
from agnesi.papers.errors import FolderTaken, NotBuilt, PaperError, UnknownPaper
from agnesi.papers.findings import Beside, Findings, Picture, Table
from agnesi.papers.notebook import Cell, Interrupted, Notebook
from agnesi.papers.paper import Paper, Request
from agnesi.papers.running import Outcome, run_paper

__all__ = [
    "PAPERS",
    "Beside",
    "Cell",
    "Claim",
    "Findings",
    "FolderTaken",
    "Interrupted",
    "NotBuilt",
    "Notebook",
    "Outcome",
    "Paper",
    "PaperError",
    "Picture",
    "Request",
    "Table",
    "UnknownPaper",
    "find_paper",
    "run_paper",
    "verdict",
]
