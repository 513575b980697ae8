import { useMutation, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { call } from '../../api/client.ts';
import type { Sink } from '../../api/objects.ts';
import { sinkKindsQuery, sinkQuery } from '../../api/queries.ts';
import { useMayManage } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code } from '../../design/copy.tsx';
import { Form } from '../../design/forms/form.tsx';
import { isLoaded, NotLoaded } from '../../design/notices.tsx';
import { Card, Facts, Page, Section } from '../../design/page.tsx';
import { Time } from '../../design/time.tsx';
import { formatCount } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';
import { describeTypes } from '../webhooks/endpoints.tsx';
import { Transformation } from '../webhooks/transformation.tsx';
import { LatestRefusal, RefusedEvents } from './refused-events.tsx';
import { readSettings, SettingFields } from './setting-fields.tsx';
import { SinkActions, TestSink } from './sink-actions.tsx';
import { describeLag, SinkState } from './sinks.tsx';
import { sinkPath, useRefreshSink } from './use-sink.ts';

const route = getRouteApi('/sinks/$id');

/** How far it is changes by itself, ms. */
const LOOK_AGAIN_MS = 2_000;

/** One sink: does what happens arrive, what does not, and what is made of an event. */
export function SinkPage() {
  const { id } = route.useParams();
  const mayManage = useMayManage();
  const query = useQuery(sinkQuery(id, LOOK_AGAIN_MS));
  if (!isLoaded(query)) return <NotLoaded query={query} />;
  const sink = query.data;
  return (
    <Page
      title={sink.name}
      answer={<Answer sink={sink} />}
      actions={mayManage && <SinkActions sink={sink} />}
    >
      <BackfillProgress sink={sink} />
      <div className="grid grid-cols-1 gap-x-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="min-w-0">
          {mayManage && <SinkTransformation key={sink.id} sink={sink} />}
          <RefusedEvents sink={sink} />
        </div>
        <Aside sink={sink} />
      </div>
    </Page>
  );
}

function Answer({ sink }: { sink: Sink }) {
  const { sinks } = useWords();
  const mayManage = useMayManage();
  const { last_error, failing_since, refusing_since, next_attempt_at } = sink.progress;
  return (
    <div className="flex flex-col items-start gap-3">
      <SinkState state={sink.state} />
      {sink.state === 'failing' && last_error !== null && (
        <div role="alert" className="rounded-md bg-bad-soft p-2.5 wrap-anywhere text-bad">
          <p>
            {last_error.detail} ({last_error.code})
          </p>
          <p>
            {failing_since !== null && (
              <>
                {sinks.firstFailure} <Time at={failing_since} />
              </>
            )}
            {next_attempt_at !== null && (
              <>
                {' · '}
                {sinks.nextAttempt} <Time at={next_attempt_at} />
              </>
            )}
          </p>
        </div>
      )}
      {sink.state === 'refusing' && refusing_since !== null && (
        <div role="alert" className="rounded-md bg-bad-soft p-2.5 wrap-anywhere text-bad">
          <LatestRefusal sink={sink} />
          <p>
            {sinks.firstRefusal} <Time at={refusing_since} />
          </p>
        </div>
      )}
      {mayManage && <TestSink sink={sink} />}
    </div>
  );
}

function BackfillProgress({ sink }: { sink: Sink }) {
  const { words, language } = useLanguage();
  const mayManage = useMayManage();
  const refresh = useRefreshSink(sink);
  const stop = useMutation({
    mutationFn: () => call(`${sinkPath(sink)}/backfill`, { method: 'DELETE' }),
    onSettled: refresh,
  });
  if (sink.backfill === null) return null;
  const { percent, last_error } = sink.backfill;
  const text = words.sinks.backfillProgress(formatCount(percent, language));
  return (
    <Card className="mb-6 flex flex-wrap items-center gap-3 p-3">
      <span role="status">{text}</span>
      <progress aria-label={text} max={100} value={percent} className="h-2 flex-1 accent-accent" />
      {mayManage && <Button onClick={() => stop.mutate()}>{words.sinks.backfillStop}</Button>}
      {last_error !== null && <p className="w-full wrap-anywhere text-bad">{last_error.detail}</p>}
    </Card>
  );
}

function SinkTransformation({ sink }: { sink: Sink }) {
  const changed = useRefreshSink(sink);
  return <Transformation path={sinkPath(sink)} of={sink} changed={changed} />;
}

function Aside({ sink }: { sink: Sink }) {
  const { words, language } = useLanguage();
  const { sinks } = words;
  const mayManage = useMayManage();
  const { progress } = sink;
  return (
    <div>
      <Section title={sinks.state}>
        <Card>
          <Facts
            facts={[
              [sinks.kind, sink.kind],
              [sinks.lag, describeLag(sink, words)],
              [sinks.sent, formatCount(progress.sent, language)],
              [sinks.refused, formatCount(progress.refused, language)],
              [
                sinks.lastSent,
                progress.last_sent_at === null ? (
                  words.time.never
                ) : (
                  <Time key="sent" at={progress.last_sent_at} />
                ),
              ],
              [words.endpoints.events, describeTypes(sink.event_types, words)],
              ...(sink.filter === null
                ? []
                : [[sinks.filter, <FilterText key="filter" filter={sink.filter} />] as const]),
              ['id', <Code key="id" text={sink.id} isShort />],
            ]}
          />
        </Card>
      </Section>
      {mayManage && <Settings key={sink.version} sink={sink} />}
    </div>
  );
}

function FilterText({ filter }: { filter: object }) {
  return (
    <pre className="overflow-auto font-mono text-[13px] whitespace-pre-wrap">
      {JSON.stringify(filter, null, 2)}
    </pre>
  );
}

/** A secret that is entered takes the place of the one before; the others stay. */
function Settings({ sink }: { sink: Sink }) {
  const { sinks, common } = useWords();
  const kind = useQuery(sinkKindsQuery()).data?.data.find((one) => one.kind === sink.kind);
  const refresh = useRefreshSink(sink);
  const change = useMutation({
    mutationFn: (settings: Record<string, unknown>) =>
      call(sinkPath(sink), { method: 'PATCH', body: { settings }, version: sink.version }),
    onSuccess: refresh,
  });
  if (kind === undefined) return null;
  return (
    <Section title={sinks.settings}>
      <Form
        error={change.error}
        submit={(form) => change.mutate(readSettings(form, kind, sink.settings))}
      >
        <SettingFields of={kind} kept={sink.settings} />
        <div>
          <Button type="submit" isBusy={change.isPending}>
            {common.save}
          </Button>
        </div>
      </Form>
    </Section>
  );
}
