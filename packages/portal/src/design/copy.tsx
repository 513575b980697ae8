import { useRef, useState } from 'react';
import { useWords } from '../words/words.tsx';
import { Icon } from './icon.tsx';

const SHOWN_MS = 1_500;

/** Copies `text` with one click and says so. */
export function CopyButton({ text, label }: { text: string; label?: string }) {
  const { common } = useWords();
  const [isCopied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  async function copy(): Promise<void> {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setCopied(false), SHOWN_MS);
  }
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={`${common.copy} ${label ?? text}`}
      title={isCopied ? common.copied : common.copy}
      className="inline-flex size-6 items-center justify-center rounded-md text-muted hover:bg-sunken hover:text-ink"
    >
      <Icon name={isCopied ? 'check' : 'copy'} className="size-3.5" />
      <span role="status" className="sr-only">
        {isCopied ? common.copied : ''}
      </span>
    </button>
  );
}

/** An id, address or code in monospace, with its copy button. */
export function Code({ text, isShort = false }: { text: string; isShort?: boolean }) {
  const shown = isShort && text.length > 14 ? `${text.slice(0, 6)}…${text.slice(-4)}` : text;
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <code className="min-w-0 truncate font-mono text-[13px]" title={text}>
        {shown}
      </code>
      <CopyButton text={text} />
    </span>
  );
}

/** A block to read and to paste: a command, JSON, a secret. */
export function CodeBlock({
  text,
  label,
  isWrapped = false,
}: {
  text: string;
  label: string;
  /** Prose: long lines go on in the next. */
  isWrapped?: boolean;
}) {
  return (
    <div className="relative rounded-md border border-line bg-sunken">
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it. */}
      <section
        aria-label={label}
        tabIndex={0}
        className={`max-h-96 overflow-auto p-3 pr-10 font-mono text-[13px] leading-relaxed ${isWrapped ? 'break-words whitespace-pre-wrap' : 'whitespace-pre'}`}
      >
        {text}
      </section>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above. */}
      <div className="absolute top-1.5 right-1.5">
        <CopyButton text={text} label={label} />
      </div>
    </div>
  );
}
