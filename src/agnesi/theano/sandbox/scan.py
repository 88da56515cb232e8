"""An old path of :mod:`agnesi.theano.scan_module`."""

from agnesi.theano.scan_module.scan import scan as scan
