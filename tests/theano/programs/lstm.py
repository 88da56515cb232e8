"""An LSTM for sentiment, in the manner of early tutorials: dictionaries of parameters."""

from __future__ import print_function

import sys
from collections import OrderedDict

import data
import numpy
import theano
from theano import config
import theano.tensor as tensor
from theano.sandbox.rng_mrg import MRG_RandomStreams as RandomStreams

SEED = 123
numpy.random.seed(SEED)


def numpy_floatX(data):
    return numpy.asarray(data, dtype=config.floatX)


def _p(pp, name):
    return "%s_%s" % (pp, name)


def ortho_weight(ndim):
    W = numpy.random.randn(ndim, ndim)
    u, s, v = numpy.linalg.svd(W)
    return u.astype(config.floatX)


def init_params(options):
    params = OrderedDict()
    randn = numpy.random.rand(options["n_words"], options["dim_proj"])
    params["Wemb"] = (0.01 * randn).astype(config.floatX)
    d = options["dim_proj"]
    params["lstm_W"] = numpy.concatenate([ortho_weight(d) for _ in range(4)], axis=1)
    params["lstm_U"] = numpy.concatenate([ortho_weight(d) for _ in range(4)], axis=1)
    params["lstm_b"] = numpy.zeros((4 * d,)).astype(config.floatX)
    params["U"] = 0.01 * numpy.random.randn(d, options["ydim"]).astype(config.floatX)
    params["b"] = numpy.zeros((options["ydim"],)).astype(config.floatX)
    return params


def init_tparams(params):
    tparams = OrderedDict()
    for kk, pp in params.items():
        tparams[kk] = theano.shared(params[kk], name=kk)
    return tparams


def dropout_layer(state_before, use_noise, trng):
    proj = tensor.switch(
        use_noise,
        (state_before * trng.binomial(state_before.shape, p=0.5, n=1, dtype=state_before.dtype)),
        state_before * 0.5,
    )
    return proj


def lstm_layer(tparams, state_below, options, prefix="lstm", mask=None):
    nsteps = state_below.shape[0]
    if state_below.ndim == 3:
        n_samples = state_below.shape[1]
    else:
        n_samples = 1
    assert mask is not None

    def _slice(_x, n, dim):
        if _x.ndim == 3:
            return _x[:, :, n * dim : (n + 1) * dim]
        return _x[:, n * dim : (n + 1) * dim]

    def _step(m_, x_, h_, c_):
        preact = tensor.dot(h_, tparams[_p(prefix, "U")])
        preact += x_
        i = tensor.nnet.sigmoid(_slice(preact, 0, options["dim_proj"]))
        f = tensor.nnet.sigmoid(_slice(preact, 1, options["dim_proj"]))
        o = tensor.nnet.sigmoid(_slice(preact, 2, options["dim_proj"]))
        c = tensor.tanh(_slice(preact, 3, options["dim_proj"]))
        c = f * c_ + i * c
        c = m_[:, None] * c + (1.0 - m_)[:, None] * c_
        h = o * tensor.tanh(c)
        h = m_[:, None] * h + (1.0 - m_)[:, None] * h_
        return h, c

    state_below = tensor.dot(state_below, tparams[_p(prefix, "W")]) + tparams[_p(prefix, "b")]
    dim_proj = options["dim_proj"]
    rval, updates = theano.scan(
        _step,
        sequences=[mask, state_below],
        outputs_info=[
            tensor.alloc(numpy_floatX(0.0), n_samples, dim_proj),
            tensor.alloc(numpy_floatX(0.0), n_samples, dim_proj),
        ],
        name=_p(prefix, "_layers"),
        n_steps=nsteps,
    )
    return rval[0]


