# shellcheck shell=bash
# Debian packages: lists by purpose, and an installation that starts no service.

# shellcheck disable=SC2034 # for the scripts that install them
BUILD_PACKAGES=(cmake ninja-build gcc libc6-dev pkg-config librabbitmq-dev libcurl4-openssl-dev
    libjansson-dev libhiredis-dev libsqlite3-dev libsystemd-dev libssl-dev
    libedit-dev libseccomp-dev libmicrohttpd-dev)
# shellcheck disable=SC2034
RUN_PACKAGES=(rabbitmq-server redis-server docker.io iptables openssh-client openssh-server debootstrap iproute2
    ca-certificates procps openssl jq bsdextrautils)
# shellcheck disable=SC2034
TEST_PACKAGES=(libcmocka-dev python3-pytest python3-pika python3-redis python3-docker
    python3-jsonschema python3-yaml python3-pexpect rsync stunnel4 strace tmux shellcheck lintian clang libclang-rt-14-dev
    clang-format clang-tidy cppcheck curl util-linux python3-seccomp systemd xfsprogs btrfs-progs prometheus)
# shellcheck disable=SC2034
COMPOSE_PACKAGES=(docker-compose)
# shellcheck disable=SC2034
BENCH_PACKAGES=(python3-celery python3-rq python3-matplotlib)

POLICY=/usr/sbin/policy-rc.d
POLICY_MARK='# Placed by DCM while it installs packages.'

# packages_install NAME…: those that are missing, with no question asked and no service started.
packages_install() {
    local -a missing
    mapfile -t missing < <(packages_missing "$@")
    ((${#missing[@]})) || return 0
    say "installing ${missing[*]}"
    (
        trap policy_restore EXIT
        policy_forbid
        apt-get update -qq || say "apt-get update failed; trying with the lists that are here"
        DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
            --no-remove -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
    ) || die "apt-get could not install them"
}

packages_missing() {
    local package
    for package in "$@"; do
        # Another packaging of the engine will do, and may not be replaced.
        [[ $package != docker.io ]] || ! command -v dockerd >/dev/null || continue
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

# invoke-rc.d(8) asks this program before it starts a service; 101 means no. One of the machine's
# own is set aside; ours may be left from a run that was killed.
policy_forbid() {
    if [[ -e $POLICY ]] && ! grep -qF "$POLICY_MARK" "$POLICY"; then
        mv "$POLICY" "$POLICY.dcm-saved"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$POLICY_MARK" >"$POLICY"
    chmod 755 "$POLICY"
}

policy_restore() {
    rm -f "$POLICY"
    [[ ! -e $POLICY.dcm-saved ]] || mv "$POLICY.dcm-saved" "$POLICY"
}
