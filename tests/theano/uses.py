"""One use of each name that two or more of 59 public code bases use.

Run by Theano 1.0.5 itself (``python uses.py uses.json``) it writes what Theano gives, which
test_names.py holds agnesi to.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

X = np.array([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5]])
Y = np.array([[1.0, 2.0, -1.0], [0.25, -2.0, 4.0]])
SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])
IMAGE = np.arange(32.0).reshape(1, 2, 4, 4) % 7 - 3
FILTERS = np.arange(24.0).reshape(3, 2, 2, 2) % 5 - 2
VOLUME = np.arange(64.0).reshape(1, 1, 4, 4, 4) % 9 - 4

# What a use may mention besides T and theano; each is an input of its function.
INPUTS = {
    "x": ("dmatrix", X),
    "y": ("dmatrix", Y),
    "v": ("dvector", Y[1]),
    "w": ("dvector", X[0]),
    "s": ("dscalar", np.array(1.5)),
    "a": ("dmatrix", SQUARE),
    "i": ("ivector", np.array([1, 0, 1], "int32")),
    "k": ("lscalar", np.array(2)),
    "images": ("dtensor4", IMAGE),
    "kernels": ("dtensor4", FILTERS),
    "volume": ("dtensor5", VOLUME),
}

USES: dict[str, str] = {
    "theano.function": "theano.function([x], x * 2)(X)",
    "theano.config.floatX": "theano.config.floatX",
    "theano.shared": "theano.shared(X, name='w', borrow=True) * x",
    "theano.tensor.grad": "T.grad((x * y).sum(), x)",
    "theano.tensor.dot": "T.dot(x, y.T)",
    "theano.tensor.matrix": "T.matrix('m').type",
    "theano.tensor.mean": "T.mean(x, axis=0, keepdims=True)",
    "theano.tensor.nnet.sigmoid": "T.nnet.sigmoid(x)",
    "theano.tensor.log": "T.log(x * x)",
    "theano.tensor.sum": "T.sum(i)",
    "theano.tensor.sqrt": "T.sqrt(x * x + 1)",
    "theano.tensor.switch": "T.switch(x > 0, x, 0)",
    "theano.tensor.cast": "T.cast(x, 'int32')",
    "theano.tensor.maximum": "T.maximum(x, y)",
    "theano.sandbox.rng_mrg.MRG_RandomStreams": (
        "use('theano.sandbox.rng_mrg').MRG_RandomStreams(seed=7).uniform((5,), dtype='float64')"
    ),
    "theano.tensor.nnet.softmax": "T.nnet.softmax(x)",
    "theano.tensor.scalar": "T.scalar('s').type",
    "theano.tensor.tanh": "T.tanh(x)",
    "theano.tensor.exp": "T.exp(x)",
    "theano.tensor.arange": "T.arange(k)",
    "theano.tensor.argmax": "T.argmax(x, axis=1)",
    "theano.tensor.sqr": "T.sqr(x)",
    "theano.tensor.concatenate": "T.concatenate([x, y], axis=1)",
    "theano.scan": "theano.scan(lambda r, h: T.tanh(r + h), sequences=x, outputs_info=v)[0]",
    "theano.tensor.clip": "T.clip(x, -1, 1)",
    "theano.tensor.tensor4": "T.tensor4('t').type",
    "theano.tensor.neq": "T.neq(x, 0.5)",
    "theano.tensor.zeros": "T.zeros((k, 3), dtype='float32')",
    "theano.tensor.eq": "T.mean(T.eq(x, 0.5))",
    "theano.tensor.max": "T.max(x, axis=0)",
    "theano.tensor.tensor3": "T.tensor3('t', dtype='int32').type",
    "theano.tensor.lscalar": "T.lscalar('l').type",
    "theano.tensor.vector": "T.vector('v').type",
    "theano.tensor.set_subtensor": "T.set_subtensor(x[0, 1:], 9)",
    "theano.tensor.shared_randomstreams.RandomStreams": (
        "use('theano.tensor.shared_randomstreams').RandomStreams(seed=7).normal((3,))"
    ),
    "theano.tensor.alloc": "T.alloc(v, k, 3)",
    "theano.tensor.nnet.softplus": "T.nnet.softplus(x)",
    "theano.tensor.nnet.binary_crossentropy": (
        "T.nnet.binary_crossentropy(T.nnet.sigmoid(x), y > 0)"
    ),
    "theano.tensor.ivector": "T.ivector('i').type",
    "theano.tensor.nnet.categorical_crossentropy": (
        "T.nnet.categorical_crossentropy(T.nnet.softmax(x), i[:2])"
    ),
    "theano.tensor.gt": "T.gt(x, y)",
    "theano.tensor.reshape": "T.reshape(x, (3, 2))",
    "theano.tensor.nnet.conv.conv2d": (
        "use('theano.tensor.nnet.conv').conv2d(images, kernels, border_mode='full')"
    ),
    "theano.tensor.abs_": "T.abs_(x)",
    "theano.tensor.ge": "T.ge(x, y) * 1.0",
    "theano.tensor.minimum": "T.minimum(x, 0)",
    "theano.tensor.as_tensor_variable": "T.as_tensor_variable([s, s * 2, 3])",
    "theano.tensor.constant": "T.constant(300).type",
    "theano.tensor.ones": "T.ones((2, 2))",
    "theano.tensor.prod": "T.prod(x, axis=1)",
    "theano.config.compute_test_value": "theano.config.compute_test_value",
    "theano.tensor.zeros_like": "T.zeros_like(i)",
    "theano.tensor.fmatrix": "T.fmatrix('f').type",
    "theano.tensor.iscalar": "T.iscalar('i').type",
    "theano.tensor.flatten": "T.flatten(images, outdim=2)",
    "theano.tensor.nnet.conv2d": (
        "T.nnet.conv2d(images, kernels, border_mode=(1, 0), subsample=(2, 1), filter_flip=False)"
    ),
    "theano.tensor.sgn": "T.sgn(x)",
    "theano.tensor.TensorType": "T.TensorType('float32', (False, True))().type",
    "theano.tensor.stack": "T.stack([v, w], axis=1)",
    "theano.tensor.lvector": "T.lvector('l').type",
    "theano.tensor.min": "T.min(x)",
    "theano.tensor.ones_like": "T.ones_like(x)",
    "theano.tensor.signal.downsample.max_pool_2d": (
        "use('theano.tensor.signal.downsample').max_pool_2d(images, (2, 2), ignore_border=True)"
    ),
    "theano.tensor.signal.pool.pool_2d": (
        "use('theano.tensor.signal.pool').pool_2d(images, (2, 2), ignore_border=True)"
    ),
    "theano.grad": "theano.grad(T.tanh(x).sum(), wrt=x)",
    "theano.tensor.round": "T.round(x)",
    "theano.ifelse.ifelse": "use('theano.ifelse').ifelse(s > 0, x, y)",
    "theano.clone": "theano.clone(x * 2, replace={x: y})",
    "theano.tensor.repeat": "T.repeat(x, 2, axis=0)",
    "theano.tensor.shape_padleft": "T.shape_padleft(v, 2)",
    "theano.tensor.nnet.relu": "T.nnet.relu(x, 0.1)",
    "theano.config.device": "theano.config.device",
    "theano.tensor.imatrix": "T.imatrix('i').type",
    "theano.tensor.isnan": "T.isnan(T.sqrt(x))",
    "theano.tensor.square": "T.square(x)",
    "theano.tensor.TensorVariable": "isinstance(x, T.TensorVariable)",
    "theano.compile.SharedVariable": (
        "isinstance(theano.shared(1.0), theano.compile.SharedVariable)"
    ),
    "theano.tensor.ftensor4": "T.ftensor4('t').type",
    "theano.tensor.shape_padright": "T.shape_padright(v)",
    "theano.printing.Print": "theano.printing.Print('seen', attrs=('shape',))(x) + 1",
    "theano.tensor.addbroadcast": "T.addbroadcast(x[:, :1], 1) + y",
    "theano.tensor.fscalar": "T.fscalar('f').type",
    "theano.tensor.Rop": "T.Rop(T.tanh(v), v, w)",
    "theano.tensor.isinf": "T.isinf(1 / (x - 0.5))",
    "theano.tensor.lt": "T.lt(x, y)",
    "theano.tensor.Variable": "isinstance(x, T.Variable)",
    "theano.tensor.shape": "T.shape(x)",
    "theano.tensor.floor": "T.floor(x)",
    "theano.tensor.inc_subtensor": "T.inc_subtensor(v[i], 1)",
    "theano.tensor.lmatrix": "T.lmatrix('l').type",
    "theano.tensor.patternbroadcast": "T.patternbroadcast(x[:1], (True, False)) + y",
    "theano.tensor.unbroadcast": "T.unbroadcast(T.shape_padleft(v), 0).type",
    "theano.tensor.tensordot": "T.tensordot(x, y, axes=[[0], [0]])",
    "theano.tensor.add": "T.add(x, y, 1)",
    "theano.printing.debugprint": "theano.printing.debugprint(x + y, file='str')",
    "theano.tensor.eye": "T.eye(3, 4, 1)",
    "theano.tensor.or_": "T.or_(x > 0, y > 0)",
    "theano.tensor.argsort": "T.argsort(x, axis=1)",
    "theano.tensor.tile": "T.tile(v, (2, 2))",
    "theano.tensor.var": "T.var(x, axis=1, keepdims=True)",
    "theano.tensor.dmatrix": "T.dmatrix('d').type",
    "theano.gof.Apply": "isinstance((x + y).owner, theano.gof.Apply)",
    "theano.gof.Variable": "isinstance(x, theano.gof.Variable)",
    "theano.gof.Op": "isinstance((x + y).owner.op, theano.gof.Op)",
    "theano.tensor.Elemwise": "isinstance((x + y).owner.op, T.Elemwise)",
    "theano.tensor.extra_ops.repeat": "use('theano.tensor.extra_ops').repeat(v, i)",
    "theano.tensor.sharedvar.TensorSharedVariable": (
        "isinstance(theano.shared(X), use('theano.tensor.sharedvar').TensorSharedVariable)"
    ),
    "theano.tensor.extra_ops.to_one_hot": "use('theano.tensor.extra_ops').to_one_hot(i, 3)",
    "theano.tensor.inv": "T.inv(x)",
    "theano.tensor.sin": "T.sin(x)",
    "theano.gof.graph.inputs": "[str(n) for n in theano.gof.graph.inputs([x + y])]",
    "theano.tensor.log2": "T.log2(x * x)",
    "theano.Param": "theano.function([x, theano.Param(s, default=2.0)], x * s)(X)",
    "theano.config": "theano.config.int_division",
    "theano.Op": "theano.Op is theano.gof.Op",
    "theano.tensor.sharedvar.SharedVariable": (
        "isinstance(theano.shared(X), use('theano.tensor.sharedvar').SharedVariable)"
    ),
    "theano.Apply": "theano.Apply is theano.gof.Apply",
    "theano.tensor.nnet.bn.batch_normalization": (
        "use('theano.tensor.nnet.bn').batch_normalization("
        "x, gamma=v, beta=w, mean=x.mean(0), std=x.std(0) + 1)"
    ),
    "theano.tensor.ceil": "T.ceil(x)",
    "theano.tensor.nnet.abstract_conv.AbstractConv2d_gradInputs": (
        "use('theano.tensor.nnet.abstract_conv').AbstractConv2d_gradInputs(border_mode='valid')("
        "kernels, T.nnet.conv2d(images, kernels), images.shape[2:])"
    ),
    "theano.tensor.join": "T.join(0, x, y)",
    "theano.tensor.Constant": "isinstance(T.constant(1), T.Constant)",
    "theano.tensor": "T.__name__.split('.')[-1]",
    "theano.tensor.all": "T.all(x > -9)",
    "theano.tensor.transpose": "T.transpose(images, (1, 0, 3, 2))",
    "theano.config.mode": "theano.config.mode",
    "theano.tensor.as_tensor": "T.as_tensor(X) + x",
    "theano.tensor.le": "T.le(x, y)",
    "theano.config.on_unused_input": "theano.config.on_unused_input",
    "theano.Variable": "isinstance(x, theano.Variable)",
    "theano.tensor.col": "T.col('c').type",
    "theano.gradient.grad_clip": "T.grad((theano.gradient.grad_clip(x, -1, 1) ** 2).sum(), x)",
    "theano.tensor.pow": "T.pow(x, 2)",
    "theano.gradient.grad_not_implemented": (
        "type(theano.gradient.grad_not_implemented(T.add, 0, x).type).__name__"
    ),
    "theano.tensor.nnet": "T.nnet.__name__.split('.')[-1]",
    "theano.gradient.disconnected_grad": (
        "T.grad((x * theano.gradient.disconnected_grad(x)).sum(), x)"
    ),
    "theano.tensor.cos": "T.cos(x)",
    "theano.tensor.fvector": "T.fvector('f').type",
    "theano.tensor.jacobian": "T.jacobian(T.tanh(v) * w, v)",
    "theano.tensor.mul": "T.mul(x, y, 2)",
    "theano.tensor.sort": "T.sort(x, axis=0)",
    "theano.compile.sharedvalue.SharedVariable": (
        "isinstance(theano.shared(1), theano.compile.sharedvalue.SharedVariable)"
    ),
    "theano.tensor.matrices": "[m.name for m in T.matrices('a', 'b')]",
    "theano.OpFromGraph": "theano.OpFromGraph([x, y], [x * y + 1])(y, x)",
    "theano.compile.ops.as_op": (
        "use('theano.compile.ops').as_op(itypes=[T.dmatrix], otypes=[T.dmatrix])(reverse)(x)"
    ),
    "theano.tensor.Lop": "T.Lop(T.tanh(v), v, w)",
    "theano.compile.ViewOp": "isinstance(theano.compile.view_op, theano.compile.ViewOp)",
    "theano.tensor.row": "T.row('r').type",
    "theano.tensor.std": "T.std(x, axis=0)",
    "theano.config.optimizer": "theano.config.optimizer",
    "theano.sparse.csr_matrix": "theano.sparse.csr_matrix('m').type",
    "theano.tensor.any": "T.any(x > 2, axis=1)",
    "theano.tensor.nnet.elu": "T.nnet.elu(x)",
    "theano.gof.op.get_debug_values": "theano.gof.op.get_debug_values(x)",
    "theano.tensor.dvector": "T.dvector('d').type",
    "theano.gof.graph.ancestors": "len(theano.gof.graph.ancestors([x * y + 1]))",
    "theano.tensor.outer": "T.outer(v, w)",
    "theano.compat.python2x.OrderedDict": (
        "list(use('theano.compat.python2x').OrderedDict([('b', 1), ('a', 2)]))"
    ),
    "theano.compile.mode.get_default_mode": (
        "isinstance(theano.compile.mode.get_default_mode(), theano.compile.mode.Mode)"
    ),
    "theano.sparse.SparseVariable": (
        "isinstance(theano.sparse.csc_matrix(), theano.sparse.SparseVariable)"
    ),
    "theano.Mode": "isinstance(theano.Mode(linker='py'), theano.Mode)",
    "theano._asarray": "theano._asarray(X, dtype='float32')",
    "theano.tensor.batched_dot": "T.batched_dot(images[0], images[0].dimshuffle(0, 2, 1))",
    "theano.tensor.nnet.Softmax": "isinstance(T.nnet.softmax(x).owner.op, T.nnet.Softmax)",
    "theano.tensor.nnet.sigm.ScalarSigmoid": (
        "isinstance(T.nnet.sigmoid(x).owner.op.scalar_op, "
        "use('theano.tensor.nnet.sigm').ScalarSigmoid)"
    ),
    "theano.gof.graph.is_same_graph": "theano.gof.graph.is_same_graph(x + y, x + y)",
    "theano.tensor.Tensor": "T.Tensor('float32', (False, True))().type",
    "theano.tensor.squeeze": "T.squeeze(T.shape_padleft(v))",
    "theano.config.allow_gc": "theano.config.allow_gc",
    "theano.gradient.DisconnectedType": "str(theano.gradient.DisconnectedType())",
    "theano.sparse.structured_dot": (
        "theano.sparse.structured_dot(theano.sparse.csc_from_dense(x), y.T)"
    ),
    "theano.tensor.identity_like": "T.identity_like(a)",
    "theano.tensor.signal.pool.pool_3d": (
        "use('theano.tensor.signal.pool').pool_3d("
        "volume, (2, 2, 2), ignore_border=True, mode='average_exc_pad')"
    ),
    "theano.compile.view_op": "theano.compile.view_op(x) * 2",
    "theano.tensor.TensorConstant": "isinstance(T.constant(1.5), T.TensorConstant)",
    "theano.In": "theano.function([x, theano.In(s, value=3.0, name='scale')], x * s)(X, scale=2)",
    "theano.gof.local_optimizer": "callable(theano.gof.local_optimizer([T.add]))",
    "theano.scan_module.scan_utils.until": (
        "theano.scan(lambda r: (r, use('theano.scan_module.scan_utils').until(r > 1)), "
        "sequences=w)[0]"
    ),
    "theano.scan_module.until": (
        "theano.scan(lambda r: (r, theano.scan_module.until(r > 1)), sequences=v)[0]"
    ),
    "theano.sparse.SparseType": "theano.sparse.SparseType('csr', 'float64')().type",
    "theano.sparse.dense_from_sparse": (
        "theano.sparse.dense_from_sparse(theano.sparse.csr_from_dense(x) * 2)"
    ),
    "theano.tensor.and_": "T.and_(x > 0, y > 0)",
    "theano.tensor.cumsum": "T.cumsum(x, axis=1)",
    "theano.tensor.erf": "T.erf(x)",
    "theano.tensor.mod": "T.mod(x, 0.75)",
    "theano.map": "theano.map(lambda r: r.sum(), x)[0]",
    "theano.sparse.enable_sparse": "theano.sparse.enable_sparse",
    "theano.tensor.arccos": "T.arccos(x / 4)",
    "theano.tensor.ftensor3": "T.ftensor3('f').type",
    "theano.gof.graph.Variable": "theano.gof.graph.Variable is theano.gof.Variable",
    "theano.printing.min_informative_str": "theano.printing.min_informative_str(T.tanh(x + y))",
    "theano.scalar.add": "T.Elemwise(theano.scalar.add)(x, y)",
    "theano.tensor.bmatrix": "T.bmatrix('b').type",
    "theano.tensor.expm1": "T.expm1(x)",
    "theano.tensor.nnet.conv3d": "T.nnet.conv3d(volume, volume[:, :, :2, :2, :2])",
    "theano.tensor.signal.pool": "use('theano.tensor.signal.pool').__name__.split('.')[-1]",
    "theano.tensor.slinalg.solve": "use('theano.tensor.slinalg').solve(a, v)",
    "theano.tensor.var.TensorVariable": "isinstance(x, use('theano.tensor.var').TensorVariable)",
    "theano.tensor.verify_grad": "T.verify_grad(T.tanh, [X], rng=np.random.RandomState(1))",
    "theano.compile.nanguardmode.NanGuardMode": (
        "theano.function([x], x * 2, mode=use('theano.compile.nanguardmode').NanGuardMode())(X)"
    ),
    "theano.config.device.startswith": "theano.config.device.startswith('gpu')",
    "theano.config.exception_verbosity": "theano.config.exception_verbosity",
    "theano.gof.OpRemove": "type(theano.gof.OpRemove(T.neg)).__name__",
    "theano.gof.graph.Constant": "isinstance(T.constant(1), theano.gof.graph.Constant)",
    "theano.gradient.DisconnectedInputError": (
        "issubclass(theano.gradient.DisconnectedInputError, ValueError)"
    ),
    "theano.gradient.grad": (
        "theano.gradient.grad((x**2).sum(), [x, y], disconnected_inputs='ignore')[1]"
    ),
    "theano.sparse.csc_matrix": "theano.sparse.csc_matrix('m').type",
    "theano.tensor.itensor3": "T.itensor3('i').type",
    "theano.tensor.nnet.conv3d2d.conv3d": (
        "use('theano.tensor.nnet.conv3d2d').conv3d("
        "volume.dimshuffle(0, 2, 1, 3, 4), volume[:, :, :2, :2, :2].dimshuffle(0, 2, 1, 3, 4))"
    ),
    "theano.tensor.nnet.Conv3D.conv3D": (
        "use('theano.tensor.nnet.Conv3D').conv3D(volume.dimshuffle(0, 2, 3, 4, 1), "
        "volume[:, :, :2, :2, :2].dimshuffle(0, 2, 3, 4, 1), np.zeros(1), (1, 1, 1))"
    ),
    "theano.tensor.nnet.hard_sigmoid": "T.nnet.hard_sigmoid(x * 3)",
    "theano.tensor.opt.Assert": "use('theano.tensor.opt').Assert('positive')(x, s > 0)",
    "theano.tensor.opt.register_canonicalize": (
        "callable(use('theano.tensor.opt').register_canonicalize)"
    ),
    "theano.tensor.roll": "T.roll(x, 1, axis=1)",
    "theano.tensor.shape_padaxis": "T.shape_padaxis(x, 1)",
    "theano.tensor.where": "T.where(x > y, x, y)",
}


def use(name: str) -> Any:
    """Return a module of Theano's: the real one's, or agnesi's."""
    return importlib.import_module(_prefix + name)


