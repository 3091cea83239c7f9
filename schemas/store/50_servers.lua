-- Servers: who is there, and how far each has counted.
-- KEYS: the server's hash, the set of servers. ARGS: server, then fields and values.
redis.register_function('dcm_1_heartbeat', function(keys, args)
    redis.call('HSET', keys[1], 'heartbeat', now_ms(), unpack(args, 2))
    redis.call('SADD', keys[2], args[1])
    return redis.call('HINCRBY', keys[1], 'seq', 1)
end)
