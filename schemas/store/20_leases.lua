-- Leases: who holds which host port, on which address. One field per protocol and port, so that a
-- lease on 0.0.0.0 and those on single addresses are seen together:
--   "tcp/2635" → {"0.0.0.0": {"user", "name", "request", "until"}}
-- Beside it a bitmap of the TCP ports that have a field, by which a free one is found however few
-- there are. It is a hint: what it says of a port is looked up, and where it shows no free one all
-- are. An account with a worker's rights of before (no SETBIT, STRLEN) does without: hence pcall.

local EVERY_ADDRESS = '0.0.0.0'

local function field_of(port)
    return port.protocol .. '/' .. port.host
end

local function read_leases(key, port)
    local text = redis.call('HGET', key, field_of(port))
    return text and cjson.decode(text) or {}
end

local function mark(at, port, bit)
    if port.protocol == 'tcp' then
        redis.pcall('SETBIT', at.leased, port.host, bit)
    end
end

-- The first TCP port from `from` to `last` that is not marked, or nil. BITPOS finds nothing beyond
-- the end of the string, though no bit is set there (redis.io/commands/bitpos; BIT: since Redis 7.0).
local function first_unmarked(at, from, last)
    local length, found = redis.pcall('STRLEN', at.leased), -1
    if type(length) ~= 'number' then
        return nil
    end
    local known = length * 8
    if from < known then
        found = redis.call('BITPOS', at.leased, 0, from, math.min(last, known - 1), 'BIT')
    end
    if found < 0 then
        found = math.max(from, known)
    end
    return found <= last and found or nil
end

local function overlap(one, other)
    return one == other or one == EVERY_ADDRESS or other == EVERY_ADDRESS
end

-- Has nobody but this request the port on this address, or the one whose container it is to replace?
-- at.avoid: ports taken outside DCM.
local function is_free(at, port, address)
    for _, taken in ipairs(at.avoid) do
        if field_of(taken) == field_of(port) and overlap(taken.address, address) then
            return false
        end
    end
    for leased, lease in pairs(read_leases(at.ports, port)) do
        local is_own = lease.request == at.request or lease.request == at.predecessor
        if overlap(leased, address) and not is_own and is_live(lease, at.now) then
            return false
        end
    end
    return true
end

local function put_lease(at, port, lease)
    local leases = read_leases(at.ports, port)
    for address, held in pairs(leases) do
        if not is_live(held, at.now) then
            leases[address] = nil
        end
    end
    leases[port.address] = lease
    redis.call('HSET', at.ports, field_of(port), encode(leases))
    mark(at, port, 1)
end

-- Only the request's own lease: one that ran out may be somebody else's by now.
local function drop_lease(at, port, request)
    local leases = read_leases(at.ports, port)
    local lease = leases[port.address]
    if not lease or lease.request ~= request then
        return
    end
    leases[port.address] = nil
    if next(leases) then
        redis.call('HSET', at.ports, field_of(port), encode(leases))
        return
    end
    redis.call('HDEL', at.ports, field_of(port))
    mark(at, port, 0)
    if redis.call('EXISTS', at.ports) == 0 then
        redis.call('DEL', at.leased)
    end
end
