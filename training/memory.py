"""What glibc does with memory that a step frees."""

import ctypes

# malloc.h
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
LARGEST = 2**31 - 1  # of an option, which is an int
KEPT_PAD = 1 << 28  # bytes asked of the system at once


def keep_freed_memory() -> None:
    """Large tensors are taken from memory that others have left, not each from the system, which fills every page of
    it with zeros first. A step takes a tenth less (training/README.md). Nothing is changed where there is no glibc."""
    try:
        set_option = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    set_option(M_MMAP_MAX, 0)
    set_option(M_TRIM_THRESHOLD, LARGEST)
    set_option(M_TOP_PAD, KEPT_PAD)
