#!/usr/bin/env bash
# A SLURM cluster of one node, this machine, for the drills in test_drills.py:
#     tests/slurm/cluster.sh up FOLDER      starts munge, the controller and the node; all their files are in FOLDER
#     tests/slurm/cluster.sh down FOLDER    cancels every job and stops them
# Needs root and the programs slurmctld, slurmd, sinfo and munged. There is no accounting database and no systemd.
set -euo pipefail

folder=$(realpath -m "$2")
conf=$folder/slurm.conf
# every program below asks this cluster and no other
export SLURM_CONF=$conf
# Jobs look for the configuration here, since the executor of Snakemake clears SLURM_CONF for them.
system_conf=/etc/slurm/slurm.conf

refuse_other_clusters() {
    # a link is what drills that were killed left
    if { [ -e $system_conf ] && [ ! -L $system_conf ]; } || pgrep -x slurmctld >/dev/null; then
        echo "this machine belongs to a cluster ($system_conf) or runs drills already" >&2
        exit 1
    fi
}

write_conf() {
    local host port memory cpus
    host=$(hostname -s)
    port=$((20000 + RANDOM % 20000))
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cpus=$(env --unset=OMP_NUM_THREADS nproc)  # the tests set it to 1, which nproc would take for the machine's
    cat >"$conf" <<END
ClusterName=drill
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
# without cgroups: the processes of a job are found by their parents
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
# a job above its memory is killed within a second
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
# jobs stay in the answers of squeue after their end
MinJobAge=3600
KillWait=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2
ReturnToService=2
DefMemPerCPU=500
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory
PartitionName=drill Nodes=$host Default=YES MaxTime=1-00:00:00 State=UP
END
}

start() {
    mkdir -p "$folder/state" "$folder/spool"
    [ -s "$folder/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
    # --force: the folder may lie below one that everyone can write to
    munged --force --key-file="$folder/munge.key" --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munged.seed"
    write_conf
    mkdir -p /etc/slurm
    ln -sfn "$conf" $system_conf
    slurmctld -i -f "$conf"
    slurmd -f "$conf"
    for _ in $(seq 240); do
        if sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then return 0; fi
        sleep 0.25
    done
    echo "SLURM did not start; its logs are in $folder" >&2
    exit 1
}

stop() {
    scancel --user="$(id -un)" 2>/dev/null || true
    for daemon in slurmd slurmctld munged; do
        pid=$(cat "$folder/$daemon.pid" 2>/dev/null) || continue
        # the number may belong to another process by now
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$daemon" ]; then kill "$pid"; fi
        for _ in $(seq 40); do [ -e "/proc/$pid" ] || break; sleep 0.25; done
    done
    if [ "$(readlink $system_conf)" = "$conf" ]; then rm $system_conf; fi
}

case $1 in
up)
    refuse_other_clusters
    trap 'if [ $? != 0 ]; then stop; fi' EXIT
    start
    ;;
down) stop ;;
*) echo "usage: $0 up|down FOLDER" >&2; exit 2 ;;
esac
