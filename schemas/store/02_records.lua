-- Requests: record, list and stream of one request.
-- KEYS of all of them: the request's record, the user's list of requests, the request's stream.

local FINAL = {
    done = true, failed = true, refused = true, expired = true, cancelled = true, unknown = true,
}

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
