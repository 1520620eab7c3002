"""What one step computes. A task has

losses(step) -> {name: (weight, loss)}     of one batch; steps of several batches count on
measure() -> {name: figure}                on the validation set
state() and load(state)                    what a checkpoint must keep beside weights
"""
