import type { ServerCommandSpec } from '../program/command-spec.ts';
import { backfillSink } from './backfill-sink.ts';
import { createSink, deleteSink, pauseSink, resumeSink, updateSink } from './change-sink.ts';
import { listSinkKinds, listSinkPresets } from './list-kinds.ts';
import { listSinks, showSink } from './list-sinks.ts';
import { listRefused, resendRefused } from './refused-events.ts';
import { previewSink, testSink } from './try-sink.ts';

export const SINK_COMMANDS: readonly ServerCommandSpec[] = [
  listSinks,
  listSinkKinds,
  listSinkPresets,
  createSink,
  showSink,
  updateSink,
  testSink,
  previewSink,
  backfillSink,
  listRefused,
  resendRefused,
  pauseSink,
  resumeSink,
  deleteSink,
];
