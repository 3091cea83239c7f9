-- The host port for SSH of a new container.

-- So many unmarked ports are tried: a user may have a container of its default name, or something
-- outside DCM the port.
local UNMARKED_TRIES = 64

-- HMGET by this many ports at a time.
local SCAN_PORTS = 500

-- How `encode` writes the end of a bound lease.
local BOUND = '"until":0'

-- May this be the SSH port of the container? Its default name must be free too.
local function is_ssh_port(at, host, wish, others, ports)
    if not wish.name and others['container' .. host] then
        return false
    end
    for _, port in ipairs(ports) do
        if port.protocol == 'tcp' and port.host == host then
            return false
        end
    end
    return is_free(at, { protocol = 'tcp', host = host }, EVERY_ADDRESS)
end

-- By the marks, from this place in the range on and round to it again; nil after UNMARKED_TRIES.
local function unmarked_ssh_port(at, wish, start, accepts)
    local middle, tries = wish.first_port + start, UNMARKED_TRIES
    for _, part in ipairs({ { middle, wish.last_port }, { wish.first_port, middle - 1 } }) do
        local host = first_unmarked(at, part[1], part[2])
        while host and tries > 0 do
            if accepts(host) then
                return host
            end
            tries = tries - 1
            host = first_unmarked(at, host + 1, part[2])
        end
    end
end

-- The same by the leases themselves: for those that ran out, and where the marks are wrong. A port
-- with a bound lease on any address is passed over unparsed, which keeps a full range cheap; what is
-- left may be free, or have run out.
local function scan_ssh_ports(at, wish, start, accepts)
    local size = wish.last_port - wish.first_port + 1
    for offset = 0, size - 1, SCAN_PORTS do
        local fields, hosts = {}, {}
        for i = 1, math.min(SCAN_PORTS, size - offset) do
            hosts[i] = wish.first_port + (start + offset + i - 1) % size
            fields[i] = 'tcp/' .. hosts[i]
        end
        for i, text in ipairs(redis.call('HMGET', at.ports, unpack(fields))) do
            if not (text and text:find(BOUND, 1, true)) and accepts(hosts[i]) then
                return hosts[i]
            end
        end
    end
end

-- At random, so that nobody can guess the next one (the numbers come from the caller: the store's
-- own are the same after each start); and where chance finds none, the next free one from the
-- first of these numbers on.
local function choose_ssh_port(at, wish, others, ports)
    local size = wish.last_port - wish.first_port + 1
    local function accepts(host)
        return is_ssh_port(at, host, wish, others, ports)
    end
    for _, number in ipairs(wish.random) do
        local host = wish.first_port + number % size
        if accepts(host) then
            return host
        end
    end
    local start = wish.random[1] % size
    return unmarked_ssh_port(at, wish, start, accepts) or scan_ssh_ports(at, wish, start, accepts)
end
