-- Has the store lost what a server relies on? It is of a generation, whose id is random, and counts
-- for each server the changes that it has made (seq). A caller says which generation it knows, and
-- the highest seq that any process of its server has seen. A store that is of another generation, or
-- behind that seq, has lost everything or come back old: nothing is changed or allocated there until
-- the server's keeper has put back what engine and journal know, and says so (90_keeper.lua).
--
-- When this process of the store, or this library in it, was first asked for anything (ms). It is kept nowhere
-- else: a store that was restarted, perhaps with old data, has it anew.
local began

-- KEYS of all of them begin with the generation and the server's hash, ARGS with generation and seq.

local function is_behind(keys, args)
    local seq = redis.call('HGET', keys[2], 'seq') or 0
    return redis.call('HGET', keys[1], 'id') ~= args[1] or tonumber(seq) < tonumber(args[2])
end

-- Register a function under this name, that runs only on a store that has lost nothing. It answers
-- {seq, what the function answered}, or {"lost"}. It is passed the generation's key besides its own.
local function guarded(name, run, flags)
    redis.register_function({
        function_name = 'dcm_1_' .. name,
        flags = flags,
        callback = function(keys, args)
            if is_behind(keys, args) then
                return { 'lost' }
            end
            began = began or now_ms()
            local answer = run({ unpack(keys, 3) }, { unpack(args, 3) }, keys[1])
            return { redis.call('HINCRBY', keys[2], 'seq', 1), answer }
        end,
    })
end

-- The same for one that only looks, and counts as no change.
local function guarded_look(name, run)
    redis.register_function({
        function_name = 'dcm_1_' .. name,
        flags = { 'no-writes' },
        callback = function(keys, args)
            if is_behind(keys, args) then
                return { 'lost' }
            end
            local seq = tonumber(redis.call('HGET', keys[2], 'seq') or 0)
            return { seq, run({ unpack(keys, 3) }, { unpack(args, 3) }) }
        end,
    })
end

guarded('check', function()
    return 'sound'
end)
