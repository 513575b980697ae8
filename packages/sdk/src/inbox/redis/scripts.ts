/**
 * The inbox's calls as Lua, each of them atomic. KEYS[1] is the base of a queue, whose braces keep all
 * its keys in one slot of a cluster:
 *
 *   :e:<key>    hash: member, lane, event, state, attempts, due, lease, received, retain, error
 *   :due        members by due time; of a lane only the first. A member is position and key
 *   :l:<lane>   keys of the lane that are pending, by position
 *   :pending    keys by arrival      :dead  keys by position
 *   :old        keys that are done or dead, by the end of their life
 *   :replays    what signatures cover, by the end of its life      :digests  the digest of each
 *   :position, :last                 a counter; when something new came last
 */
const SHARED = `
local base = KEYS[1]
local function entry(key) return base .. ':e:' .. key end

-- The first of a lane may be claimed from its due time on; nothing else of the lane may.
local function offer(key)
  local e = redis.call('HMGET', entry(key), 'member', 'lane', 'due')
  if e[2] ~= '' and redis.call('ZRANGE', base .. ':l:' .. e[2], 0, 0)[1] ~= key then return end
  redis.call('ZADD', base .. ':due', e[3], e[1])
end

-- Takes an entry out of what is pending, and lets the next of its lane follow.
local function leave(key)
  local e = redis.call('HMGET', entry(key), 'member', 'lane')
  redis.call('ZREM', base .. ':due', e[1])
  redis.call('ZREM', base .. ':pending', key)
  if e[2] == '' then return end
  redis.call('ZREM', base .. ':l:' .. e[2], key)
  local following = redis.call('ZRANGE', base .. ':l:' .. e[2], 0, 0)[1]
  if following then offer(following) end
end

local function holds(key, lease)
  local e = redis.call('HMGET', entry(key), 'state', 'lease')
  return e[1] == 'pending' and e[2] == lease
end

local function settle(key)
  redis.call('HSET', entry(key), 'state', 'done', 'event', '', 'error', '', 'lease', '')
  redis.call('ZADD', base .. ':old', redis.call('HGET', entry(key), 'retain'), key)
end
`;

const PUT = `
local now, retain = ARGV[1], ARGV[2]
if ARGV[3] ~= '' then
  local digest = redis.call('HGET', base .. ':digests', ARGV[3])
  local untilMs = redis.call('ZSCORE', base .. ':replays', ARGV[3])
  if digest and digest ~= ARGV[4] and tonumber(untilMs) > tonumber(now) then return false end
  redis.call('HSET', base .. ':digests', ARGV[3], ARGV[4])
  redis.call('ZADD', base .. ':replays', retain, ARGV[3])
end
local fresh = {}
for i = 5, #ARGV, 3 do
  local key, lane = ARGV[i], ARGV[i + 1]
  if redis.call('EXISTS', entry(key)) == 0 then
    local position = redis.call('INCR', base .. ':position')
    local member = string.format('%016d', position) .. key
    redis.call('HSET', entry(key), 'member', member, 'lane', lane, 'event', ARGV[i + 2],
      'state', 'pending', 'attempts', 0, 'due', now, 'lease', '', 'received', now,
      'retain', retain, 'error', '')
    redis.call('ZADD', base .. ':pending', now, key)
    if lane ~= '' then redis.call('ZADD', base .. ':l:' .. lane, position, key) end
    offer(key)
    redis.call('SET', base .. ':last', now)
    fresh[#fresh + 1] = key
  end
end
return fresh
`;

const CLAIM = `
local now, untilMs, limit, lease = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local claimed = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', base .. ':due', '-inf', now, 'LIMIT', 0, limit)) do
  local key = string.sub(member, 17)
  local attempts = redis.call('HINCRBY', entry(key), 'attempts', 1)
  redis.call('HSET', entry(key), 'lease', lease, 'due', untilMs)
  redis.call('ZADD', base .. ':due', untilMs, member)
  local e = redis.call('HMGET', entry(key), 'lane', 'event', 'received')
  claimed[#claimed + 1] = { key, e[1], e[2], tostring(attempts), e[3] }
end
return claimed
`;

