import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { Endpoint } from '../../api/objects.ts';
import { endpointsQuery } from '../../api/queries.ts';
import { useMayCreate } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { Modal } from '../../design/modal.tsx';
import { Question } from '../../design/question.tsx';
import { useWords } from '../../words/words.tsx';
import { ReplayQuestion } from '../deliveries/replay-question.tsx';
import { ChangeEndpoint } from './change-endpoint.tsx';
import { endpointPath, useEndpointChange, useRefreshEndpoint } from './use-endpoint-change.ts';

type Action = 'change' | 'disable' | 'remove' | 'rotate' | 'replay';

/** What can be done with an endpoint. Each asks by naming its effect. */
export function EndpointActions({ endpoint }: { endpoint: Endpoint }) {
  const words = useWords();
  const [open, setOpen] = useState<Action | null>(null);
  const change = useEndpointChange(endpoint);
  const close = () => setOpen(null);
  const mayCreate = useMayCreate();
  return (
    <>
      <Button onClick={() => setOpen('change')}>{words.endpoint.change}</Button>
      <Button onClick={() => setOpen('replay')}>{words.endpoint.replay}</Button>
      <Button onClick={() => setOpen('rotate')}>{words.endpoint.rotate}</Button>
      {endpoint.status === 'enabled' ? (
        <Button onClick={() => setOpen('disable')}>{words.endpoint.disable}</Button>
      ) : (
        <Button isBusy={change.isPending} onClick={() => change.mutate({ status: 'enabled' })}>
          {words.endpoint.enable}
        </Button>
      )}
      {mayCreate && (
        <Button kind="danger" onClick={() => setOpen('remove')}>
          {words.endpoint.remove}
        </Button>
      )}
      {open === 'change' && <ChangeEndpoint endpoint={endpoint} close={close} />}
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
    mutationFn: () => call(endpointPath(endpoint), { method: 'DELETE', version: endpoint.version }),
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
  const refresh = useRefreshEndpoint(endpoint);
  const rotate = useMutation({
    mutationFn: () =>
      call<{ secret: string }>(`${endpointPath(endpoint)}/secret/rotate`, {
        method: 'POST',
        body: {},
      }),
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
