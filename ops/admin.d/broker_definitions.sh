# shellcheck shell=bash
# Accounts as RabbitMQ imports them, for dcm-admin and for the private services of tests and quickstart.

# broker_password_hash: of the password on standard input, as RabbitMQ keeps it: base64 of a salt and the
# SHA-256 of salt and password.
broker_password_hash() {
    local salt password
    password=$(cat)
    salt=$(od -An -N4 -tx1 /dev/urandom | sed 's/ /\\x/g')
    {
        printf '%b' "$salt"
        { printf '%b' "$salt" && printf '%s' "$password"; } | openssl dgst -sha256 -binary
    } | base64 -w0
}

# broker_definition NAME HASH ROLE VHOST TAGS LIMITS: one account as RabbitMQ imports it.
broker_definition() {
    local -a patterns
    mapfile -t patterns < <(role_broker "$3")
    jq -nc --arg name "$1" --arg vhost "$4" --arg tags "$5" --argjson limits "$6" \
        --slurpfile hash <(jq -R . <<<"$2") --args '{
        users: [{$name, $tags, password_hash: $hash[0], hashing_algorithm: "rabbit_password_hashing_sha256", $limits}],
        permissions: [{user: $name, $vhost} + ([["configure", "write", "read"], $ARGS.positional] | transpose |
            map({(.[0]): .[1]}) | add)]}' "${patterns[@]}"
}
