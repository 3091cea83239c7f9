-- Requests: record, list and stream of one request.
-- KEYS of all of them: the request's record, the user's list of requests, the request's stream.

local FINAL = {
    done = true, failed = true, refused = true, expired = true, cancelled = true, unknown = true,
}

-- A stream holds as many entries as would fill this, were all of them as large as the newest:
-- thousands of progress lines, or a hundred full pieces of output. Nobody fills the store by logs.
local STREAM_BYTES = 4 * 1024 * 1024
local STREAM_ENTRIES = 10000

local function tell(stream, event)
    local most = math.floor(math.min(STREAM_ENTRIES, STREAM_BYTES / #event))
    redis.call('XADD', stream, 'MAXLEN', '~', most, '*', 'event', event)
end

-- The submitter's clock is for display: one that runs ahead must not keep an id in the list for ever.
local function list(requests, id, submitted, retention)
    local now = now_ms()
    redis.call('ZADD', requests, 'NX', math.min(tonumber(submitted), now), id)
    redis.call('ZREMRANGEBYSCORE', requests, '-inf', now - retention * 1000)
end

local function keep(keys, retention)
    for _, key in ipairs(keys) do
        redis.call('EXPIRE', key, retention)
    end
end

-- The record as it is: state and the rest, or false where there is none.
local function read_record(record)
    return unpack(redis.call('HMGET', record, 'state', 'hash', 'server', 'result'))
end

redis.register_function('dcm_1_queue', function(keys, args)
    local id, _user, op, hash, submitted, result, retention = unpack(args)
    local state = redis.call('HGET', keys[1], 'state')
    if state then
        return state
    end
    redis.call('HSET', keys[1], 'state', 'queued', 'hash', hash, 'op', op,
               'submitted', submitted, 'result', result)
    list(keys[2], id, submitted, retention)
    keep(keys, retention)
    return 'queued'
end)

redis.register_function('dcm_1_claim', function(keys, args)
    local id, server, op, hash, submitted, result, event, retention = unpack(args)
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
    if redis.call('HEXISTS', keys[1], 'cancel') == 1 then
        return { 'cancelled' }
    end
    redis.call('HSET', keys[1], 'state', 'running', 'hash', hash, 'op', op,
               'submitted', submitted, 'server', server, 'result', result)
    redis.call('HINCRBY', keys[1], 'epoch', 1)
    list(keys[2], id, submitted, retention)
    tell(keys[3], event)
    keep(keys, retention)
    return { 'ours', server }
end)

-- What has not begun will not begin. It may not even have come yet: its claim finds the mark.
redis.register_function('dcm_1_cancel', function(keys, args)
    local retention = args[1]
    local state, _hash, holder = read_record(keys[1])
    if FINAL[state] then
        return { 'ended', state }
    end
    if state == 'running' then
        return { 'begun', holder }
    end
    redis.call('HSET', keys[1], 'cancel', 1)
    redis.call('EXPIRE', keys[1], retention)
    return { 'noted', state or '' }
end)

redis.register_function('dcm_1_event', function(keys, args)
    local event, retention = unpack(args)
    if FINAL[redis.call('HGET', keys[1], 'state')] then
        return { 'ended' }
    end
    tell(keys[3], event)
    redis.call('EXPIRE', keys[3], retention)
    return { 'told' }
end)

redis.register_function('dcm_1_end', function(keys, args)
    local id, server, op, hash, submitted, final_state, result, event, retention = unpack(args)
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
    tell(keys[3], event)
    keep(keys, retention)
    return { 'done' }
end)
