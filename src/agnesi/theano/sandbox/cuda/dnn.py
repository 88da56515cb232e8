"""cuDNN: it is not there."""


def dnn_available():  # type: ignore[no-untyped-def]
    """There is none."""
    return False


dnn_available.msg = "agnesi.theano runs on the CPU"  # type: ignore[attr-defined]
