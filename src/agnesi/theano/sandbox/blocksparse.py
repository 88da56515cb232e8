"""Products of blocks, under the path of early programs."""

from agnesi.theano.tensor.nnet.blocksparse import SparseBlockGemv as SparseBlockGemv
from agnesi.theano.tensor.nnet.blocksparse import SparseBlockOuter as SparseBlockOuter
from agnesi.theano.tensor.nnet.blocksparse import sparse_block_dot as sparse_block_dot
from agnesi.theano.tensor.nnet.blocksparse import sparse_block_gemv as sparse_block_gemv
from agnesi.theano.tensor.nnet.blocksparse import sparse_block_outer as sparse_block_outer
