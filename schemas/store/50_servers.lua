-- Servers: who is there.
-- KEYS: the set of servers. ARGS: server, its hash, then fields and values.
guarded('heartbeat', function(keys, args)
    redis.call('SADD', keys[1], args[1])
    redis.call('HSET', keys[2], 'heartbeat', now_ms(), unpack(args, 2))
    return 'noted'
end)
