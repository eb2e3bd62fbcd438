#!/usr/bin/env bash
# Makes the trials whose failure modes are labelled: about 10 minutes on two cores. From the repository's root:
#   bash experiments/failure_modes/run.sh
set -euo pipefail
python=${PYTHON:-.venv/bin/python}
results=results/failure-modes
noise=$(mktemp -d)

# Labels that say nothing of their sentence can be learned by heart, and not generalized.
"$python" experiments/failure_modes/noise.py "$noise"

for model in micro-bert micro-roberta micro-albert; do
    "$python" -m tune_stability.search --model "$model" --task grammar --space experiments/failure_modes/all_rates.toml \
        --recipes devlin,devlin+correction --sampler grid --num-configs 16 --seeds 1 --out "$results/$model-grammar"
    "$python" -m tune_stability.search --model "$model" --task "file:$noise/train.tsv,$noise/validation.tsv" \
        --space narrow --recipes stable --num-configs 8 --seeds 1 --train-steps 400 --set dropout=0 \
        --out "$results/$model-noise"
done
