# shellcheck shell=bash
# pytest against the real programs, in network, mount and process namespaces of their own: nothing
# collides with a running stack, and nothing outlives the run.

part_integration() {
    check "the image" image_prepare
    pytest_shared integration dev
}

# The same on an engine with user namespaces, and test_userns.py, which is about those.
part_userns() {
    check "the image" image_prepare
    ENGINE_REMAP=dcm-remap pytest_shared integration dev
}

# The same on programs under the address and undefined-behaviour sanitizers. What is found ends the process
# and is written to a file, for nobody may read what a program prints; by a daemon, whose sandbox has no such
# file, to its log, which is read when the stack goes down. Leaks are looked for by the unit tests: the
# end of a process under seccomp is no place for that.
part_sanitized() {
    local found
    check "the image" image_prepare
    found=$(mktemp -d /tmp/dcm-sanitizers.XXXXXX)
    chmod 1777 "$found"
    local -x ASAN_OPTIONS=detect_leaks=0:log_path=$found/asan UBSAN_OPTIONS=log_path=$found/ubsan
    pytest_shared integration asan
    pytest_part security asan
    pytest_faults asan-faults
    pytest_checker asan
    check "no finding of the sanitizers" report_nothing "$found"
    rm -r "$found"
}

report_nothing() {
    local -a files
    mapfile -t files < <(find "$1" -type f)
    ((${#files[@]} == 0)) || { head -n 60 "${files[@]}" >&2 && return 1; }
}

# Hostile cases; at the end a table of the walls that held.
part_security() {
    check "the image" image_prepare
    pytest_part security dev
}

# Beside what people would use instead, which nothing else needs.
part_bench() {
    packages_install "${BENCH_PACKAGES[@]}"
    check "the image" image_prepare
    pytest_part bench dev -s
}

# A build of its own, with the points at which processes die, on an engine that does nothing.
part_faults() {
    pytest_faults faults
}

pytest_faults() {
    pytest_shared faults "$1" --ignore tests/faults/test_checker.py --ignore tests/faults/test_mutants.py
}

# Many requests while everything breaks; how many, from which seeds, on which engine: CHECKER_….
# And workers that are worse than ours, whose reports have to be bad.
part_checker() {
    [[ ${CHECKER_ENGINE:-} != docker ]] || check "the image" image_prepare
    pytest_checker dev
}

pytest_checker() {
    pytest_shared faults/test_checker.py "$1" -s --show-capture=no tests/faults/test_mutants.py
}

# Load for a while, on an engine that does nothing; no process of ours may grow.
SOAK_SECONDS=600
part_soak() {
    SOAK_SECONDS=$SOAK_SECONDS pytest_part soak dev -s
}

# pytest_part PLACE PRESET [OPTION…]. Debian's python is the one that has the modules of packages.sh.
pytest_part() {
    local log=build/${1//\//-}.tests status=0
    check "the $2 build" build_preset "$2"
    pytest_alone "$@" 2>&1 | tee "$log" >&2 || status=$?
    pytest_counted "$status" "$log"
}

# pytest_shared PLACE PRESET [OPTION…]: the same by as many runs side by side as there are
# processors, most of whose time is waiting. Their lines begin with a number.
pytest_shared() {
    local log=build/${1//\//-}.tests count claims number status=0 runs=() logs=()
    count=$(nproc)
    claims=$(mktemp -d /tmp/dcm-claims.XXXXXX)
    check "the $2 build" build_preset "$2"
    for ((number = 1; number <= count; number++)); do
        logs+=("$log.$number")
        pytest_alone "$@" -p shares --share "$number/$count" --claims "$claims" 2>&1 |
            tee "$log.$number" | sed -u "s/^/$number: /" >&2 &
        runs+=($!)
    done
    for number in "${runs[@]}"; do wait "$number" || status=$?; done
    rm -r "$claims"
    pytest_counted "$status" "${logs[@]}"
}

# DCM_BUILD tells the fixtures where the programs are. Mounts that are made in there later reach the
# daemons' sandboxes, as on a server, and nothing outside. Debian's docker module warns of distutils.
pytest_alone() {
    local place=$1 preset=$2
    shift 2
    DCM_BUILD=$BUILD_ROOT/build/$preset PYTHONPATH=$BUILD_ROOT/tests/lib PYTHONDONTWRITEBYTECODE=1 \
        unshare --net --mount --pid --fork --kill-child --mount-proc \
        bash -c 'ip link set lo up; mount --make-rshared /; "$@"; exit' -- \
        /usr/bin/python3 -m pytest --rootdir . -p no:cacheprovider -W "ignore:distutils" -ra --durations=5 \
        "$@" "tests/$place"
}

# pytest_counted STATUS LOG…, by the last lines: "== 1 failed, 24 passed, 2 errors in 81.02s =="
pytest_counted() {
    local status=$1 log last passed=0 failed=0 names
    shift
    for log in "$@"; do
        last=$(grep -E ' in [0-9.]+s' "$log" | tail -n 1) || last=
        passed=$((passed + $(pytest_number passed "$last")))
        failed=$((failed + $(pytest_number failed "$last") + $(pytest_number error "$last")))
        mapfile -t names < <(grep -E '^(FAILED|ERROR) ' "$log" | cut -c 1-400)
        FAILURES+=("${names[@]}")
    done
    counted $((passed + failed)) "$failed" "$status"
}

pytest_number() {
    [[ $2 =~ ([0-9]+)\ $1 ]] && printf '%s\n' "${BASH_REMATCH[1]}" || printf '0\n'
}

# engine_aside STATE: one that touches neither network nor firewall of the machine, to make images.
engine_aside() {
    engine_start "$1" --bridge none --iptables=false --ip-forward=false
    engine_wait "$1"
}

# In the cache.
image_prepare() {
    local state
    [[ ! -s $(image_archive) ]] || return 0
    state=$(mktemp -d /tmp/dcm-image.XXXXXX)
    (
        trap 'engine_erase "$state"; rm -rf "$state"' EXIT
        engine_aside "$state"
        image_ensure "$state"
    )
}
