#!lua name=dcm_1
-- DCM's functions in the store: several files, loaded as one library (FUNCTION LOAD). The files
-- 00 to 04 alone are the library that submitting sides call, dcm_1, and stays compatible. All files together
-- are what workers call: there the build replaces "dcm_1" by a name that tells the content, so that
-- workers of different versions each have their own.
--
-- Each function takes the time from the store, validates first and writes last, so that one that
-- fails half-way leaves no half; touches only the keys that it is passed; and may be repeated for
-- the same request. What may be expected to go wrong is an answer, {"refused":…}, never an error.
-- docs/protocol.md lists the functions with their keys and arguments.

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Fields that are lists also when they are empty: Lua has one empty table for both.
local LISTS = { ports = true }

-- JSON by hand, because cjson.encode keeps 14 digits of a number, and memory may need 16, and
-- writes an empty list as {}. Our documents hold no fractions.
local function encode(value, is_list)
    if type(value) == 'number' then
        return string.format('%.0f', value)
    end
    if type(value) ~= 'table' then
        return cjson.encode(value)
    end
    local parts = {}
    if is_list or value[1] ~= nil then
        for i, item in ipairs(value) do
            parts[i] = encode(item)
        end
        return '[' .. table.concat(parts, ',') .. ']'
    end
    for name, field in pairs(value) do
        parts[#parts + 1] = cjson.encode(name) .. ':' .. encode(field, LISTS[name])
    end
    return '{' .. table.concat(parts, ',') .. '}'
end

-- Does this entry or lease still count? 0: it is bound, and has no end.
local function is_live(held, now)
    local ends = held['until']
    return ends == 0 or ends > now
end
