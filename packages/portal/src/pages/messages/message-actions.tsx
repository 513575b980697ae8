import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { MessageDetail } from '../../api/objects.ts';
import { useMayManage, useMaySend } from '../../api/session.ts';
import { Button } from '../../design/button.tsx';
import { TextField } from '../../design/forms/field.tsx';
import { FormDialog } from '../../design/forms/form-dialog.tsx';
import { Icon } from '../../design/icon.tsx';
import { useWords } from '../../words/words.tsx';
import { HeldDecision } from '../review/held-decision.tsx';

/** What can be done with a message that is on its way, or was. */
export function MessageActions({ message }: { message: MessageDetail }) {
  const words = useWords();
  const maySend = useMaySend();
  const mayManage = useMayManage();
  const [isOpen, setOpen] = useState(false);
  if (!maySend) return null;
  return (
    <>
      {mayManage && message.held !== null && <HeldDecision ids={[message.id]} />}
      <Button onClick={() => setOpen(true)}>
        <Icon name="send" />
        {words.message.resend}
      </Button>
      {isOpen && <Resend message={message} close={() => setOpen(false)} />}
    </>
  );
}

/** The same content to some of its recipients, or to somebody else: then the page of the new message. */
function Resend({ message, close }: { message: MessageDetail; close: () => void }) {
  const words = useWords();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [isTold, setTold] = useState(false);
  const resend = useMutation({
    mutationFn: (to: string[]) =>
      call<{ id: string }>(`/v1/messages/${encodeURIComponent(message.id)}/resend`, {
        method: 'POST',
        body: { to },
      }),
    onSuccess({ id }) {
      void client.invalidateQueries({ queryKey: ['/v1/messages'] });
      close();
      void navigate({ to: '/messages/$id', params: { id } });
    },
  });
  function submit(form: FormData): void {
    const other = String(form.get('other')).trim();
    const to = [...form.getAll('recipient').map(String), ...(other === '' ? [] : [other])];
    setTold(to.length === 0);
    if (to.length > 0) resend.mutate(to);
  }
  return (
    <FormDialog
      title={words.message.resend}
      close={close}
      isBusy={resend.isPending}
      error={resend.error}
      submit={submit}
    >
      <p className="text-muted">{words.message.resendLead}</p>
      <fieldset aria-describedby="resend-nobody">
        <legend className="mb-1 font-medium">{words.message.recipients}</legend>
        {message.recipients.map(({ address, state }) => (
          <label key={address} className="flex items-baseline gap-2 py-0.5">
            <input
              type="checkbox"
              name="recipient"
              value={address}
              defaultChecked={message.recipients.length === 1 || state !== 'delivered'}
            />
            <span className="font-mono text-[13px] break-all">{address}</span>
          </label>
        ))}
        <p id="resend-nobody" className="text-[13px] text-bad">
          {isTold ? words.message.resendNobody : ''}
        </p>
      </fieldset>
      <TextField label={words.message.resendOther} name="other" type="email" />
    </FormDialog>
  );
}
