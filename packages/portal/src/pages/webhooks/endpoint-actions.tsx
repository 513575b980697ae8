import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Endpoint } from '../../api/objects.ts';
import { endpointQuery, endpointsQuery, gapsQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { Modal } from '../../design/modal.tsx';
import { Question } from '../../design/question.tsx';
import { useWords } from '../../words/words.tsx';
import { ReplayQuestion } from '../deliveries/replay-question.tsx';

type Action = 'disable' | 'remove' | 'rotate' | 'replay';

/** What can be done with an endpoint. Each asks by naming its effect. */
export function EndpointActions({ endpoint }: { endpoint: Endpoint }) {
  const words = useWords();
  const [open, setOpen] = useState<Action | null>(null);
  const change = useEndpointChange(endpoint);
  const close = () => setOpen(null);
  return (
    <>
      <Button onClick={() => setOpen('replay')}>{words.endpoint.replay}</Button>
      <Button onClick={() => setOpen('rotate')}>{words.endpoint.rotate}</Button>
      {endpoint.status === 'enabled' ? (
        <Button onClick={() => setOpen('disable')}>{words.endpoint.disable}</Button>
      ) : (
        <Button isBusy={change.isPending} onClick={() => change.mutate({ status: 'enabled' })}>
          {words.endpoint.enable}
        </Button>
      )}
      <Button kind="danger" onClick={() => setOpen('remove')}>
        {words.endpoint.remove}
      </Button>
      {open === 'disable' && <Disable endpoint={endpoint} close={close} />}
      {open === 'remove' && <Remove endpoint={endpoint} close={close} />}
      {open === 'rotate' && <Rotate endpoint={endpoint} close={close} />}
      {open === 'replay' && <ReplayQuestion endpointId={endpoint.id} close={close} />}
    </>
  );
}

interface DialogProps {
  endpoint: Endpoint;
  close: () => void;
}

const pathOf = ({ id }: Endpoint): string => `/v1/endpoints/${encodeURIComponent(id)}`;

function useRefresh({ id }: Endpoint): () => void {
  const client = useQueryClient();
  return () => {
    for (const { queryKey } of [endpointQuery(id), endpointsQuery(), gapsQuery(id)]) {
      void client.invalidateQueries({ queryKey });
    }
  };
}

function useEndpointChange(endpoint: Endpoint) {
  const refresh = useRefresh(endpoint);
  return useMutation({
    mutationFn: (body: object) =>
      call<Endpoint>(pathOf(endpoint), { method: 'PATCH', body, version: endpoint.version }),
    onSettled: refresh,
  });
}

function Disable({ endpoint, close }: DialogProps) {
  const words = useWords();
  const change = useEndpointChange(endpoint);
  return (
    <Question
      title={words.endpoint.disable}
      effect={words.endpoint.disableEffect}
      action={words.endpoint.disable}
      isBusy={change.isPending}
      error={change.error}
      confirm={() => change.mutate({ status: 'disabled' }, { onSuccess: close })}
      close={close}
    />
  );
}

function Remove({ endpoint, close }: DialogProps) {
  const words = useWords();
  const navigate = useNavigate();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => call(pathOf(endpoint), { method: 'DELETE', version: endpoint.version }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: endpointsQuery().queryKey });
      void navigate({ to: '/webhooks' });
    },
  });
  return (
    <Question
      title={words.endpoint.removeTitle(endpoint.url)}
      effect={words.endpoint.removeEffect}
      action={words.endpoint.remove}
      kind="danger"
      isBusy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    />
  );
}

function Rotate({ endpoint, close }: DialogProps) {
  const words = useWords();
  const refresh = useRefresh(endpoint);
  const rotate = useMutation({
    mutationFn: () =>
      call<{ secret: string }>(`${pathOf(endpoint)}/secret/rotate`, { method: 'POST', body: {} }),
    onSettled: refresh,
  });
  if (rotate.data !== undefined) {
    return (
      <Modal title={words.endpoint.newSecret} close={close}>
        <CodeBlock text={rotate.data.secret} label={words.endpoint.newSecret} />
      </Modal>
    );
  }
  return (
    <Question
      title={words.endpoint.rotate}
      effect={words.endpoint.rotateEffect}
      action={words.endpoint.rotate}
      isBusy={rotate.isPending}
      error={rotate.error}
      confirm={() => rotate.mutate()}
      close={close}
    />
  );
}
