-- What workers call of requests. KEYS as in 02_records.lua, and the user's list of streams.

-- A publisher may write to the same keys whatever it likes. What is no record, list or stream there is
-- nothing at all: it must not be what makes a request impossible to end.
local function sweep_key(key, kind)
    local found = redis.call('TYPE', key).ok
    if found ~= kind and found ~= 'none' then
        redis.call('DEL', key)
    end
end

local TYPES = { 'hash', 'zset', 'stream', 'zset' }

local function sweep(keys)
    for i, key in ipairs(keys) do
        sweep_key(key, TYPES[i])
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

-- Room for the streams of so many more, before these are told: whoever waits for one of them is woken
-- when the function has ended, and must find it there. A list that is longer than ours ever get is not
-- ours, and goes piece by piece.
local function make_room(told, streams, count)
    local excess = math.min(redis.call('ZCARD', told) + count - STREAMS_KEPT, 1000)
    if excess <= 0 then
        return
    end
    local oldest, gone = redis.call('ZRANGE', told, 0, excess - 1), {}
    for i, id in ipairs(oldest) do
        gone[i] = streams .. id
    end
    if #gone > 0 then
        redis.call('UNLINK', unpack(gone))
        redis.call('ZREM', told, unpack(oldest))
    end
end

-- What the keys of a user's streams begin with, by the one of this request.
local function streams_of(stream, id)
    return string.sub(stream, 1, -#id - 1)
end

local function tell_last(keys, id, event, retention)
    make_room(keys[4], streams_of(keys[3], id), 1)
    tell(keys[3], event)
    redis.call('ZADD', keys[4], now_ms(), id)
    keep(keys, retention)
end

-- What a server has done, and a store that has lost data knows no more, that server's keeper puts back: it
-- notices within a heartbeat. Until then no other server may do it when a copy comes its way: what was made
-- before the loss waits, and what is made after it does not.
local PUT_BACK_MS = 10000

local function may_be_elsewhere(generation, servers, made)
    local lost = tonumber(redis.call('HGET', generation, 'since') or 0)
    if redis.call('SCARD', servers) > 1 then -- another may not have told yet that this one is old
        lost = math.max(lost, began)
    end
    local since = now_ms() - lost -- below nothing, where the clock was set back
    return tonumber(made) < lost and since >= 0 and since < PUT_BACK_MS
end

-- KEYS: then the set of servers. `made`: the id's time. `standing`: what this server's journal has of it. What
-- is begun there is not called off any more.
guarded('claim', function(keys, args, generation)
    local id, server, op, hash, submitted, result, event, retention, made, standing = unpack(args)
    local servers = table.remove(keys)
    sweep(keys)
    local state, known_hash, holder, known_result = read_record(keys[1])
    if state and known_hash ~= hash then
        return { 'mismatch' }
    end
    if FINAL[state] then
        return { 'ended', known_result }
    end
    if state == 'running' and holder == server then
        raise_epoch(keys[1])
        return { 'ours', server }
    end
    -- By a server that there is: anything else a publisher has written, or the server was taken out.
    if state == 'running' and redis.call('SISMEMBER', servers, holder or '') == 1 then
        return { 'elsewhere', holder }
    end
    if standing == 'new' and may_be_elsewhere(generation, servers, made) then
        return { 'early' }
    end
    if standing ~= 'begun' and redis.call('HEXISTS', keys[1], 'cancel') == 1 then
        return { 'cancelled' }
    end
    redis.call('HSET', keys[1], 'state', 'running', 'hash', hash, 'op', op,
               'submitted', submitted, 'server', server, 'result', result)
    raise_epoch(keys[1])
    redis.call('SADD', servers, server)
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

-- Claim and end in one, for requests of one user that come to nothing but their results: what is the
-- user's is seen to once for all of them, and of each nothing is asked twice. KEYS: the user's list of
-- requests and the one of streams, then record and stream of each. ARGS: server, retention, then of each
-- what stands below. At most STREAMS_KEPT, or some would not be heard of.
local ENDING = { 'id', 'op', 'hash', 'submitted', 'state', 'result', 'event' }

local function endings_of(keys, args)
    local endings = {}
    for i = 1, (#keys - 2) / 2 do
        local ending = { record = keys[2 * i + 1], stream = keys[2 * i + 2] }
        for j, name in ipairs(ENDING) do
            ending[name] = args[2 + (i - 1) * #ENDING + j]
        end
        endings[i] = ending
    end
    return endings
end

local function look_at(record)
    local fields = { 'HMGET', record, 'state', 'hash', 'server', 'cancel', 'epoch' }
    local found = redis.pcall(unpack(fields))
    if has_failed(found) then
        sweep_key(record, 'hash')
        found = redis.call(unpack(fields))
    end
    return unpack(found)
end

-- As raise_epoch does it, where the epoch is known already.
local function next_epoch(epoch)
    local known = tonumber(epoch or 0)
    local counts = known and known >= 0 and known < 2 ^ 53
    return string.format('%.0f', counts and math.floor(known) + 1 or 1)
end

-- Whatever stands against it is left for `claim` to say.
local function end_record(ending, server, retention)
    local state, known_hash, holder, cancelled, epoch = look_at(ending.record)
    if (state and known_hash ~= ending.hash) or FINAL[state] or cancelled or
        (state == 'running' and holder ~= server) then
        return false
    end
    if state ~= 'running' then
        epoch = next_epoch(epoch)
    end
    redis.call('HSET', ending.record, 'state', ending.state, 'hash', ending.hash, 'op', ending.op,
               'submitted', ending.submitted, 'server', server, 'result', ending.result, 'epoch', epoch or 1)
    redis.call('EXPIRE', ending.record, retention)
    return true
end

-- Times go as text: Redis writes a number of Lua's with 17 digits.
local function end_unclaimed(keys, args)
    local requests, told, server, retention = keys[1], keys[2], args[1], args[2]
    local now = now_ms()
    local now_text = string.format('%.0f', now)
    local words, ended, submitted, times = {}, {}, {}, {}
    for i, ending in ipairs(endings_of(keys, args)) do
        local is_ended = end_record(ending, server, retention)
        words[i] = is_ended and 'done' or 'left'
        if is_ended then
            local is_ahead = tonumber(ending.submitted) > now -- as for `list`
            ended[#ended + 1] = ending
            submitted[#submitted + 1] = is_ahead and now_text or ending.submitted
            submitted[#submitted + 1] = ending.id
            times[#times + 1] = now_text
            times[#times + 1] = ending.id
        end
    end
    if #ended == 0 then
        return words
    end
    sweep_key(requests, 'zset')
    sweep_key(told, 'zset')
    redis.call('ZADD', requests, 'NX', unpack(submitted))
    redis.call('ZREMRANGEBYSCORE', requests, '-inf', now - retention * 1000)
    redis.call('EXPIRE', requests, retention)
    make_room(told, streams_of(ended[1].stream, ended[1].id), #ended)
    redis.call('ZADD', told, unpack(times))
    redis.call('EXPIRE', told, retention)
    for _, ending in ipairs(ended) do
        tell(ending.stream, ending.event)
        redis.call('EXPIRE', ending.stream, retention)
    end
    return words
end
guarded('end_unclaimed', end_unclaimed)
