-- What only a server's keeper calls.

-- KEYS: the generation, the server's hash. ARGS: generation and seq that the server knows, and an id
-- for a new generation. Answers whether the store is the one that the server knows, its generation,
-- and up to which seq of the server's it holds everything: {"same"|"lost", id, seq}. One that has
-- lost everything or come back old is of a new generation from here on, which every other server
-- notices; and seq goes on from beyond all that was ever counted.
redis.register_function('dcm_1_open', function(keys, args)
    local mine, known = args[1], tonumber(args[2])
    local id = redis.call('HGET', keys[1], 'id')
    local seq = tonumber(redis.call('HGET', keys[2], 'seq') or 0)
    if id == mine and seq >= known then
        return { 'same', id, seq }
    end
    local holds = id == mine and seq or 0
    if not id or id == mine then
        id = args[3]
        redis.call('HSET', keys[1], 'id', id, 'since', now_ms())
    end
    redis.call('HSET', keys[2], 'seq', math.max(seq, known) + 1)
    return { 'lost', id, holds }
end)

-- KEYS: a request's record. ARGS: server, the epoch of its claim, and the result that the record shows
-- while queued. A request that this server has claimed and never began may be claimed again. Answers
-- "queued"; "kept" where it does not hold it, or has claimed it once more since: a call may arrive late.
guarded('unclaim', function(keys, args)
    sweep(keys)
    local state, _hash, holder = read_record(keys[1])
    if state ~= 'running' or holder ~= args[1] or redis.call('HGET', keys[1], 'epoch') ~= args[2] then
        return 'kept'
    end
    redis.call('HSET', keys[1], 'state', 'queued', 'result', args[3])
    return 'queued'
end)

-- ARGS, after those of 30_containers.lua: name, protocol, port, address. Drop this lease of the
-- request's, unless an entry holds it.
guarded('drop_lease', function(keys, args)
    local at, name = place(keys, args), args[4]
    local entry = read_entry(at, name)
    local heir = entry and entry.heir
    if not (entry and entry.request == at.request or heir and heir.request == at.request) then
        drop_lease(at, { protocol = args[5], host = args[6], address = args[7] }, at.request)
    end
    return encode({ dropped = name })
end)

-- ARGS: name. The request's entry goes, unless it has been bound meanwhile.
guarded('abandon', function(keys, args)
    local at, name = place(keys, args), args[4]
    local entry = read_entry(at, name)
    if entry and entry.request == at.request and entry['until'] ~= 0 then
        drop_entry(at, name, entry)
    end
    return encode({ abandoned = name })
end, { 'allow-oom' })
