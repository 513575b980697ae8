import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { call } from '../../api/client.ts';
import type { Job } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { jobQuery } from '../../api/queries.ts';
import { buttonClass } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { Modal } from '../../design/modal.tsx';
import { Skeleton } from '../../design/notices.tsx';
import { useWords } from '../../words/words.tsx';

export function AddSuppression({
  address = '',
  close,
}: {
  /** Whom it is about, where that is known already. */
  address?: string;
  close: () => void;
}) {
  const { suppressions } = useWords();
  const client = useQueryClient();
  const add = useMutation({
    mutationFn: (body: object) => call('/v1/suppressions', { method: 'POST', body }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['/v1/suppressions'] });
      close();
    },
  });
  return (
    <FormDialog
      title={suppressions.add}
      close={close}
      isBusy={add.isPending}
      error={add.error}
      submit={(form) => {
        const note = String(form.get('note'));
        add.mutate({ address: String(form.get('address')), ...(note === '' ? {} : { note }) });
      }}
    >
      <TextField
        label={suppressions.address}
        name="address"
        type="email"
        required
        defaultValue={address}
      />
      <TextField label={suppressions.note} name="note" maxLength={200} />
    </FormDialog>
  );
}

export function ImportSuppressions({ close }: { close: () => void }) {
  const { suppressions } = useWords();
  const navigate = useNavigate();
  const start = useMutation({
    async mutationFn(file: File) {
      const content = await file.text();
      const format = content.trimStart().startsWith('{') ? 'ndjson' : 'csv';
      return call<Job>('/v1/suppressions/imports', { method: 'POST', body: { format, content } });
    },
    onSuccess: () => void navigate({ to: '/jobs' }),
  });
  return (
    <FormDialog
      title={suppressions.import}
      close={close}
      isBusy={start.isPending}
      error={start.error}
      submit={(form) => {
        const file = form.get('file');
        if (file instanceof File) start.mutate(file);
      }}
    >
      <p className="text-muted">{suppressions.importLead}</p>
      <label className="block">
        <span className="mb-1 block font-medium">{suppressions.file}</span>
        <input type="file" name="file" required accept=".csv,.ndjson,.jsonl,.txt,text/csv" />
      </label>
    </FormDialog>
  );
}

/** Makes the file on the server, then offers it. */
export function ExportSuppressions({ close }: { close: () => void }) {
  const { suppressions } = useWords();
  const started = useQuery({
    queryKey: ['/v1/suppressions/exports'],
    queryFn: () =>
      call<Job>('/v1/suppressions/exports', { method: 'POST', body: { format: 'csv' } }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const id = started.data?.id ?? '';
  const job = useQuery({ ...jobQuery(id), enabled: id !== '' }).data;
  const isDone = job?.state === 'done';
  const file = useQuery({
    queryKey: ['/v1/suppressions/exports', id],
    queryFn: () => download(`/v1/suppressions/exports/${encodeURIComponent(id)}`),
    enabled: isDone,
    gcTime: 0,
  });
  const error = started.error ?? file.error;
  return (
    <Modal title={suppressions.export} close={close}>
      {error !== null ? (
        <p role="alert" className="text-bad">
          {toProblem(error).message}
        </p>
      ) : file.data === undefined ? (
        <>
          <p>{suppressions.exporting}</p>
          <Skeleton rows={1} />
        </>
      ) : (
        <a href={file.data} download="suppressions.csv" className={buttonClass('primary')}>
          {suppressions.download}
        </a>
      )}
    </Modal>
  );
}

/** The file as an address that a link can have. */
async function download(path: string): Promise<string> {
  const text = await call<string>(path, { asText: true });
  return URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
}
