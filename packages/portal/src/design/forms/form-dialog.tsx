import type { ReactNode } from 'react';
import { useWords } from '../../words/words.tsx';
import { Button } from '../button.tsx';
import { Modal } from '../modal.tsx';
import { Form } from './form.tsx';

/** A form in a dialog: its title is what its button does. */
export function FormDialog({
  title,
  action = title,
  close,
  isBusy,
  error,
  submit,
  children,
}: {
  title: string;
  /** What the button says. */
  action?: string;
  close: () => void;
  isBusy: boolean;
  /** Of the request that it was sent with; null before. */
  error: unknown;
  submit: (form: FormData) => void;
  children: ReactNode;
}) {
  const { common } = useWords();
  return (
    <Modal title={title} close={close}>
      <Form error={error} submit={submit}>
        {children}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>{common.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={isBusy}>
            {action}
          </Button>
        </div>
      </Form>
    </Modal>
  );
}
