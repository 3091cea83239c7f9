-- The reservation of everything that a new container needs: all or nothing.

-- What a user's containers add up to; each is limited by wish.most.
local MEASURES = { 'containers', 'memory', 'millicpus', 'pids' }

-- What the user has: this request's own entry, the others that count, those of this server that ran
-- out, and his subnet here. What ran out on another server is that server's to drop.
local function survey(at)
    local has = { mine = nil, others = {}, stale = {}, subnet = nil }
    for name, entry in pairs(read_entries(at)) do
        local here = entry.server == at.server
        if here then
            has.subnet = entry.subnet
        end
        if here and entry.request == at.request then
            has.mine = entry
        elseif is_live(entry, at.now) then
            has.others[name] = entry
        elseif here then
            has.stale[name] = entry
        end
    end
    return has
end

-- A restored entry may lack a number that the engine does not know: it counts as none.
local function amount(of, measure)
    return measure == 'containers' and 1 or tonumber(of[measure]) or 0
end

-- Of one measure what is used, asked for, and granted; with `refused` if that is too much.
local function quota_of(others, wish, measure)
    local quota = {
        what = measure, used = 0, asked = amount(wish, measure), most = wish.most[measure],
        rule = wish.rules[measure],
    }
    for _, entry in pairs(others) do
        quota.used = quota.used + amount(entry, measure)
    end
    if quota.used + quota.asked > quota.most then
        quota.refused = 'quota'
    end
    return quota
end

local function check_quota(others, wish)
    for _, measure in ipairs(MEASURES) do
        local quota = quota_of(others, wish, measure)
        if quota.refused then
            return quota
        end
    end
end

-- The first address that has all ports free which name no address themselves.
local function choose_alias(at, wish)
    for _, alias in ipairs(wish.addresses) do
        local all_free = true
        for _, port in ipairs(wish.ports) do
            all_free = all_free and (port.address or is_free(at, port, alias))
        end
        if all_free then
            return alias
        end
    end
end

-- Where a port was looked for and found taken.
local function taken_addresses(at, port, wish)
    local taken = {}
    for _, address in ipairs(port.address and { port.address } or wish.addresses) do
        if not is_free(at, port, address) then
            taken[#taken + 1] = address
        end
    end
    return taken
end

-- The same port asked for twice in one wish, or nil.
local function repeated_port(ports)
    for i, port in ipairs(ports) do
        for j = 1, i - 1 do
            if field_of(port) == field_of(ports[j]) and overlap(port.address, ports[j].address) then
                return port
            end
        end
    end
end

-- The ports with their addresses filled in, or nil and a refusal.
local function choose_ports(at, wish, alias)
    local chosen, taken = {}, {}
    for i, port in ipairs(wish.ports) do
        local address = port.address or alias
        if not address or not is_free(at, port, address) then
            local addresses = taken_addresses(at, port, wish)
            if #addresses > 0 then
                taken[#taken + 1] = {
                    host = port.host, protocol = port.protocol, addresses = addresses,
                }
            end
        end
        chosen[i] = {
            address = address, host = port.host, container = port.container,
            protocol = port.protocol,
        }
    end
    if #taken > 0 then
        return nil, { refused = 'ports', taken = taken }
    end
    local twice = repeated_port(chosen)
    if twice then
        return nil, { refused = 'twice', host = twice.host, protocol = twice.protocol }
    end
    return chosen
end

-- The user's subnet while he has entries here; else the first free one from a place in the pool
-- that depends on his name: he mostly gets the one that he had before, and nobody else gets it
-- while the engine may still be removing his network.
local function choose_subnet(at, wish, has)
    if has.subnet then
        return has.subnet
    end
    local start = tonumber(redis.sha1hex(at.user):sub(1, 8), 16)
    for offset = 0, wish.subnets - 1 do
        local subnet = (start + offset) % wish.subnets
        local holder = redis.call('HGET', at.subnets, subnet)
        if not holder or holder == at.user then
            return subnet
        end
    end
end

-- The entry that is to be: the one that this request holds already, if its ports are still to be
-- had, else a new one. Nil and a refusal if there can be none.
local function choose(at, wish, has)
    if has.mine and not lost_port(at, has.mine) then
        return has.mine
    end
    local alias = choose_alias(at, wish)
    local ports, refusal = choose_ports(at, wish, alias)
    if not ports then
        return nil, refusal
    end
    local ssh_port = choose_ssh_port(at, wish, has.others, ports)
    if not ssh_port then
        return nil, { refused = 'ssh_ports', first = wish.first_port, last = wish.last_port }
    end
    local subnet = choose_subnet(at, wish, has)
    if not subnet then
        return nil, { refused = 'subnets', most = wish.subnets }
    end
    return {
        request = at.request, server = at.server,
        memory = wish.memory, millicpus = wish.millicpus, pids = wish.pids,
        subnet = subnet, ssh_port = ssh_port, ports = ports,
        container = {
            name = wish.name or 'container' .. ssh_port, id = cjson.null, state = 'creating',
            address = alias, ssh_port = ssh_port, ports = ports,
            image = wish.image, created = wish.created, expires = cjson.null,
        },
    }
end

-- The entry, with a name that is free.
local function judge_name(at, wish, has)
    if wish.name and has.others[wish.name] then
        return nil, { refused = 'name', name = wish.name }
    end
    return choose(at, wish, has)
end

local function judge(at, wish, has)
    local refusal = check_quota(has.others, wish)
    if refusal then
        return nil, refusal
    end
    return judge_name(at, wish, has)
end

-- As wishes come, a port without an address has an empty one.
local function read_wish(text)
    local wish = cjson.decode(text)
    for _, port in ipairs(wish.ports) do
        port.address = port.address ~= '' and port.address or nil
    end
    return wish
end

local function write_reservation(at, has, entry, life)
    for name, old in pairs(has.stale) do
        drop_entry(at, name, old)
    end
    if has.mine then
        drop_entry(at, has.mine.container.name, has.mine)
    end
    entry['until'] = at.now + life
    put_entry(at, entry.container.name, entry)
end

-- ARGS: how long the reservation lasts (ms), wish (JSON).
guarded('reserve', function(keys, args)
    local at, life, wish = place(keys, args), tonumber(args[4]), read_wish(args[5])
    at.avoid = wish.avoid
    local has = survey(at)
    local entry, refusal = has.mine, nil
    if not entry or entry['until'] ~= 0 then
        entry, refusal = judge(at, wish, has)
        if not entry then
            return encode(refusal)
        end
        write_reservation(at, has, entry, life)
    end
    return encode({
        name = entry.container.name, ssh_port = entry.ssh_port, ports = entry.ports,
        subnet = entry.subnet,
    })
end)

-- ARGS: wish (JSON). What reserve would say to it: every quota, and what else is in the way.
-- Nothing is reserved, and nothing written.
guarded_look('consider', function(keys, args)
    local at, wish = place(keys, args), read_wish(args[4])
    local has, quotas = survey(at), {}
    for i, measure in ipairs(MEASURES) do
        quotas[i] = quota_of(has.others, wish, measure)
    end
    local _, refusal = judge_name(at, wish, has)
    return encode({ quotas = quotas, refusal = refusal })
end)
