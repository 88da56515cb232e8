"""Names that moved."""

import builtins as _b
import builtins as builtins
import configparser as configparser
import pickle as cPickle  # noqa: F401 - its old name
import queue as queue
from functools import reduce as reduce
from io import StringIO as StringIO
from itertools import zip_longest as zip_longest

filter, input, map, range, xrange, zip = _b.filter, _b.input, _b.map, _b.range, _b.range, _b.zip
cStringIO = StringIO
