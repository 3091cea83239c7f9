# shellcheck shell=bash disable=SC2034
# Where the quickstart stack lives. Fixed names, so that `down` finds everything again.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STATE=$CHECKOUT/.dcm               # services, secrets, demo users' keys; only root enters
PREFIX=/opt/dcm-quickstart         # programs
CONFIG=$PREFIX/etc                 # their configuration
RUN=/run/dcm-quickstart            # the gate's socket
DATA=/var/lib/dcm-quickstart       # users' storage and keys, the worker's journal
ACCOUNT=dcm-quickstart             # of the gate and the worker's link
DEMO=demo                          # the first user
COMMENT="DCM quickstart"           # marks the accounts that are ours to delete

step() {
    printf '\n== %s\n' "$*"
}

# The names above are one stack's: two checkouts take turns.
layout_claim() {
    local other
    other=$(cat "$DATA/checkout" 2>/dev/null || true)
    [[ -z $other || $other == "$CHECKOUT" || ! -d $other/.dcm ]] ||
        die "the quickstart of $other is here: run $other/ops/quickstart down first"
    mkdir -p "$PREFIX" "$RUN" "$DATA"
    (umask 077 && mkdir -p "$STATE" "$STATE/keys")
    printf '%s\n' "$CHECKOUT" >"$DATA/checkout"
}

services_start() {
    broker_start "$STATE"
    store_start "$STATE"
    engine_choose "$STATE"
    ! engine_is_private "$STATE" || engine_start "$STATE"
    engine_wait "$STATE"
    firewall_start
    store_wait "$STATE"
    broker_wait "$STATE"
}

# The rules are one machine's: <state>/firewall says that they are there because of us.
firewall_start() {
    ! "$CHECKOUT/ops/dcm-firewall" check 2>/dev/null || return 0
    touch "$STATE/firewall"
    "$CHECKOUT/ops/dcm-firewall" apply
}

firewall_stop() {
    [[ ! -e $STATE/firewall ]] || "$CHECKOUT/ops/dcm-firewall" remove
}
