import type { FormEvent, ReactNode } from 'react';
import { useWords } from '../words/words.tsx';
import { Button } from './button.tsx';
import { Modal } from './modal.tsx';

/** A form in a dialog: its title is what its button does. */
export function FormDialog({
  title,
  action = title,
  close,
  isBusy,
  problem,
  submit,
  children,
}: {
  title: string;
  /** What the button says. */
  action?: string;
  close: () => void;
  isBusy: boolean;
  problem: string | null | undefined;
  submit: (form: FormData) => void;
  children: ReactNode;
}) {
  const { common } = useWords();
  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    submit(new FormData(event.currentTarget));
  }
  return (
    <Modal title={title} close={close}>
      <form onSubmit={onSubmit} className="flex flex-col gap-3">
        {children}
        {problem !== null && problem !== undefined && (
          <p role="alert" className="rounded-md bg-bad-soft p-2.5 text-bad">
            {problem}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>{common.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={isBusy}>
            {action}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
