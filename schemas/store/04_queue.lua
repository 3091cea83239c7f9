-- What submitting sides call, with rights to nothing else. KEYS as above.

-- One request or several, which take three keys and seven arguments each. All are looked at before one is
-- written. What is no record (a publisher may write what it likes) is left for a worker to sweep.
redis.register_function('dcm_1_queue', function(keys, args)
    local states, lists, count = {}, {}, #keys / 3
    for n = 1, count do
        local state = redis.pcall('HGET', keys[3 * n - 2], 'state')
        states[n] = type(state) == 'table' and 'unreadable' or state
    end
    for n = 1, count do
        local id, _user, op, hash, submitted, result, retention = unpack(args, 7 * n - 6, 7 * n)
        if not states[n] then
            local record, requests = keys[3 * n - 2], keys[3 * n - 1]
            redis.call('HSET', record, 'state', 'queued', 'hash', hash, 'op', op,
                       'submitted', submitted, 'result', result)
            redis.call('EXPIRE', record, retention)
            local entries = lists[requests] or { retention = retention }
            entries[#entries + 1] = submitted
            entries[#entries + 1] = id
            lists[requests] = entries
            states[n] = 'queued'
        end
    end
    for requests, entries in pairs(lists) do
        list_all(requests, entries, entries.retention)
        redis.call('EXPIRE', requests, entries.retention)
    end
    return count == 1 and states[1] or states
end)

-- What has not begun will not begin. It may not even have come yet: its claim finds the mark.
local function cancel(keys, args)
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
end
redis.register_function('dcm_1_cancel', cancel)
