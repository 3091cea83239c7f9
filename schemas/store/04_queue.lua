-- What submitting sides call, with rights to nothing else. KEYS as above.

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
