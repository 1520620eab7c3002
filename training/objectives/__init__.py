"""The losses, one a file: pure functions of tensors, which know neither the network nor the data."""
