-- Requests: record, list and stream of one request.
-- KEYS of all of them: the request's record, the user's list of requests, the request's stream.

local FINAL = {
    done = true, failed = true, refused = true, expired = true, cancelled = true, unknown = true,
}

-- Entries are {submitted, id, submitted, id, …}. The submitter's clock is for display: one that runs ahead must
-- not keep an id in the list for ever.
local function list_all(requests, entries, retention)
    local now = now_ms()
    for i = 1, #entries, 2 do
        entries[i] = math.min(tonumber(entries[i]), now)
    end
    redis.call('ZADD', requests, 'NX', unpack(entries))
    redis.call('ZREMRANGEBYSCORE', requests, '-inf', now - retention * 1000)
end

local function list(requests, id, submitted, retention)
    list_all(requests, { submitted, id }, retention)
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
