import { createIngest, type Ingest } from './ingest.ts';
import { createProviderFetch, type ProviderFetch } from './provider-fetch.ts';
import { createSilenceMonitor, type SilenceMonitor } from './silence-monitor.ts';
import { createSourceDirectory, type SourceDirectory } from './source-directory.ts';
import { createSourceRecorder, type SourceRecorder } from './source-recorder.ts';

/** Everything that takes in other providers' webhooks, put together. */
export interface SourceRoom<B> {
  directory: SourceDirectory<B>;
  ingest: Ingest;
  recorder: SourceRecorder;
  /** What exactly one node does. */
  monitor: SilenceMonitor;
}

type DirectoryOptions<B> = Parameters<typeof createSourceDirectory<B>>[0];
type RecorderOptions = Parameters<typeof createSourceRecorder>[0];
type IngestOptions = Parameters<typeof createIngest>[0];
type MonitorOptions<B> = Parameters<typeof createSilenceMonitor<B>>[0];
type FetchOptions = Parameters<typeof createProviderFetch>[0];

export function createSourceRoom<B>(
  options: Omit<DirectoryOptions<B>, 'now'> &
    Omit<RecorderOptions, 'activities'> &
    Omit<IngestOptions, 'fetch' | 'recorder' | 'now'> &
    Omit<MonitorOptions<B>, 'activities' | 'directory'> &
    FetchOptions & {
      activities: RecorderOptions['activities'] & MonitorOptions<B>['activities'];
      /** For tests, instead of the network. */
      fetch?: ProviderFetch;
    },
): SourceRoom<B> {
  const { now } = options.clock;
  const directory = createSourceDirectory({ ...options, now });
  const recorder = createSourceRecorder(options);
  const fetch = options.fetch ?? createProviderFetch(options);
  return {
    directory,
    recorder,
    ingest: createIngest({ ...options, fetch, recorder, now }),
    monitor: createSilenceMonitor({ ...options, directory }),
  };
}
