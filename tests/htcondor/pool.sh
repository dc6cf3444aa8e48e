#!/usr/bin/env bash
# An HTCondor pool of one machine, this one, for the drills in test_pool.py:
#     tests/htcondor/pool.sh install FOLDER   HTCondor of Debian 13 into a folder, for machines that have none
#     tests/htcondor/pool.sh up FOLDER        starts master, collector, negotiator, schedd and startd, on loopback only;
#                                             all their files are in FOLDER
#     tests/htcondor/pool.sh down FOLDER      removes every job and stops them
# HTCondor is that of the path, or the one that `install` put into $CALOVISION_HTCONDOR_ROOT. Root, whose jobs HTCondor
# runs for nobody, becomes another user of a user namespace: who files belong to stays the same (as_user).
set -euo pipefail

folder=$(realpath -m "$2")
root=${CALOVISION_HTCONDOR_ROOT-}
export CONDOR_CONFIG=$folder/condor_config

# The programs run on this machine's own root folder, with the libraries of Debian 13.
install() {
    local mirror program loader libraries
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 'debian/$') || mirror=
    # the packages' own scripts ask HTCondor for its configuration
    env --unset=CONDOR_CONFIG mmdebstrap --quiet --mode=root --variant=apt --include=condor,python3 trixie "$folder" ${mirror:+"$mirror"}
    loader=$(realpath "$folder"/usr/lib64/ld-linux-*.so.*)
    libraries=$folder/usr/lib:$(dirname "$loader")
    for program in "$folder"/usr/{bin,sbin,libexec/condor}/*condor_*; do
        if [ -f "$program" ] && [ ! -L "$program" ] && [ "$(head -c 4 "$program" | tail -c 3)" = ELF ]; then
            patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$program"
        fi
    done
}

# A command as a user for whom HTCondor runs jobs.
as_user() {
    if [ "$(id -u)" = 0 ]; then unshare --user --map-user=1 --map-group=1 -- "$@"; else "$@"; fi
}

write_config() {
    local port memory
    port=$((20000 + RANDOM % 20000))
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$CONDOR_CONFIG" <<END
RELEASE_DIR = ${root:-}/usr
BIN = \$(RELEASE_DIR)/bin
SBIN = \$(RELEASE_DIR)/sbin
LIB = \$(RELEASE_DIR)/lib/condor
LIBEXEC = \$(RELEASE_DIR)/libexec/condor
SHARE = \$(RELEASE_DIR)/share/condor
LOCAL_DIR = $folder
LOG = $folder/log
SPOOL = $folder/spool
EXECUTE = $folder/execute
LOCK = $folder/lock
RUN = $folder/run
PROCD_ADDRESS = $folder/run/procd
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD STARTD

# loopback only, and nobody but the user who started it
CONDOR_HOST = 127.0.0.1
COLLECTOR_HOST = 127.0.0.1:$port
NETWORK_INTERFACE = 127.0.0.1
BIND_ALL_INTERFACES = False
ENABLE_IPV6 = False
NO_DNS = True
DEFAULT_DOMAIN_NAME = drill
UID_DOMAIN = drill
# as where HTCondor does not know that files are shared: jobs begin in a folder of their own
FILESYSTEM_DOMAIN = drill
STARTD.FILESYSTEM_DOMAIN = node
STARTER.FILESYSTEM_DOMAIN = node
USE_SHARED_PORT = False
SEC_DEFAULT_AUTHENTICATION = REQUIRED
SEC_DEFAULT_AUTHENTICATION_METHODS = FS
# the Python interface is newer than Debian's HTCondor, which cannot prove its address
SEC_FS_ENFORCE_CHANNEL_BINDING = False
ALLOW_READ = *@drill/127.0.0.1
ALLOW_WRITE = *@drill/127.0.0.1
ALLOW_DAEMON = *@drill/127.0.0.1
ALLOW_ADMINISTRATOR = *@drill/127.0.0.1
ALLOW_NEGOTIATOR = *@drill/127.0.0.1

# jobs start at once and share one partitionable slot
use POLICY : Always_Run_Jobs
use FEATURE : PartitionableSlot
NUM_CPUS = 4
MEMORY = $memory
RUNBENCHMARKS = False
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 2
POLLING_INTERVAL = 1
PERIODIC_EXPR_INTERVAL = 2
STARTER_INITIAL_UPDATE_INTERVAL = 1
STARTER_UPDATE_INTERVAL = 1
SHADOW_QUEUE_UPDATE_INTERVAL = 1
PID_SNAPSHOT_INTERVAL = 1
JOB_START_DELAY = 0
KILLING_TIMEOUT = 3
MACHINEMAXVACATETIME = 2
# a job above its memory is held, as on farms
use POLICY : HOLD_IF_MEMORY_EXCEEDED
MODIFY_REQUEST_EXPR_REQUESTMEMORY = RequestMemory
END
}

start() {
    mkdir -p "$folder"/{log,spool,execute,lock,run}
    write_config
    as_user "${root:-}/usr/sbin/condor_master" -pidfile "$folder/master.pid"
    for _ in $(seq 240); do
        if [ -n "$(as_user "${root:-}/usr/bin/condor_status" -schedd -af Name 2>/dev/null)" ] &&
            [ -n "$(as_user "${root:-}/usr/bin/condor_status" -af Name 2>/dev/null)" ]; then return 0; fi
        sleep 0.25
    done
    echo "HTCondor did not start; its logs are in $folder/log" >&2
    exit 1
}

stop() {
    local pid
    as_user "${root:-}/usr/bin/condor_rm" -all >/dev/null 2>&1 || true
    pid=$(cat "$folder/master.pid" 2>/dev/null) || return 0
    # the number may belong to another process by now
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = condor_master ] || return 0
    kill -QUIT "$pid"
    for _ in $(seq 80); do [ -e "/proc/$pid" ] || return 0; sleep 0.25; done
    kill -KILL "$pid"
}

case $1 in
install) install ;;
up)
    trap 'if [ $? != 0 ]; then stop; fi' EXIT
    start
    ;;
down) stop ;;
*) echo "usage: $0 install|up|down FOLDER" >&2; exit 2 ;;
esac
