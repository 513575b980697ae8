import { useMutation, useQueryClient } from '@tanstack/react-query';
import { call } from '../../api/client.ts';
import type { Endpoint } from '../../api/objects.ts';
import { endpointQuery, endpointsQuery, gapsQuery } from '../../api/queries.ts';

export const endpointPath = ({ id }: Endpoint): string => `/v1/endpoints/${encodeURIComponent(id)}`;

/** Has what is shown of an endpoint read again. */
export function useRefreshEndpoint({ id }: Endpoint): () => void {
  const client = useQueryClient();
  return () => {
    for (const { queryKey } of [endpointQuery(id), endpointsQuery(), gapsQuery(id)]) {
      void client.invalidateQueries({ queryKey });
    }
  };
}

/** Changes fields of an endpoint, unless somebody else has changed it meanwhile. */
export function useEndpointChange(endpoint: Endpoint) {
  const refresh = useRefreshEndpoint(endpoint);
  return useMutation({
    mutationFn: (body: object) =>
      call<Endpoint>(endpointPath(endpoint), { method: 'PATCH', body, version: endpoint.version }),
    onSettled: refresh,
  });
}
