# shellcheck shell=bash
# How many checks passed and failed, over every part and tool.

PASSED=0
FAILED=0

tally() {
    PASSED=$((PASSED + $1))
    FAILED=$((FAILED + $2))
}

# check NAME COMMAND…: one check, by exit status.
check() {
    local name=$1
    shift
    if "$@"; then
        tally 1 0
        say "ok: $name"
    else
        tally 0 1
        say "FAILED: $name"
    fi
}

# counted TOTAL FAILED STATUS: what a test runner says of itself. One that fails, or finds no test,
# without naming a failed test counts as one failure.
counted() {
    local total=${1:-0} failed=${2:-0} status=$3
    if ((failed == 0 && (status != 0 || total == 0))); then failed=1 total=$((total + 1)); fi
    tally $((total - failed)) "$failed"
}

tally_close() {
    printf '\n%d passed, %d failed\n' "$PASSED" "$FAILED"
    ((PASSED > 0 && FAILED == 0))
}
