import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { sessionQuery, useSession } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { Code, CodeBlock } from '../../design/copy.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { Modal } from '../../design/modal.tsx';
import { ProblemNotice, Skeleton } from '../../design/notices.tsx';
import { Card, Section } from '../../design/page.tsx';
import { QrCode } from '../../design/qr-code.tsx';
import { Badge } from '../../design/state.tsx';
import { useWords } from '../../words/words.tsx';

/** Whether sign-in asks for a code, and the way to have it do so. */
export function SecondFactor() {
  const { totp } = useWords().settings;
  const { user } = useSession();
  const [open, setOpen] = useState<'enable' | 'disable' | null>(null);
  const close = () => setOpen(null);
  return (
    <Section title={totp.title}>
      <Card className="flex flex-wrap items-center gap-4 p-4">
        <Badge tone={user.has_totp ? 'good' : 'idle'} icon={user.has_totp ? 'check' : 'skip'}>
          {user.has_totp ? totp.on : totp.off}
        </Badge>
        <p className="min-w-0 flex-1 text-muted">
          {user.has_totp ? totp.left(user.recovery_codes) : totp.lead}
        </p>
        {user.has_totp ? (
          <Button kind="danger" onClick={() => setOpen('disable')}>
            {totp.disable}
          </Button>
        ) : (
          <Button onClick={() => setOpen('enable')}>{totp.enable}</Button>
        )}
      </Card>
      {open === 'enable' && <Enable close={close} />}
      {open === 'disable' && <Disable close={close} />}
    </Section>
  );
}

function Enable({ close }: { close: () => void }) {
  const { totp, account } = useWords().settings;
  const client = useQueryClient();
  const offer = useQuery({
    queryKey: ['/portal/api/account/totp'],
    queryFn: () =>
      call<{ secret: string; url: string }>('/portal/api/account/totp', { method: 'POST' }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
  });
  const enable = useMutation({
    mutationFn: (body: object) =>
      call<{ recovery_codes: string[] }>('/portal/api/account/totp', { method: 'PUT', body }),
    onSuccess: () => void client.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  });
  if (enable.data !== undefined) {
    return (
      <Modal title={totp.recovery} close={close}>
        <p className="mb-3 text-muted">{totp.recoveryLead}</p>
        <CodeBlock text={enable.data.recovery_codes.join('\n')} label={totp.recovery} />
      </Modal>
    );
  }
  if (offer.data === undefined) {
    return (
      <Modal title={totp.enable} close={close}>
        {offer.isError ? <ProblemNotice error={offer.error} /> : <Skeleton rows={3} />}
      </Modal>
    );
  }
  const { secret, url } = offer.data;
  return (
    <FormDialog
      title={totp.enable}
      close={close}
      isBusy={enable.isPending}
      error={enable.error}
      submit={(form) =>
        enable.mutate({
          secret,
          code: String(form.get('code')).trim(),
          current_password: String(form.get('current_password')),
        })
      }
    >
      <p className="text-muted">{totp.scan}</p>
      <QrCode text={url} label={totp.qr} />
      <p>
        <span className="text-muted">{totp.byHand}</span> <Code text={secret} />
      </p>
      <TextField
        label={totp.code}
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
      />
      <TextField
        label={account.currentPassword}
        name="current_password"
        type="password"
        autoComplete="current-password"
        required
      />
    </FormDialog>
  );
}

function Disable({ close }: { close: () => void }) {
  const { totp, account } = useWords().settings;
  const client = useQueryClient();
  const disable = useMutation({
    mutationFn: (body: object) =>
      call('/portal/api/account/totp/disable', { method: 'POST', body }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: sessionQuery.queryKey });
      close();
    },
  });
  return (
    <FormDialog
      title={totp.disable}
      close={close}
      isBusy={disable.isPending}
      error={disable.error}
      submit={(form) => disable.mutate({ current_password: String(form.get('current_password')) })}
    >
      <p>{totp.disableEffect}</p>
      <TextField
        label={account.currentPassword}
        name="current_password"
        type="password"
        autoComplete="current-password"
        required
      />
    </FormDialog>
  );
}
