#!/bin/sh
# Draws scenes, trains the bundled model on them, from the first one's weights, and calibrates it, in runs/model. The same command again goes on
# with what was interrupted. PYTHON names the interpreter that has training/ installed.
set -e
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

# draw FOLDER OPTIONS…: a folder is whole once it has its dataset.json
draw() {
  folder=scenes/$1
  shift
  [ -f "$folder/dataset.json" ] && return
  rm -rf "$folder"
  node dist/data/scenes/main.js --size 112 --output "$folder" "$@"
}
# The same backgrounds as the first bundled model's pictures had, and with `plain` the same layouts.
backed() {
  draw "$@" --format raw --split train --pairs train --weather 0 \
    --backgrounds meadow,beach,night,snow,desert,water,road,city,forest,mountains,room,table,plain
}
plain() {
  backed "$@" --layouts one,many,beside,stacked,sizes,row
}
# Four objects in each, for learning them.
fours() {
  backed "$@" --layouts four --varied 25 --styles noto,noto-v1,twemoji,emojione
}

npx tsc
draw train --count 60000 --seed 101 --format raw --split train --pairs train --aspects 1:1,4:3,3:4
plain plain --count 30000 --seed 102 --styles noto,noto-v1,twemoji,emojione
plain plainer --count 40000 --seed 106 --styles noto,noto-v1,twemoji,emojione
plain objects --count 30000 --seed 103 --varied 50
plain pictograms --count 20000 --seed 104 --varied 50 --styles mdi,game-icons,ph,hugeicons,icon-park
draw front --count 20000 --seed 105 --format raw --split train --pairs train --styles noto,noto-v1,twemoji,emojione --layouts front
fours four --count 16000 --seed 107
fours fours --count 16000 --seed 108
draw val --count 1000 --seed 778 --format raw --split val --aspects 1:1,4:3,3:4
draw calibration --count 1000 --seed 992 --split val --aspects 1:1,4:3,3:4
"$python" -m training train training/recipes/continued.toml --output runs/continued
"$python" -m training average training/checkpoints/first runs/continued/model --shares 0.2 0.8 --output runs/average
"$python" -m training train training/recipes/further.toml --output runs/further
"$python" -m training average runs/average runs/further/model --shares 0.3 0.7 --output runs/settled
"$python" -m training average training/checkpoints/first runs/settled --shares 0.3 0.7 --output runs/nearer
"$python" -m training train training/recipes/nouns.toml --output runs/nouns
"$python" -m training average runs/settled runs/nouns/model --shares 0.4 0.6 --output runs/known
"$python" -m training train training/recipes/joint.toml --output runs/joint
"$python" -m training average runs/known runs/joint/model --shares 0.4 0.6 --output runs/joined
"$python" -m training train training/recipes/onward.toml --output runs/onward
"$python" -m training average runs/joined runs/onward/model --shares 0.2 0.8 --output runs/moved
"$python" -m training train training/recipes/words.toml --output runs/words
"$python" -m training average runs/moved runs/words/model --shares 0.2 0.8 --output runs/worded
"$python" -m training train training/recipes/parts.toml --output runs/parts
"$python" -m training average runs/worded runs/parts/model --shares 0.4 0.6 --output runs/model
node bin/patchword.js calibrate --model runs/model --captions scenes/calibration/dataset.json --split val --queries 1000
