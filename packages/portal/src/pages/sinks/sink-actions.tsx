import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Sink, SinkTrouble } from '../../api/objects.ts';
import { sinksQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { Alert } from '../../design/forms/form.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { Question } from '../../design/question.tsx';
import { formatSpan } from '../../words/format.ts';
import { useWords } from '../../words/words.tsx';
import { ChooseEvents } from '../webhooks/choose-events.tsx';
import { EventFilter, readFilter } from './event-filter.tsx';
import { sinkPath, useRefreshSink } from './use-sink.ts';

interface DialogProps {
  sink: Sink;
  close: () => void;
}

/** What can be done with a sink. */
export function SinkActions({ sink }: { sink: Sink }) {
  const { sinks } = useWords();
  const [open, setOpen] = useState<'change' | 'backfill' | 'remove' | null>(null);
  const refresh = useRefreshSink(sink);
  const pause = useMutation({
    mutationFn: () => {
      const body = { paused: !sink.paused };
      return call(sinkPath(sink), { method: 'PATCH', body, version: sink.version });
    },
    onSettled: refresh,
  });
  const close = () => setOpen(null);
  return (
    <>
      <Button onClick={() => setOpen('change')}>{sinks.change}</Button>
      <Button isBusy={pause.isPending} onClick={() => pause.mutate()}>
        {sink.paused ? sinks.resume : sinks.pause}
      </Button>
      <Button onClick={() => setOpen('backfill')}>{sinks.backfill}</Button>
      <Button kind="danger" onClick={() => setOpen('remove')}>
        {sinks.remove}
      </Button>
      {pause.error !== null && <Alert>{pause.error.message}</Alert>}
      {open === 'change' && <Change sink={sink} close={close} />}
      {open === 'backfill' && <Backfill sink={sink} close={close} />}
      {open === 'remove' && <Remove sink={sink} close={close} />}
    </>
  );
}

/** What it is called, and which events it gets. */
function Change({ sink, close }: DialogProps) {
  const { sinks, invalid, endpoint } = useWords();
  const refresh = useRefreshSink(sink);
  const [types, setTypes] = useState<ReadonlySet<string>>(new Set(sink.event_types));
  const change = useMutation({
    mutationFn: async (form: FormData) => {
      const body = {
        name: String(form.get('name')).trim() || null,
        event_types: [...types],
        filter: readFilter(form, invalid),
      };
      return call(sinkPath(sink), { method: 'PATCH', body, version: sink.version });
    },
    onSuccess() {
      refresh();
      close();
    },
  });
  return (
    <FormDialog
      title={sinks.change}
      action={endpoint.saveChange}
      close={close}
      isBusy={change.isPending}
      error={change.error}
      submit={(form) => change.mutate(form)}
    >
      <TextField
        label={sinks.name}
        name="name"
        maxLength={100}
        defaultValue={sink.name}
        help={sinks.nameHelp}
      />
      <ChooseEvents chosen={types} choose={setTypes} />
      <EventFilter kept={sink.filter} />
    </FormDialog>
  );
}

function Backfill({ sink, close }: DialogProps) {
  const { sinks } = useWords();
  const refresh = useRefreshSink(sink);
  const start = useMutation({
    mutationFn: (since: string | null) =>
      call(`${sinkPath(sink)}/backfill`, { method: 'POST', body: { since } }),
    onSuccess() {
      refresh();
      close();
    },
  });
  function submit(form: FormData): void {
    const since = String(form.get('since'));
    start.mutate(since === '' ? null : new Date(since).toISOString());
  }
  return (
    <FormDialog
      title={sinks.backfill}
      close={close}
      isBusy={start.isPending}
      error={start.error}
      submit={submit}
    >
      <p className="text-muted">{sinks.backfillLead}</p>
      <TextField label={sinks.backfillSince} name="since" type="datetime-local" />
    </FormDialog>
  );
}

function Remove({ sink, close }: DialogProps) {
  const { sinks } = useWords();
  const navigate = useNavigate();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => call(sinkPath(sink), { method: 'DELETE', version: sink.version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: sinksQuery().queryKey });
      void navigate({ to: '/sinks' });
    },
  });
  return (
    <Question
      title={sinks.removeTitle(sink.name)}
      effect={sinks.removeEffect}
      action={sinks.remove}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}

/** A sample at once, and what the destination said to it. */
export function TestSink({ sink }: { sink: Sink }) {
  const words = useWords();
  const test = useMutation({
    mutationFn: () =>
      call<{ ok: boolean; error: SinkTrouble | null; duration_ms: number }>(
        `${sinkPath(sink)}/test`,
        { method: 'POST', body: {} },
      ),
  });
  const { data, error, isPending } = test;
  const isGood = data?.ok === true;
  const trouble = error?.message ?? (data?.error && `${data.error.detail} (${data.error.code})`);
  return (
    <div className="flex flex-wrap items-center gap-3">
      <Button isBusy={isPending} onClick={() => test.mutate()}>
        {words.sinks.test}
      </Button>
      <span
        role="status"
        className={`wrap-anywhere ${isPending ? 'text-muted' : isGood ? 'text-good' : 'text-bad'}`}
      >
        {isPending && words.sinks.testing}
        {isGood && !isPending && words.sinks.testGood(formatSpan(data.duration_ms, words))}
        {!isGood && !isPending && trouble && words.sinks.testBad(trouble)}
      </span>
    </div>
  );
}
