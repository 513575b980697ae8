import { type ReactNode, useEffect, useRef } from 'react';
import { useWords } from '../words/words.tsx';
import { Icon } from './icon.tsx';

/**
 * A dialog of the browser: it keeps the focus, Escape closes it, and what is behind it cannot be
 * reached. `drawer` stands at the right edge and leaves the list beside it in sight.
 */
export function Modal({
  title,
  kind = 'dialog',
  close,
  children,
}: {
  title: string;
  kind?: 'dialog' | 'drawer';
  close: () => void;
  children: ReactNode;
}) {
  const { common } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element === null || element.open) return;
    element.showModal();
    // The browser would begin at the button that closes it.
    element.querySelector<HTMLElement>('input, select, textarea')?.focus();
  }, []);
  const place =
    kind === 'drawer'
      ? 'my-0 mr-0 ml-auto h-screen max-h-none w-[min(48rem,100vw)] max-w-none border-l'
      : 'm-auto w-[min(36rem,calc(100vw-2rem))] rounded-md border';
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={close}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      className={`border-line bg-surface p-0 text-ink shadow-float ${place}`}
    >
      <div className="flex items-center justify-between gap-4 border-b border-line px-4 py-3">
        <h2 className="truncate text-[17px] font-semibold">{title}</h2>
        <button
          type="button"
          aria-label={common.close}
          onClick={close}
          className="inline-flex size-8 items-center justify-center rounded-md hover:bg-sunken"
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="p-4">{children}</div>
    </dialog>
  );
}