const RENEW = `
local kept = {}
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then
    redis.call('HSET', entry(ARGV[i]), 'due', ARGV[1])
    offer(ARGV[i])
    kept[#kept + 1] = ARGV[i]
  end
end
return kept
`;

const FINISH = `
if not holds(ARGV[1], ARGV[2]) then return 0 end
leave(ARGV[1])
settle(ARGV[1])
return 1
`;

const POSTPONE = `
if not holds(ARGV[1], ARGV[2]) then return 0 end
redis.call('HSET', entry(ARGV[1]), 'due', ARGV[3], 'error', ARGV[4], 'lease', '')
offer(ARGV[1])
return 1
`;

const BURY = `
local key = ARGV[1]
if not holds(key, ARGV[2]) then return 0 end
leave(key)
redis.call('HSET', entry(key), 'state', 'dead', 'retain', ARGV[3], 'error', ARGV[4], 'lease', '')
redis.call('ZADD', base .. ':dead', string.sub(redis.call('HGET', entry(key), 'member'), 1, 16), key)
redis.call('ZADD', base .. ':old', ARGV[3], key)
return 1
`;

const LIST_DEAD = `
local found = {}
for _, key in ipairs(redis.call('ZREVRANGEBYSCORE', base .. ':dead', ARGV[1], '-inf', 'LIMIT', 0, ARGV[2])) do
  local e = redis.call('HMGET', entry(key), 'event', 'attempts', 'received', 'error', 'member')
  found[#found + 1] = { key, e[1], e[2], e[3], e[4], string.sub(e[5], 1, 16) }
end
return found
`;

const REVIVE = `
local key = ARGV[1]
if redis.call('HGET', entry(key), 'state') ~= 'dead' then return 0 end
redis.call('ZREM', base .. ':dead', key)
redis.call('ZREM', base .. ':old', key)
redis.call('HSET', entry(key), 'state', 'pending', 'attempts', 0, 'due', ARGV[2], 'lane', '')
redis.call('ZADD', base .. ':pending', redis.call('HGET', entry(key), 'received'), key)
offer(key)
return 1
`;

const DISCARD = `
if redis.call('HGET', entry(ARGV[1]), 'state') ~= 'dead' then return 0 end
redis.call('ZREM', base .. ':dead', ARGV[1])
settle(ARGV[1])
return 1
`;

const STATS = `
local oldest = redis.call('ZRANGE', base .. ':pending', 0, 0, 'WITHSCORES')[2]
return { tostring(redis.call('ZCARD', base .. ':pending')), tostring(redis.call('ZCARD', base .. ':dead')),
  oldest or '', redis.call('GET', base .. ':last') or '' }
`;

const PURGE = `
local old = redis.call('ZRANGEBYSCORE', base .. ':old', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(old) do
  redis.call('ZREM', base .. ':old', key)
  redis.call('ZREM', base .. ':dead', key)
  redis.call('DEL', entry(key))
end
local replays = redis.call('ZRANGEBYSCORE', base .. ':replays', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(replays) do
  redis.call('ZREM', base .. ':replays', key)
  redis.call('HDEL', base .. ':digests', key)
end
return #old + #replays
`;

export const SCRIPTS = {
  put: SHARED + PUT,
  claim: SHARED + CLAIM,
  renew: SHARED + RENEW,
  finish: SHARED + FINISH,
  postpone: SHARED + POSTPONE,
  bury: SHARED + BURY,
  listDead: SHARED + LIST_DEAD,
  revive: SHARED + REVIVE,
  discard: SHARED + DISCARD,
  stats: SHARED + STATS,
  purge: SHARED + PURGE,
} as const;
