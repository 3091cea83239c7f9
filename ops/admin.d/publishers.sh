# shellcheck shell=bash
# Publishers: gates and batch systems, which ask in users' names. Each has an account at the broker
# that may write to one exchange and nothing else, an account at the store that reads its users' part,
# and a place in the policy, which says who these users are.

CONNECTIONS_USUAL=128

publisher_file() {
    printf '%s\n' "${OPTIONS[file]:-$CONFIG_DIRECTORY/publishers/$1.conf}"
}

publisher_check_name() {
    [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$ ]] ||
        fail 2 "$1 cannot be a publisher: at most 63 letters, digits and _ . -, the first a letter or digit"
}

# publisher_users: the words of --users, a line each.
publisher_users() {
    local user
    local -a users
    [[ ${OPTIONS[users]:-} =~ ^[^,]+(,[^,]+)*$ ]] ||
        misuse "publisher add needs --users USER,USER or --users '*'"
    IFS=, read -ra users <<<"${OPTIONS[users]}"
    for user in "${users[@]}"; do
        [[ $user == '*' ]] || check_name "$user"
    done
    printf '%s\n' "${users[@]}"
}

# publisher_account NAME: what the broker has of it, or nothing. Fails for an account of another kind, which
# would lose its rights.
publisher_account() {
    local accounts account vhost
    vhost=$(broker_vhost) || exit
    accounts=$(broker_accounts) || exit
    # shellcheck disable=SC2016 # jq's variable
    account=$(jq -c --arg name "$1" '.[] | select(.name == $name)' <<<"$accounts")
    [[ -z $account ]] || publisher_is_one "$vhost" <<<"$account" ||
        fail 1 "the broker's account $1 is no publisher's: choose another name"
    printf '%s\n' "$account"
}

# What a publisher may do at the broker, as in broker_accounts.
publisher_rights() {
    role_broker publisher | jq -nRc '[inputs]'
}

# On standard input, an account; a run that was killed may have left it without rights.
publisher_is_one() {
    # shellcheck disable=SC2016 # jq's variables
    jq -e --arg vhost "$1" --argjson role "$(publisher_rights)" \
        '.tags == [] and (.rights == {} or .rights == {($vhost): $role})' >/dev/null
}

publisher_add() {
    local name=$1 connections=${OPTIONS[connections]:-$CONNECTIONS_USUAL} listed account hash="" password
    local -a users
    publisher_check_name "$name"
    [[ $connections =~ ^[1-9][0-9]{0,4}$ ]] || misuse "--connections: 1 to 99999"
    listed=$(publisher_users)
    mapfile -t users <<<"$listed"
    alone
    policy_version "${SETTINGS[policy]}" >/dev/null || exit 1
    account=$(publisher_account "$name")
    [[ -z $account ]] || hash=$(jq -r .hash <<<"$account")
    password=$(publisher_password "$name" "$hash")
    [[ -z ${SETTINGS[store]} ]] || store_publisher "$name" "$password" "${users[@]}"
    [[ -n $hash ]] || hash=$(printf '%s' "$password" | broker_password_hash)
    broker_publisher "$name" "$hash" "$connections"
    # shellcheck disable=SC2016 # jq's variables
    policy_edit "$name" '.publishers[$user] = {users: ($users | split(","))}'
    publisher_print "$name"
}

