import numpy as np, agnesi as ag, theano, theano.tensor as T
from theano.ifelse import ifelse
W=theano.shared(np.ones((8,8)))
x = T.matrix(); n = T.lscalar(); k = T.bscalar(); y = T.matrix()
data = theano.shared(np.ones((40, 8)))
def t(name, h, part, ins):
    out = T.grad(ifelse(k, h * 2, h * .5).sum(), W)
    try: f = theano.function(ins+[k], out, givens={x: part}, on_unused_input='ignore'); print(name, 'ok')
    except BaseException as e: print(name, type(e).__name__, str(e)[:80])
    try: f = theano.function(ins+[k], theano.clone(out, {x: part})); print(name, 'ok clone')
    except BaseException as e: print(name, type(e).__name__, str(e)[:80])
t('y', T.tanh(T.dot(x, W)), y, [y])
t('y*2', T.tanh(T.dot(x, W)), y*2, [y])
t('data[:n] tanh', T.tanh(T.dot(x, W)), data[:n], [n])
t('data[:n] dot', T.dot(x, W), data[:n], [n])
t('alloc', T.tanh(T.dot(x, W)), T.alloc(1., n, 8), [n])
t('data[:5]', T.tanh(T.dot(x, W)), data[:5], [])
