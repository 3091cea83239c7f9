-- A container that is made anew under its name, with other ports. Until the new one takes the old
-- one's place, the entry also holds the ports that are to be:
--   entry.heir = {"request","until","ports"}

-- The entry of a bound container, and what counts as its own: its leases are not in the way of the
-- container that is to follow it. Nil and a refusal if it is not to be had.
local function entry_to_replace(at, name)
    local entry = read_entry(at, name)
    if not entry or entry['until'] ~= 0 then
        return nil, { refused = 'missing', name = name }
    end
    local heir = entry.heir
    if heir and heir.request ~= at.request and is_live(heir, at.now) then
        return nil, { refused = 'replaced', name = name }
    end
    at.predecessor = entry.request
    return entry
end

local function has_port(ports, wanted)
    for _, port in ipairs(ports) do
        if field_of(port) == field_of(wanted) and port.address == wanted.address then
            return true
        end
    end
    return false
end

-- The entry's own lease for SSH is no obstacle to the entry, but it is one to its other ports.
local function on_ssh_port(entry, ports)
    for _, port in ipairs(ports) do
        if port.protocol == 'tcp' and port.host == entry.ssh_port then
            return port
        end
    end
end

-- What the present container holds too stays leased as it is.
local function put_heir(at, name, entry, heir)
    drop_heir(at, entry)
    local lease = {
        user = at.user, name = name, request = heir.request, ['until'] = heir['until'],
    }
    for _, port in ipairs(heir.ports) do
        if not has_port(entry.ports, port) then
            put_lease(at, port, lease)
        end
    end
    entry.heir = heir
    redis.call('HSET', at.containers, name, encode(entry))
end

-- The ports for the container that is to follow this entry's, or nil and a refusal.
local function ports_to_be(at, entry, wish)
    local ports, refusal = choose_ports(at, wish, choose_alias(at, wish))
    if not ports then
        return nil, refusal
    end
    local own = on_ssh_port(entry, ports)
    if own then
        return nil, { refused = 'ports', taken = { {
            host = own.host, protocol = own.protocol, addresses = { own.address },
        } } }
    end
    return ports
end

-- ARGS: name, wish (JSON: life in ms, ports, addresses). All of the ports or none. Asked again by
-- the same request, the ports are chosen again, for a new life.
guarded('reserve_ports', function(keys, args)
    local at, name, wish = place(keys, args), args[4], read_wish(args[5])
    local entry, refusal = entry_to_replace(at, name)
    if not entry then
        return encode(refusal)
    end
    local ports
    ports, refusal = ports_to_be(at, entry, wish)
    if not ports then
        return encode(refusal)
    end
    put_heir(at, name, entry, {
        request = at.request, ['until'] = at.now + wish.life, ports = ports,
    })
    return encode({ ports = ports })
end)

-- ARGS: name, wish. What reserve_ports would say to it; nothing is reserved.
guarded_look('consider_ports', function(keys, args)
    local at, name, wish = place(keys, args), args[4], read_wish(args[5])
    local entry, refusal = entry_to_replace(at, name)
    if entry then
        refusal = select(2, ports_to_be(at, entry, wish))
    end
    return encode(refusal or { considered = name })
end)

-- ARGS: name. The reservation of this request's, if it is still there. Runs also when the store is
-- full, because it makes room.
guarded('release_ports', function(keys, args)
    local at, name = place(keys, args), args[4]
    local entry = read_entry(at, name)
    if entry and entry.heir and entry.heir.request == at.request then
        drop_heir(at, entry)
        redis.call('HSET', at.containers, name, encode(entry))
    end
    return encode({ released = name })
end, { 'allow-oom' })

-- ARGS: name, container (JSON, as users see it). The new container takes the old one's place: entry
-- and leases change together, or nothing does.
guarded('replace', function(keys, args)
    local at, name, container = place(keys, args), args[4], cjson.decode(args[5])
    local entry, refusal = entry_to_replace(at, name)
    if not entry then
        return encode(refusal)
    end
    local follower = { ssh_port = entry.ssh_port, ports = container.ports }
    local lost = lost_port(at, follower)
    if lost then
        return refuse_port(lost)
    end
    drop_entry(at, name, entry)
    entry.request, entry.ports, entry.container = at.request, container.ports, container
    put_entry(at, name, entry)
    return encode({ replaced = name })
end)
