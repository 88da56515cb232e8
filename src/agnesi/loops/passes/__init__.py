"""Changes inside one kernel: each file is one pass, ``Kernel -> Kernel``."""
