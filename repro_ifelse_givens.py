import numpy as np, theano, theano.tensor as T
from theano.ifelse import ifelse
W=theano.shared(np.ones((8,8))); x = T.matrix(); i = T.lscalar(); k = T.bscalar()
data = theano.shared(np.ones((40, 8)))
def t(name, h, part):
    out = T.grad(ifelse(k, h * 2, h * .5).sum(), W)
    try: f = theano.function([i, k], out, givens={x: part}); print(name, 'ok', f(1, 1).sum())
    except BaseException as e: print(name, type(e).__name__, str(e)[:90])
t('sigmoid i*10', T.nnet.sigmoid(T.dot(x, W)), data[i*10:(i+1)*10])
t('tanh i*10', T.tanh(T.dot(x, W)), data[i*10:(i+1)*10])
t('dot i*10', T.dot(x, W), data[i*10:(i+1)*10])
t('sigmoid i', T.nnet.sigmoid(T.dot(x, W)), data[:i])
t('sigmoid i+1', T.nnet.sigmoid(T.dot(x, W)), data[:i+1])
t('sigmoid i:i+1', T.nnet.sigmoid(T.dot(x, W)), data[i:i+1])
