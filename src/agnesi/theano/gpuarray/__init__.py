"""The GPU: it is not there, and says so."""

pygpu_activated = False


class GpuArrayType:
    """Arrays of the GPU; there are none."""


class GpuArrayVariable:
    """A variable of the GPU; there are none."""


GpuArraySharedVariable = GpuArrayConstant = GpuArrayVariable
