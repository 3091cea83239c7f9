-- The index of users' own images, and room for those that are being made.
-- KEYS of all of them: the user's images; the server's image_users.
-- ARGS of all of them begin with user, server, and the id of the request ("" where there is none).
--
-- An image stands under its name and tag. Beside it, under the id of its request, stands the
-- reservation of one that is to be: a replaced image stays what it is until the new one is there.

local function shelf(keys, args)
    return {
        images = keys[1], users = keys[2], user = args[1], server = args[2], request = args[3],
        now = now_ms(),
    }
end

-- What counts: images by name, and reservations of other requests. Those that ran out go, unless
-- nothing may be written (at.reads).
local function survey_images(at)
    local images, awaited = {}, {}
    local texts = redis.call('HGETALL', at.images)
    for i = 1, #texts, 2 do
        local entry = cjson.decode(texts[i + 1])
        if entry.image then
            images[texts[i]] = entry
        elseif not is_live(entry, at.now) then
            if not at.reads then
                redis.call('HDEL', at.images, texts[i])
            end
        elseif texts[i] ~= at.request then
            awaited[#awaited + 1] = entry
        end
    end
    return images, awaited
end

local function image_totals(images, awaited, replaced)
    local count, bytes = 0, 0
    for name, entry in pairs(images) do
        if name ~= replaced then
            count, bytes = count + 1, bytes + entry.image.bytes
        end
    end
    for _, entry in ipairs(awaited) do
        count, bytes = count + 1, bytes + entry.bytes
    end
    return { images = count, image_bytes = bytes }
end

local function image_quotas(images, awaited, wish)
    local used = image_totals(images, awaited, wish.name)
    local asked = { images = 1, image_bytes = wish.bytes }
    local quotas = {}
    for i, what in ipairs({ 'images', 'image_bytes' }) do
        quotas[i] = {
            what = what, used = used[what], asked = asked[what], most = wish.most[what],
            rule = wish.rules[what],
        }
        if used[what] + asked[what] > wish.most[what] then
            quotas[i].refused = 'quota'
        end
    end
    return quotas
end

-- An image of this very request is no other. Nil, or a refusal.
local function check_name(at, there, wish)
    if there and not wish.replace and there.request ~= at.request then
        return { refused = 'image_name', name = wish.name }
    end
    if there and there.server ~= at.server then
        return { refused = 'image_server', name = wish.name, server = there.server }
    end
end

-- ARGS: how long the reservation lasts (ms), wish (JSON).
guarded('image_reserve', function(keys, args)
    local at, life, wish = shelf(keys, args), tonumber(args[4]), cjson.decode(args[5])
    local images, awaited = survey_images(at)
    local refusal = check_name(at, images[wish.name], wish)
    for _, quota in ipairs(image_quotas(images, awaited, wish)) do
        refusal = refusal or (quota.refused and quota)
    end
    if refusal then
        return encode(refusal)
    end
    redis.call('HSET', at.images, at.request, encode({
        name = wish.name, server = at.server, bytes = wish.bytes, ['until'] = at.now + life,
    }))
    return encode({ reserved = wish.name })
end)

-- ARGS: wish (JSON). What image_reserve would say to it; nothing is reserved.
guarded_look('image_consider', function(keys, args)
    local at, wish = shelf(keys, args), cjson.decode(args[4])
    at.reads = true
    local images, awaited = survey_images(at)
    return encode({
        quotas = image_quotas(images, awaited, wish),
        refusal = check_name(at, images[wish.name], wish),
    })
end)

-- ARGS: image (JSON, as users see it). The image exists, whatever the index knew.
guarded('image_bind', function(keys, args)
    local at, image = shelf(keys, args), cjson.decode(args[4])
    local text = redis.call('HGET', at.images, image.name)
    local there = text and cjson.decode(text)
    if there and there.server ~= at.server then
        return encode({ refused = 'image_server', name = image.name, server = there.server })
    end
    redis.call('HSET', at.images, image.name, encode({
        request = at.request, server = at.server, image = image,
    }))
    redis.call('HDEL', at.images, at.request)
    redis.call('SADD', at.users, at.user)
    return encode({ bound = image.name })
end)

-- ARGS: name ("": the request's reservation alone). Runs also when the store is full.
guarded('image_release', function(keys, args)
    local at, name = shelf(keys, args), args[4]
    local text = name ~= '' and redis.call('HGET', at.images, name)
    if text and cjson.decode(text).server == at.server then
        redis.call('HDEL', at.images, name)
    end
    if at.request ~= '' then
        redis.call('HDEL', at.images, at.request)
    end
    for _, entry in pairs((survey_images(at))) do
        if entry.server == at.server then
            return encode({ last = false })
        end
    end
    redis.call('SREM', at.users, at.user)
    return encode({ last = true })
end, { 'allow-oom' })
