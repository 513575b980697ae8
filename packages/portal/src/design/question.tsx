import type { ReactNode } from 'react';
import { toProblem } from '../api/problem.ts';
import { useWords } from '../words/words.tsx';
import { Button } from './button.tsx';
import { Alert } from './forms/form.tsx';
import { Modal } from './modal.tsx';

/** A question: what will happen, the button that does it, and what went wrong. */
export function Question({
  title,
  effect,
  action,
  kind = 'primary',
  isBusy,
  error,
  confirm,
  close,
}: {
  title: string;
  effect: ReactNode;
  action: string | null;
  kind?: 'primary' | 'danger';
  isBusy: boolean;
  error: unknown;
  confirm: () => void;
  close: () => void;
}) {
  const { common } = useWords();
  return (
    <Modal title={title} close={close}>
      <div className="mb-4">{effect}</div>
      {error !== null && <Alert>{toProblem(error).message}</Alert>}
      <div className="flex justify-end gap-2">
        <Button onClick={close}>{common.cancel}</Button>
        {action !== null && (
          <Button kind={kind} isBusy={isBusy} onClick={confirm}>
            {action}
          </Button>
        )}
      </div>
    </Modal>
  );
}
