// A table: every preset. A new one is an object beside these and a line here.
import { hubspotContacts, hubspotEvents } from './hubspot.ts';
import { salesforceRecords } from './salesforce.ts';
import type { SinkPreset } from './sink-preset.ts';

export const SINK_PRESETS: readonly SinkPreset[] = [
  hubspotContacts,
  hubspotEvents,
  salesforceRecords,
];

export function findSinkPreset(preset: string): SinkPreset | null {
  return SINK_PRESETS.find((one) => one.preset === preset) ?? null;
}