def reverse(array: Any) -> Any:
    """Return rows the other way round: an op that a program wrote."""
    return array[::-1]


_prefix = ""


def told(theano: Any, expression: str) -> dict[str, Any]:
    """Return what comes of a use, in a form that can be written down."""
    tensor = theano.tensor
    variables = {name: getattr(tensor, kind)(name) for name, (kind, _) in INPUTS.items()}
    scope = {"T": tensor, "theano": theano, "np": np, "X": X, "use": use, "reverse": reverse}
    value = eval(expression, {**scope, **variables})
    found: dict[str, Any] = {}
    if isinstance(value, theano.Variable):
        found["type"] = str(value.type)
        given = [v for v in variables.values() if v.owner is None]
        function = theano.function(given, value, on_unused_input="ignore")
        value = function(*(INPUTS[v.name][1] for v in given))
    if isinstance(value, np.ndarray | np.generic):
        found["dtype"], found["value"] = str(value.dtype), value.tolist()
    elif isinstance(value, str | int | float | list | type(None)):
        found["value"] = value
    else:
        found["value"] = str(value)
    return found


def main() -> None:
    """Write what Theano gives."""
    import theano
    import theano.sparse

    made: dict[str, Any] = {}
    for name, expression in USES.items():
        try:
            made[name] = told(theano, expression)
        except Exception as error:
            print(name, type(error).__name__, str(error)[:150], file=sys.stderr)
    lines = (f"{json.dumps(n)}: {json.dumps(v)}" for n, v in made.items())
    Path(sys.argv[1]).write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
