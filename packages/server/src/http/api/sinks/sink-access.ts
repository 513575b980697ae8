import { z } from 'zod';
import { compileEventFilter } from '../../../core/events/event-filter.ts';
import { parseContentFilter } from '../../../core/events/parse-content-filter.ts';
import { NEW_PLACE, type SinkRecord } from '../../../core/sink.ts';
import { PosthornError } from '../../../lib/errors.ts';
import type { AddressGuard } from '../../../lib/network/address-guard.ts';
import { SinkTrouble } from '../../../sinks/contract.ts';
import type { SinkRoom } from '../../../sinks/create-sinks.ts';
import { refuseLiteral } from '../../../sinks/dialing/sink-http.ts';
import { readServiceAccount } from '../../../sinks/google/service-account.ts';
import { findSinkPreset } from '../../../sinks/presets/sink-presets.ts';
import { findSinkKind } from '../../../sinks/sink-kinds.ts';
import type { EventFeed } from '../../../store/log/event-feed.ts';
import type { SinkPlaces } from '../../../store/sinks/sink-places.ts';
import type { Sinks } from '../../../store/sinks/sinks.ts';
import { describeIssue } from '../../describe-issue.ts';
import { validationError } from '../../problem.ts';
import { refuse } from '../endpoints/apply-fields.ts';
import type { SinkFields } from './sink-fields.ts';
import { type SinkPlacesShown, toSinkJson } from './sink-json.ts';

export interface SinkAccessDeps {
  sinks: Pick<Sinks, 'get'>;
  sinkPlaces: Pick<SinkPlaces, 'of'>;
  sinkRoom: Pick<SinkRoom, 'seal' | 'open'>;
  urlPolicy: { guard: AddressGuard };
  feed: Pick<EventFeed, 'after'>;
  now: () => number;
}

/** What the routes of sinks share: finding one, reading its fields, showing it. */
export interface SinkAccess {
  /** Throws `not_found`. */
  find(projectId: string, id: string): Promise<SinkRecord>;
  /** The sink with the fields that are there. Throws `invalid_field`. */
  apply(before: Omit<SinkRecord, 'secretsSealed'>, secrets: object, fields: SinkFields): SinkRecord;
  /** What a preset makes of its settings, with the fields that are there in place of its own. Throws `invalid_field`. */
  fill(preset: string, fields: SinkFields): SinkFields;
  show(sinks: readonly SinkRecord[]): Promise<ReturnType<typeof toSinkJson>[]>;
}

/** Of a sink that is being made. */
const UNSTORED = { ...NEW_PLACE, position: 0, fromPosition: 0, untilPosition: null };

