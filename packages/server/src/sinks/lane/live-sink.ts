import type { CanonicalEvent, EventType } from '@posthorn/sdk';
import { compileContentFilter } from '../../core/events/content-filter.ts';
import { compileEventFilter } from '../../core/events/event-filter.ts';
import type { SinkRecord } from '../../core/sink.ts';
import type { SinkConnection, SinkKind, SinkSurroundings } from '../contract.ts';
import { SinkTrouble } from '../contract.ts';
import type { Transform } from './prepare.ts';

/** A sink ready for use: its kind found, its secrets opened, its filter compiled. */
export interface LiveSink {
  record: SinkRecord;
  kind: SinkKind;
  /** Exact types. */
  types: readonly EventType[];
  wants: (event: CanonicalEvent) => boolean;
  transform: Transform | null;
  /** See SinkKind. */
  spacingMs: number;
  open(): Promise<SinkConnection>;
}

export function makeLive(
  record: SinkRecord,
  kind: SinkKind,
  given: {
    /** Opened. */
    secrets: Record<string, unknown>;
    surroundings: Omit<SinkSurroundings, 'projectId' | 'sinkId'>;
    compile: (expression: string) => Transform;
  },
): LiveSink {
  const { projectId, id: sinkId, filter, transformation } = record;
  const content = filter === null ? () => true : compileContentFilter(filter);
  const parsed = kind.settings.safeParse({ ...record.settings, ...given.secrets });
  return {
    record,
    kind,
    types: [...compileEventFilter(record.eventTypes)],
    // What is told about sinks and endpoints themselves would follow each delivery by another.
    wants: (event) => content(event) && kind.ignores?.(event) !== true,
    transform: transformation === null ? null : given.compile(transformation),
    spacingMs: parsed.success ? (kind.spacingMs?.(parsed.data) ?? 0) : 0,
    async open() {
      if (!parsed.success) {
        const detail = `Its settings are not those of this version: ${parsed.error.issues[0]?.message}`;
        throw new SinkTrouble('internal', detail);
      }
      return kind.open(parsed.data, { ...given.surroundings, projectId, sinkId });
    },
  };
}
