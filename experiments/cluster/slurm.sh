#!/bin/bash
# A study on Slurm. From a login node, in a folder that all nodes share:
#   sbatch --export=ALL,VENV=$PWD/.venv experiments/cluster/slurm.sh --space wide --out /shared/studies/wide
# What follows the script's name goes to tune_stability.search. VENV is an environment with the package, on a path that
# all nodes share. The same command goes on where an earlier job stopped. Change the lines that start with #SBATCH to
# what your cluster has: nodes, cores and GPUs of each, and the time.
#SBATCH --job-name=tune-stability
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --time=12:00:00
# Whole nodes: no other user's process shares a machine with Ray's ports.
#SBATCH --exclusive
# A preempted job, or one whose first node is lost, is queued again, and the search goes on from the store.
#SBATCH --requeue
# A job that loses another node keeps the rest: Ray starts what ran there again elsewhere.
#SBATCH --no-kill
# Two minutes before the time limit this script, and only it, hears of it.
#SBATCH --signal=B:TERM@120
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

MAX_RESTARTS=50

main() {
    prepare
    start_head
    start_workers
    run_search "$@"
}

prepare() {
    : "${VENV:?give the environment that has the package: sbatch --export=ALL,VENV=FOLDER slurm.sh ...}"
    PATH="$VENV/bin:$PATH"
    # Ray keeps a connection and some files open for every worker.
    ulimit -Sn "$(ulimit -Hn)"
    # Whoever has the token runs code on these nodes as you: it is new at every start, and in the environment alone.
    RAY_AUTH_TOKEN="$(python -c 'import secrets; print(secrets.token_hex(32))')"
    export PATH RAY_AUTH_TOKEN RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
    # The address of this node in the cluster's network, and a port that is free here.
    HEAD="$(python -c 'import socket, ray
with socket.socket() as s:
    s.bind(("", 0))
    print(ray.util.get_node_ip_address(), s.getsockname()[1], sep=":")')"
    # Killing the `--block` processes ends the Ray that they started, and no other job's, as `ray stop` would.
    trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
    trap go_on_later TERM
}

start_head() {
    # No dashboard: one port less. A short folder, since the names of sockets may have 107 letters.
    ray start --head --block --disable-usage-stats --include-dashboard=false --temp-dir="/tmp/ray-$SLURM_JOB_ID" \
        --node-ip-address="${HEAD%:*}" --port="${HEAD#*:}" --num-cpus="$SLURM_CPUS_PER_TASK" &
    for _ in {1..60}; do
        if ray health-check --address="$HEAD" >/dev/null 2>&1; then
            return
        fi
        sleep 1
    done
    echo "Ray's head did not start at $HEAD within a minute; its logs are in /tmp/ray-$SLURM_JOB_ID" >&2
    exit 1
}

start_workers() {
    local others=$((SLURM_JOB_NUM_NODES - 1))
    if [ "$others" -gt 0 ]; then
        # A raylet that ends must not end the others, and is started again: it died, or was not up within Ray's limit of
        # 30 seconds because all nodes read Ray from a shared disk at once.
        # shellcheck disable=SC2016 # the shell of the step reads these
        srun --nodes="$others" --ntasks="$others" --ntasks-per-node=1 --exclude="$SLURMD_NODENAME" \
            --no-kill --wait=0 --kill-on-bad-exit=0 \
            bash -c 'for attempt in 1 2 3; do
                ray start --block --disable-usage-stats --address="$1" --num-cpus="$2" && break
                echo "raylet of $SLURMD_NODENAME ended, start $attempt of 3" >&2
                sleep 5
            done' worker "$HEAD" "$SLURM_CPUS_PER_TASK" &
    fi
}

run_search() {
    # In the background, since bash hears signals only while it waits.
    python -m tune_stability.search --address "$HEAD" "$@" &
    wait "$!"
}

go_on_later() {
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "$MAX_RESTARTS" ]; then
        echo "job $SLURM_JOB_ID is told to end: it is queued again and goes on from the store" >&2
        scontrol requeue "$SLURM_JOB_ID"
    else
        echo "job $SLURM_JOB_ID is told to end after $MAX_RESTARTS restarts; the same sbatch command goes on" >&2
    fi
    exit 143
}

main "$@"
