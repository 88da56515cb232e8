"""The old GPU: it is not there, and says so."""

cuda_available = cuda_enabled = False


class CudaNdarrayType:
    """Arrays of the old GPU; there are none."""


class CudaNdarray:
    """An array of the old GPU; there are none."""


CudaNdarrayVariable = CudaNdarraySharedVariable = CudaNdarray


def use(device, *_, **__):  # type: ignore[no-untyped-def]
    """There is no GPU.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(f"theano.sandbox.cuda.use({device!r}): agnesi.theano runs on the CPU")
