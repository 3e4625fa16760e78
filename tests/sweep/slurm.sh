#!/usr/bin/env bash
# slurm.sh SOURCE POLARIS: the scripts of scripts/slurm on a real slurmctld and slurmd of our own.
# One shard's program dies twice and is tried again; a sweep whose shard never succeeds is not
# merged, and goes on when it is submitted again. Exit code 77: Slurm is not installed.
set -euo pipefail
source=$1 polaris=$2

for tool in munged slurmctld slurmd sbatch; do
  PATH=$PATH:/usr/sbin command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ "$(id -u)" -eq 0 ] || { echo "skipped: slurmd needs root"; exit 77; }
export PATH=$PATH:/usr/sbin

folder=$(mktemp -d)
pids=()
finish() {
  status=$?
  [ $status -eq 0 ] || tail -n 20 "$folder"/*.log "$folder"/*/slurm-*.log 2>/dev/null || true
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$folder"
}
trap finish EXIT

# A cluster of this machine alone; ports by process number, so that two may run at once.
port=$((20000 + $$ % 20000))
mkdir -p -m 700 "$folder"/{state,spool,munge}
chmod 755 "$folder"
head -c 1024 /dev/urandom > "$folder/munge/key"
chmod 400 "$folder/munge/key"
export SLURM_CONF=$folder/slurm.conf
cat > "$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
CONF
# Slurm 22.05 initialises control groups even where no plugin uses them.
version=v2
[ -e /sys/fs/cgroup/cgroup.controllers ] || version=v1
echo "CgroupPlugin=cgroup/$version" > "$folder/cgroup.conf"
munged --foreground --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
  --pid-file="$folder/munge/pid" --log-file="$folder/munge.log" \
  --seed-file="$folder/munge/seed" 2>"$folder/munge-stderr.log" & pids+=($!)
for _ in $(seq 100); do [ ! -S "$folder/munge/socket" ] || break; sleep 0.1; done
slurmctld -D 2>"$folder/slurmctld.log" & pids+=($!)
slurmd -D 2>"$folder/slurmd.log" & pids+=($!)
wait_for() {  # seconds, what for, command...
  local seconds=$1 what=$2
  shift 2
  for _ in $(seq $((seconds * 5))); do "$@" && return; sleep 0.2; done
  echo "waited $seconds s for $what"; return 1
}
is_idle() { [ "$(sinfo -h -o %t 2>/dev/null)" = idle ]; }
no_jobs() { [ -z "$(squeue -h 2>/dev/null)" ]; }
wait_for 60 "an idle node" is_idle

# The program, but shard 3 dies the first $FAILURES times.
cat > "$folder/flaky" <<FLAKY
#!/usr/bin/env bash
if [[ "\$*" == *"--shard 3/"* ]]; then
  n=\$(cat "$folder/failures")
  if [ "\$n" -gt 0 ]; then echo \$((n - 1)) > "$folder/failures"; kill -9 \$\$; fi
fi
exec "$polaris" "\$@"
FLAKY
chmod +x "$folder/flaky"
sweep=(--workload resnet50 --space small --layer conv5_reduce)
"$polaris" sweep "${sweep[@]}" --out "$folder/direct" > /dev/null
submit() {
  POLARIS=$folder/flaky "$source/scripts/slurm/submit" --shards 4 --attempts 3 \
    -- --out "$folder/$1" "${sweep[@]}"
  wait_for 120 "the jobs" no_jobs
}
expect_equal() {
  for file in certificate.json top.csv hardware.csv pareto.csv; do
    cmp "$folder/direct/$file" "$folder/$1/$file"
  done
}

echo 2 > "$folder/failures"
submit retried
grep -q "in attempt 2 of 3" "$folder"/retried/slurm-*-3.log
expect_equal retried

echo 4 > "$folder/failures"
submit again
[ ! -e "$folder/again/certificate.json" ] || { echo "merged without shard 3"; exit 1; }
submit again
expect_equal again

if "$source/scripts/slurm/submit" --shards 0 -- --out x 2>"$folder/refused"; then exit 1; fi
grep -q "expected 1 to 9999" "$folder/refused"
echo "slurm: passed"
