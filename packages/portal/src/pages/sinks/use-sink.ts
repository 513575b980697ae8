import { useQueryClient } from '@tanstack/react-query';
import type { Sink } from '../../api/objects.ts';
import { sinksQuery } from '../../api/queries.ts';

export const sinkPath = ({ id }: Pick<Sink, 'id'>): string => `/v1/sinks/${encodeURIComponent(id)}`;

/** Has what is shown of a sink read again. */
export function useRefreshSink(sink: Pick<Sink, 'id'>): () => void {
  const client = useQueryClient();
  return () => {
    for (const key of [sinkPath(sink), `${sinkPath(sink)}/refused`]) {
      void client.invalidateQueries({ queryKey: [key] });
    }
    void client.invalidateQueries({ queryKey: sinksQuery().queryKey });
  };
}
