import { useMutation } from '@tanstack/react-query';
import { call, type Query } from '../../api/client.ts';
import { Button } from '../../design/button.tsx';

/** How long a file that was asked for can be read, ms. */
const KEPT_MS = 60_000;

/** Has what is shown come as a file for a spreadsheet. */
export function ExportButton({
  name,
  file,
  toQuery,
}: {
  name: string;
  file: string;
  toQuery: () => Query;
}) {
  const fetched = useMutation({
    mutationFn: () => call<string>('/v1/stats/csv', { query: toQuery(), asText: true }),
    onSuccess(text) {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
      link.download = file;
      link.click();
      // Some browsers read it only after this.
      setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
    },
  });
  return (
    <span className="inline-flex flex-wrap items-center gap-2">
      <Button isBusy={fetched.isPending} onClick={() => fetched.mutate()}>
        {name}
      </Button>
      {fetched.error !== null && (
        <span role="alert" className="text-bad">
          {fetched.error.message}
        </span>
      )}
    </span>
  );
}
