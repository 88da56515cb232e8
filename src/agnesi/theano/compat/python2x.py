"""What Python 2 lacked."""

from collections import OrderedDict as OrderedDict