# publisher_password NAME HASH: the password, out of its file. There is none where the account is there and
# the file has been taken to where it belongs: then the account keeps what it has.
publisher_password() {
    local file line
    file=$(publisher_file "$1")
    if [[ -z $2 && ! -e $file ]]; then publisher_write "$1" "$file"; fi
    [[ -e $file ]] || return 0
    file_is_private "$file" || fail 2 "$file must be root's, and nobody else's to read or write"
    line=$(grep -m 1 -E '^broker = ' "$file") || line=""
    [[ $line =~ ://$1:([0-9a-f]{64})@ ]] ||
        fail 2 "$file is there already, and not the credentials of $1"
    printf '%s\n' "${BASH_REMATCH[1]}"
}

# publisher_write NAME FILE: the file for dcm-submit --config or a gate, with the addresses that
# dcm-admin itself goes by.
publisher_write() {
    local password urls="" url
    password=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    for url in ${SETTINGS[broker]//,/ }; do urls+=" ${url%%://*}://$1:$password@${url##*@}"; done
    [[ -d $(dirname "$2") ]] || install -d -m 700 "$(dirname "$2")"
    {
        printf '# The publisher %s: dcm-submit --config, or these lines in gate.conf.\nbroker =%s\n' "$1" "$urls"
        url=${SETTINGS[store]}
        [[ -z $url ]] || printf 'store = %s://%s:%s@%s\n' "${url%%://*}" "$1" "$password" "${url##*@}"
        [[ -z ${SETTINGS[tls_ca]} ]] || printf 'tls_ca = %s\n' "${SETTINGS[tls_ca]}"
    } | (umask 077 && cat >"$2.new")
    sync "$2.new"
    mv -fT "$2.new" "$2"
}

# The policy first: what it asks from then on is refused, whatever becomes of the rest.
publisher_remove() {
    local name=$1 account file
    publisher_check_name "$name"
    alone
    account=$(publisher_account "$name")
    file=$(publisher_file "$name")
    [[ -n $account || -e $file ]] || publisher_in_policy "$name" || fail 4 "there is no publisher $name"
    # shellcheck disable=SC2016 # jq's variable
    policy_edit "$name" 'if .publishers then del(.publishers[$user]) else . end'
    [[ -z ${SETTINGS[store]} ]] || store_account_drop "$name"
    [[ -z $account ]] || broker_ctl delete_user "$name" >/dev/null
    rm -f "$file"
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -nc --arg name "$name" '{publisher: $name, removed: true}'; fi
    tell "$name is no publisher any more"
}

publisher_in_policy() {
    # shellcheck disable=SC2016
    policy_read -e --arg name "$1" '.publishers // {} | has($name)' >/dev/null
}

# publisher_facts: JSON of all, whether they are known to the broker, the policy, or both. The broker is
# not asked again by whoever has just waited for it.
publisher_facts() {
    local accounts vhost
    vhost=$(broker_vhost) || exit
    accounts=${BROKER_ACCOUNTS:-$(broker_accounts)} || exit
    # shellcheck disable=SC2016
    policy_read -c --slurpfile accounts <(printf '%s' "$accounts") --arg vhost "$vhost" \
        --argjson role "$(publisher_rights)" '
        (.publishers // {}) as $spoken | ($accounts[0] | map({(.name): .}) | add) as $known |
        [$accounts[0][] | select(.rights[$vhost] == $role).name] + ($spoken | keys) | unique |
        map({name: ., users: ($spoken[.].users // []), account: ($known[.] != null), policy: ($spoken[.] != null),
            connections: $known[.].limits["max-connections"]})'
}

publisher_table() {
    jq -r '.[] | [.name, if .account then "yes" else "no" end, .connections // "-",
        if .policy then .users | join(",") else "nobody: not in the policy" end] | @tsv' |
        { printf 'NAME\tACCOUNT\tCONNECTIONS\tSPEAKS FOR\n' && cat; } | column -t -s $'\t'
}

publisher_print() {
    local facts file
    facts=$(publisher_facts)
    # shellcheck disable=SC2016
    facts=$(jq -c --arg name "$1" 'map(select(.name == $name))' <<<"$facts")
    file=$(publisher_file "$1")
    [[ -e $file ]] || file=""
    if [[ -n ${OPTIONS[json]:-} ]]; then
        jq -c --arg file "$file" '{publisher: (.[0] + if $file == "" then {} else {$file} end)}' <<<"$facts"
    else
        publisher_table <<<"$facts"
        [[ -z $file ]] || printf 'Its credentials are in %s.\n' "$file"
    fi
}

publisher_list() {
    local facts
    facts=$(publisher_facts)
    if [[ -n ${OPTIONS[json]:-} ]]; then jq -c '{publishers: .}' <<<"$facts"; else publisher_table <<<"$facts"; fi
}
