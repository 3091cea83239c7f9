-- Index entries, with the leases and the subnet that go with them.
-- KEYS of all of them: the user's containers; the server's ports, leased, subnets and users.
-- ARGS of all of them begin with user, server, and the id of the request ("" where there is none).

local function place(keys, args)
    return {
        containers = keys[1], ports = keys[2], leased = keys[3], subnets = keys[4], users = keys[5],
        user = args[1], server = args[2], request = args[3], now = now_ms(), avoid = {},
    }
end

-- The entry of this name on this server, or nil: another server's entries are not ours to change.
local function read_entry(at, name)
    local text = redis.call('HGET', at.containers, name)
    local entry = text and cjson.decode(text)
    return entry and entry.server == at.server and entry or nil
end

-- All of the user's entries, whatever their server, by name.
local function read_entries(at)
    local entries = {}
    local pairs_of_text = redis.call('HGETALL', at.containers)
    for i = 1, #pairs_of_text, 2 do
        entries[pairs_of_text[i]] = cjson.decode(pairs_of_text[i + 1])
    end
    return entries
end

-- Every host port of a container: those that were asked for, and the one for SSH.
local function ports_of(entry)
    local all = { { address = EVERY_ADDRESS, protocol = 'tcp', host = entry.ssh_port } }
    for _, port in ipairs(entry.ports) do
        all[#all + 1] = port
    end
    return all
end

-- The first port of an entry that somebody else has by now, or nil.
local function lost_port(at, entry)
    for _, port in ipairs(ports_of(entry)) do
        if not is_free(at, port, port.address) then
            return port
        end
    end
end

local function refuse_port(port)
    return encode({ refused = 'ports', taken = { {
        host = port.host, protocol = port.protocol, addresses = { port.address },
    } } })
end

local function put_entry(at, name, entry)
    local lease = {
        user = at.user, name = name, request = entry.request, ['until'] = entry['until'],
    }
    for _, port in ipairs(ports_of(entry)) do
        put_lease(at, port, lease)
    end
    redis.call('HSET', at.containers, name, encode(entry))
    redis.call('HSET', at.subnets, entry.subnet, at.user)
    redis.call('SADD', at.users, at.user)
end

-- The ports of the container that was to take this one's place (45_recreate.lua).
local function drop_heir(at, entry)
    for _, port in ipairs(entry.heir and entry.heir.ports or {}) do
        drop_lease(at, port, entry.heir.request)
    end
    entry.heir = nil
end

local function drop_entry(at, name, entry)
    drop_heir(at, entry)
    for _, port in ipairs(ports_of(entry)) do
        drop_lease(at, port, entry.request)
    end
    redis.call('HDEL', at.containers, name)
end

-- With the user's last container here goes the subnet. True if it was the last.
local function leave_if_last(at)
    for _, entry in pairs(read_entries(at)) do
        if entry.server == at.server then
            return false
        end
    end
    local subnets = redis.call('HGETALL', at.subnets)
    for i = 1, #subnets, 2 do
        if subnets[i + 1] == at.user then
            redis.call('HDEL', at.subnets, subnets[i])
        end
    end
    redis.call('SREM', at.users, at.user)
    return true
end

-- Pending → bound. ARGS: name, container (JSON, as users see it).
guarded('bind', function(keys, args)
    local at, name, container = place(keys, args), args[4], cjson.decode(args[5])
    local entry = read_entry(at, name)
    if not entry or entry.request ~= at.request then
        return encode({ refused = 'gone', name = name })
    end
    local lost = lost_port(at, entry)
    if lost then
        return refuse_port(lost)
    end
    entry['until'] = 0
    entry.container = container
    put_entry(at, name, entry)
    return encode({ bound = name })
end)

-- ARGS: name, state, and the address that it waits for, if it does. A pending entry stays "creating":
-- binding it brings its state.
guarded('state', function(keys, args)
    local at, name, state = place(keys, args), args[4], args[5]
    local entry = read_entry(at, name)
    if not entry then
        return encode({ refused = 'missing', name = name })
    end
    if entry['until'] == 0 then
        entry.container.state, entry.container.waits_for = state, args[6]
        redis.call('HSET', at.containers, name, encode(entry))
    end
    return encode({ state = entry.container.state })
end)

-- ARGS: name, the time at which it expires, or "" for never. A pending entry stays as it is: binding
-- it brings its own.
guarded('expires', function(keys, args)
    local at, name, expires = place(keys, args), args[4], args[5]
    local entry = read_entry(at, name)
    if not entry then
        return encode({ refused = 'missing', name = name })
    end
    if entry['until'] == 0 then
        entry.container.expires = expires ~= '' and expires or cjson.null
        redis.call('HSET', at.containers, name, encode(entry))
    end
    return encode({ expires = entry.container.expires })
end)

-- ARGS: name. With a request's id only that request's entry. Runs also when the store is full,
-- because it makes room.
guarded('release', function(keys, args)
    local at, name = place(keys, args), args[4]
    local entry = read_entry(at, name)
    if entry and (at.request == '' or at.request == entry.request) then
        drop_entry(at, name, entry)
    end
    return encode({ last = leave_if_last(at) })
end, { 'allow-oom' })

-- ARGS: name, entry (JSON). What the engine has is bound, whatever the index has forgotten; or, with
-- entry.life (ms), reserved for the request that goes on with it.
guarded('restore', function(keys, args)
    local at, name, entry = place(keys, args), args[4], cjson.decode(args[5])
    at.request = entry.request
    local there = read_entries(at)[name]
    if there and there.request ~= entry.request and is_live(there, at.now) then
        return encode({ refused = 'name', name = name })
    end
    local lost = lost_port(at, entry)
    if lost then
        return refuse_port(lost)
    end
    local holder = redis.call('HGET', at.subnets, entry.subnet)
    if holder and holder ~= at.user then
        return encode({ refused = 'subnet', subnet = entry.subnet, user = holder })
    end
    if there and there.server == at.server then
        drop_entry(at, name, there)
    end
    entry['until'] = entry.life and at.now + entry.life or 0
    entry.life, entry.server = nil, at.server
    put_entry(at, name, entry)
    return encode({ restored = name })
end)

-- The user's entries on this server, as stored. Reservations that ran out go in passing.
guarded('entries', function(keys, args)
    local at = place(keys, args)
    local texts = {}
    for name, entry in pairs(read_entries(at)) do
        if entry.server == at.server then
            if is_live(entry, at.now) then
                texts[#texts + 1] = encode(entry)
            else
                drop_entry(at, name, entry)
            end
        end
    end
    if #texts == 0 then
        leave_if_last(at)
    end
    return texts
end)
