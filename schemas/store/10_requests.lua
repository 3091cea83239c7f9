-- What workers call of requests. KEYS as in 02_records.lua, and the user's list of streams.

-- A publisher may write to the same keys whatever it likes. What is no record, list or stream there is
-- nothing at all: it must not be what makes a request impossible to end.
local TYPES = { 'hash', 'zset', 'stream', 'zset' }

local function sweep(keys)
    for i, key in ipairs(keys) do
        local found = redis.call('TYPE', key).ok
        if found ~= TYPES[i] and found ~= 'none' then
            redis.call('DEL', key)
        end
    end
end

local function has_failed(reply)
    return type(reply) == 'table' and reply.err ~= nil
end

local function raise_epoch(record)
    if has_failed(redis.pcall('HINCRBY', record, 'epoch', 1)) then -- it is no number
        redis.call('HSET', record, 'epoch', 1)
    end
end

-- A stream holds as many entries as would fill this, were all of them as large as the newest:
-- thousands of progress lines, or a hundred full pieces of output. Nobody fills the store by logs.
local STREAM_BYTES = 4 * 1024 * 1024
local STREAM_ENTRIES = 10000

local function tell(stream, event)
    local most = math.floor(math.min(STREAM_ENTRIES, STREAM_BYTES / #event))
    local entry = { stream, 'MAXLEN', '~', most, '*', 'event', event }
    if has_failed(redis.pcall('XADD', unpack(entry))) then -- its last id is the last that there is
        redis.call('DEL', stream)
        redis.call('XADD', unpack(entry))
    end
end

-- Of what has ended the newest streams stay: one may hold 4 MiB of output, and a user may ask for it again
-- and again. The record, which is the truth, stays in any case. Only here other keys are touched than
-- those passed: the streams of the same user's other requests.
local STREAMS_KEPT = 64

local function tell_last(keys, id, event, retention)
    tell(keys[3], event)
    redis.call('ZADD', keys[4], now_ms(), id)
    keep(keys, retention)
    local excess = redis.call('ZCARD', keys[4]) - STREAMS_KEPT
    if excess > 0 then
        local streams = string.sub(keys[3], 1, -#id - 1)
        for _, oldest in ipairs(redis.call('ZRANGE', keys[4], 0, excess - 1)) do
            redis.call('UNLINK', streams .. oldest)
            redis.call('ZREM', keys[4], oldest)
        end
    end
end

-- What the journal of this server has begun is not called off any more (begun: "1").
guarded('claim', function(keys, args)
    local id, server, op, hash, submitted, result, event, retention, begun = unpack(args)
    sweep(keys)
    local state, known_hash, holder, known_result = read_record(keys[1])
    if state and known_hash ~= hash then
        return { 'mismatch' }
    end
    if FINAL[state] then
        return { 'ended', known_result }
    end
    if state == 'running' then
        return { holder == server and 'ours' or 'elsewhere', holder }
    end
    if begun ~= '1' and redis.call('HEXISTS', keys[1], 'cancel') == 1 then
        return { 'cancelled' }
    end
    redis.call('HSET', keys[1], 'state', 'running', 'hash', hash, 'op', op,
               'submitted', submitted, 'server', server, 'result', result)
    raise_epoch(keys[1])
    list(keys[2], id, submitted, retention)
    tell(keys[3], event)
    keep(keys, retention)
    return { 'ours', server }
end)

-- What a store that has lost its record says of a request would be promised in vain.
guarded('call_off', function(keys, args)
    sweep(keys)
    return cancel(keys, args)
end)

-- A hint, which allocates nothing.
redis.register_function('dcm_1_event', function(keys, args)
    local event, retention = unpack(args)
    sweep({ keys[1] })
    if FINAL[redis.call('HGET', keys[1], 'state')] then
        return { 'ended' }
    end
    tell(keys[3], event)
    redis.call('EXPIRE', keys[3], retention)
    return { 'told' }
end)

guarded('end', function(keys, args)
    local id, server, op, hash, submitted, final_state, result, event, retention = unpack(args)
    sweep(keys)
    local state, known_hash, holder = read_record(keys[1])
    if state and known_hash ~= hash then
        return { 'mismatch' }
    end
    if FINAL[state] then
        return { 'ended' }
    end
    if state == 'running' and holder ~= server then
        return { 'elsewhere', holder }
    end
    redis.call('HSET', keys[1], 'state', final_state, 'hash', hash, 'op', op,
               'submitted', submitted, 'server', server, 'result', result)
    list(keys[2], id, submitted, retention)
    tell_last(keys, id, event, retention)
    return { 'done' }
end)

-- Claim and end in one, for a request that comes to nothing but its result. Whatever stands against
-- it is left for `claim` to say.
guarded('end_unclaimed', function(keys, args)
    local id, server, op, hash, submitted, final_state, result, placed, done, retention = unpack(args)
    sweep(keys)
    local state, known_hash, holder = read_record(keys[1])
    if (state and known_hash ~= hash) or FINAL[state] or (state == 'running' and holder ~= server) or
        redis.call('HEXISTS', keys[1], 'cancel') == 1 then
        return { 'left' }
    end
    redis.call('HSET', keys[1], 'state', final_state, 'hash', hash, 'op', op,
               'submitted', submitted, 'server', server, 'result', result)
    if state ~= 'running' then
        raise_epoch(keys[1])
    end
    list(keys[2], id, submitted, retention)
    tell(keys[3], placed)
    tell_last(keys, id, done, retention)
    return { 'done' }
end)