export function createSinkAccess(deps: SinkAccessDeps): SinkAccess {
  const { sinkRoom } = deps;

  function readSettings<S>(schema: z.ZodType<S>, given: Record<string, unknown>): S {
    const parsed = schema.safeParse(given, { error: describeIssue });
    if (parsed.success) return parsed.data;
    throw validationError(parsed.error, () => toSettingsSchema(schema) as never, '/settings/');
  }

  function readJudged(schema: z.ZodType, given: Record<string, unknown>): Record<string, unknown> {
    const settings = readSettings(schema, given) as Record<string, unknown>;
    for (const [name, value] of Object.entries(settings)) judge(name, value);
    return settings;
  }

  async function waitingSince(sink: SinkRecord, afterPosition: number): Promise<number | null> {
    const { events } = await deps.feed.after({
      projectId: sink.projectId,
      afterPosition,
      limit: 1,
      types: [...compileEventFilter(sink.eventTypes)],
      messageKey: null,
      recipient: null,
    });
    const [first] = events;
    if (first === undefined) return null;
    return Date.parse(first.event.data.received_at ?? first.event.timestamp);
  }

  /** What can be said of an address without asking anybody is said at once. */
  function judge(name: string, value: unknown): void {
    for (const host of hostsIn(name, value)) {
      try {
        refuseLiteral(deps.urlPolicy.guard, host);
      } catch (error) {
        if (error instanceof SinkTrouble) refuse(`/settings/${name}`, error.message);
        throw error;
      }
    }
  }

  return {
    async find(projectId, id) {
      const found = await deps.sinks.get(projectId, id);
      if (found === null) throw new PosthornError('not_found', `There is no sink ${id}.`);
      return found;
    },
    apply(before, secrets, fields) {
      const kind = findSinkKind(before.kind);
      if (kind === null) refuse('/kind', `There is no kind ${before.kind} in this version.`);
      const merged = { ...before.settings, ...secrets, ...fields.settings };
      const given = Object.entries(merged).filter(([, value]) => value !== null);
      const settings = readJudged(kind.settings, Object.fromEntries(given));
      const isSecret = ([name]: [string, unknown]): boolean => kind.secrets.includes(name as never);
      const all = Object.entries(settings).filter(([, value]) => value !== undefined);
      const open = Object.fromEntries(all.filter((one) => !isSecret(one)));
      const sealed = sinkRoom.seal(before, Object.fromEntries(all.filter(isSecret)));
      const { name, event_types: types, filter, transformation, paused } = fields;
      return {
        ...before,
        name: name === undefined ? before.name : (name ?? kind.title),
        settings: open,
        secretsSealed: sealed,
        eventTypes: types === undefined ? before.eventTypes : (types ?? ['*']),
        filter: readFilter(before.filter, filter),
        transformation: transformation === undefined ? before.transformation : transformation,
        isPaused: paused ?? before.isPaused,
      };
    },
    fill(name, fields) {
      const preset = findSinkPreset(name);
      if (preset === null) refuse('/preset', `There is no preset ${name} in this version.`);
      const { settings: given = {}, ...rest } = fields;
      const filled = preset.make(readSettings(preset.settings, given));
      return { name: preset.title, event_types: [...preset.eventTypes], ...filled, ...rest };
    },
    async show(sinks) {
      const [first] = sinks;
      if (first === undefined) return [];
      const ids = sinks.map(({ id }) => id);
      const places = await deps.sinkPlaces.of(first.projectId, ids);
      return Promise.all(
        sinks.map(async (sink) => {
          const of = (lane: 'live' | 'backfill') =>
            places.find((one) => one.id === sink.id && one.lane === lane)?.place ?? null;
          const live = of('live');
          const shown: SinkPlacesShown = {
            live: live ?? UNSTORED,
            backfill: of('backfill'),
            waitingSinceMs: live === null ? null : await waitingSince(sink, live.position),
          };
          return toSinkJson(sink, Object.keys(sinkRoom.open(sink)), shown, deps.now());
        }),
      );
    },
  };
}

/** Of a kind or a preset, as JSON Schema. */
export function toSettingsSchema(settings: z.ZodType): Record<string, unknown> {
  const schema = z.toJSONSchema(settings, { io: 'input', unrepresentable: 'any' });
  const { $schema: _, ...shape } = schema as Record<string, unknown>;
  return shape;
}

/**
 * What a setting leads to: kinds that dial themselves have a `host`, or `brokers` with ports; a key of Google names
 * where its token is fetched.
 */
function hostsIn(name: string, value: unknown): string[] {
  if (typeof value !== 'string') return [];
  if (name === 'host') return [asDialled(value)];
  if (name === 'brokers') {
    return value.split(',').map((one) => asDialled(one.trim().replace(/:\d+$/, '')));
  }
  if (name === 'service_account') return hostsIn('', readServiceAccount(value)?.token_uri);
  return /^\w+:\/\//.test(value) && URL.canParse(value) ? [new URL(value).hostname] : [];
}

/** An address may be written as one number, in hexadecimal or octal: 167772161 is 10.0.0.1. */
function asDialled(host: string): string {
  const url = `http://${host}/`;
  return URL.canParse(url) ? new URL(url).hostname : host;
}

function readFilter(before: SinkRecord['filter'], given: unknown): SinkRecord['filter'] {
  if (given === undefined) return before;
  return given === null ? null : parseContentFilter(given);
}
