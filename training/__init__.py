"""Trains ViLT (Kim, Son, Kim, ICML 2021) for Patchword. Read in this order:

network.py        the network: Hugging Face's ViLT, its joint and its unimodal passes, its heads
objectives/       one loss a file, each a pure function of tensors
data/             captions, pictures, augmentation, negatives
tasks/            what one step of training computes: pretraining, VQAv2, NLVR2
trainer.py        the loop: optimizer, schedule, log, checkpoints
recipe.py         what a recipe (TOML) may say
start.py          where weights come from
averaging.py      one model of several
export.py         the folder that Patchword reads
command.py        the command line
"""