def adadelta(lr, tparams, grads, x, mask, y, cost):
    zipped_grads = [
        theano.shared(p.get_value() * numpy_floatX(0.0), name="%s_grad" % k)
        for k, p in tparams.items()
    ]
    running_up2 = [
        theano.shared(p.get_value() * numpy_floatX(0.0), name="%s_rup2" % k)
        for k, p in tparams.items()
    ]
    running_grads2 = [
        theano.shared(p.get_value() * numpy_floatX(0.0), name="%s_rgrad2" % k)
        for k, p in tparams.items()
    ]
    zgup = [(zg, g) for zg, g in zip(zipped_grads, grads)]
    rg2up = [(rg2, 0.95 * rg2 + 0.05 * (g**2)) for rg2, g in zip(running_grads2, grads)]
    f_grad_shared = theano.function(
        [x, mask, y], cost, updates=zgup + rg2up, name="adadelta_f_grad_shared"
    )
    updir = [
        -tensor.sqrt(ru2 + 1e-6) / tensor.sqrt(rg2 + 1e-6) * zg
        for zg, ru2, rg2 in zip(zipped_grads, running_up2, running_grads2)
    ]
    ru2up = [(ru2, 0.95 * ru2 + 0.05 * (ud**2)) for ru2, ud in zip(running_up2, updir)]
    param_up = [(p, p + ud) for p, ud in zip(tparams.values(), updir)]
    f_update = theano.function(
        [lr], [], updates=ru2up + param_up, on_unused_input="ignore", name="adadelta_f_update"
    )
    return f_grad_shared, f_update


def build_model(tparams, options):
    trng = RandomStreams(SEED)
    use_noise = theano.shared(numpy_floatX(0.0))
    x = tensor.matrix("x", dtype="int64")
    mask = tensor.matrix("mask", dtype=config.floatX)
    y = tensor.vector("y", dtype="int64")
    n_timesteps = x.shape[0]
    n_samples = x.shape[1]
    emb = tparams["Wemb"][x.flatten()].reshape([n_timesteps, n_samples, options["dim_proj"]])
    proj = lstm_layer(tparams, emb, options, mask=mask)
    proj = (proj * mask[:, :, None]).sum(axis=0)
    proj = proj / mask.sum(axis=0)[:, None]
    proj = dropout_layer(proj, use_noise, trng)
    pred = tensor.nnet.softmax(tensor.dot(proj, tparams["U"]) + tparams["b"])
    f_pred = theano.function([x, mask], pred.argmax(axis=1), name="f_pred")
    off = 1e-8
    if pred.dtype == "float16":
        off = 1e-6
    cost = -tensor.log(pred[tensor.arange(n_samples), y] + off).mean()
    return use_noise, x, mask, y, f_pred, cost


def prepare_data(seqs, labels):
    """Fill sentences up to the longest one; a column for each."""
    lengths = [len(seq) for seq in seqs]
    x = numpy.zeros((max(lengths), len(seqs)), "int64")
    mask = numpy.zeros((max(lengths), len(seqs)), config.floatX)
    for i, seq in enumerate(seqs):
        x[: lengths[i], i], mask[: lengths[i], i] = seq, 1
    return x, mask, numpy.array(labels, "int64")


def get_minibatches_idx(n, minibatch_size, shuffle=False):
    order = numpy.arange(n)
    if shuffle:
        numpy.random.shuffle(order)
    return [order[k : k + minibatch_size] for k in range(0, n, minibatch_size)]


def pred_error(f_pred, sentences, labels):
    wrong = 0
    for index in get_minibatches_idx(len(sentences), 64):
        x, mask, y = prepare_data([sentences[t] for t in index], [labels[t] for t in index])
        wrong += (f_pred(x, mask) != y).sum()
    return wrong / float(len(sentences))


def main():
    max_epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    options = dict(n_words=1500, dim_proj=32, ydim=2)
    train, test = data.reviews(options["n_words"], 400)
    tparams = init_tparams(init_params(options))
    use_noise, x, mask, y, f_pred, cost = build_model(tparams, options)
    grads = tensor.grad(cost, wrt=list(tparams.values()))
    lr = tensor.scalar(name="lr")
    f_grad_shared, f_update = adadelta(lr, tparams, grads, x, mask, y, cost)
    for eidx in range(max_epochs):
        costs = []
        use_noise.set_value(1.0)
        for index in get_minibatches_idx(len(train[0]), 16, shuffle=True):
            bx, bm, by = prepare_data([train[0][t] for t in index], [train[1][t] for t in index])
            costs.append(f_grad_shared(bx, bm, by))
            f_update(0.0001)
            if numpy.isnan(costs[-1]) or numpy.isinf(costs[-1]):
                print("NaN detected")
                return 1.0, 1.0, 1.0
        use_noise.set_value(0.0)
        print("Epoch", eidx, "Cost", numpy.mean(costs), "Test", pred_error(f_pred, *test))
    print("RESULT", float(pred_error(f_pred, *test)))


if __name__ == "__main__":
    main()
