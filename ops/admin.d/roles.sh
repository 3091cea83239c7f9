# shellcheck shell=bash
# What the accounts of each role may do at broker and store: dcm-admin makes publishers' accounts by
# this, and the private services of tests and quickstart all of theirs.
#
#   publisher  a gate, or a batch system: asks, and reads what came of it
#   worker     takes what is asked, and writes what came of it
#   admin      dcm-admin's own: asks, looks after what was parked, and makes the store's other accounts
#   root       at the broker, who tests and tries things out, on private services alone

# role_broker ROLE: patterns of the names that it may configure, write and read, a line each. They end
# in \z because `$` admits a trailing newline; "nothing" is (?!), because RabbitMQ reads an empty
# pattern as ^$. Topic permissions, which a CC header passes by, play no part: dcm.requests is a direct
# exchange, and whatever keys a message names, it reaches only the queues that are bound there.
role_broker() {
    case $1 in
    publisher) printf '%s\n' '(?!)' '^dcm\.requests\z' '(?!)' ;;
    worker) printf '%s\n' '^dcm\.' '^(dcm\..*|amq\.default)\z' '^dcm\.' ;;
    admin) printf '%s\n' '(?!)' '^dcm\.requests\z' '^dcm\.parked\z' ;;
    root) printf '%s\n' '.*' '.*' '.*' ;;
    esac
}

# role_store ROLE [USER…]: the words behind `reset` in ACL SETUSER, a line each, but for the password.
# A publisher's users are those for whom it asks; * is everybody.
# https://redis.io/docs/management/security/acl/: %R~ reads, ~ writes too.
role_store() {
    local role=$1 user
    shift
    case $role in
    publisher)
        # What everybody may have is under a user called *, here with a backslash: no pattern.
        printf '%s\n' '%R~dcm:user:\*:*' '%R~dcm:generation'
        for user in "$@"; do
            printf '%s\n' "%R~dcm:user:$user:*" "~dcm:user:$user:requests" "~dcm:user:$user:request:*" \
                "~dcm:user:$user:events:*" "~dcm:user:$user:follower:*"
        done
        printf '%s\n' -@all "${ROLE_COMMANDS[@]}" "${PUBLISHER_COMMANDS[@]}"
        ;;
    worker) printf '%s\n' "~dcm:*" -@all "${ROLE_COMMANDS[@]}" "${WORKER_COMMANDS[@]}" ;;
    admin) printf '%s\n' "~*" "&*" +@all ;;
    esac
}

# Reading, and what both dcm_1_queue and dcm_1_cancel do: a function calls with its caller's rights.
ROLE_COMMANDS=(+hello +ping +select "+client|setname" +time +exists +type +ttl
    +hget +hmget +hgetall +hvals +hexists +hlen +zrange +zrevrange +zrangebyscore +zcard +zscore
    +xread +xrange +xrevrange +xlen +get
    +set +hset +zadd +zremrangebyscore +expire +xadd)
# Whoever loads functions decides what they do: a publisher can't, and calls these alone.
PUBLISHER_COMMANDS=("+fcall|dcm_1_queue" "+fcall|dcm_1_cancel")
WORKER_COMMANDS=(+fcall "+function|load" "+function|list" +info +scan +del +unlink +persist +pexpire +incr +incrby
    +setbit +bitpos +strlen +hdel +hincrby +hsetnx +hkeys +hscan
    +sadd +srem +smembers +sismember +scard +sscan +zrem +zincrby +zscan
    +xdel +xtrim)
