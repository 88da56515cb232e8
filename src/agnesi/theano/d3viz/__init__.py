"""Graphs as pages that a browser shows: moved, zoomed and opened by hand."""

from agnesi.theano.d3viz.d3viz import d3viz as d3viz
from agnesi.theano.d3viz.d3viz import d3write as d3write

has_requirements = True
