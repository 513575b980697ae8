import type { WriteStream } from 'node:tty';
import type { Colors } from './timeline-table.ts';

/** Says what is going on: one line a step; on a terminal the step under way is updated in place. */
export interface Progress {
  line(text: string): void;
  /** Replaced by the next call; shown on terminals only. */
  now(text: string): void;
  done(text: string): void;
  failed(text: string): void;
}

const CLEAR_LINE = '\r\u001b[2K';

export function createProgress(
  out: Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number },
  colors: Colors,
): Progress {
  let isOpen = false;
  const clear = (): string => {
    const prefix = isOpen ? CLEAR_LINE : '';
    isOpen = false;
    return prefix;
  };
  const line = (text: string): void => {
    out.write(`${clear()}${text}\n`);
  };
  return {
    line,
    now(text) {
      if (out.isTTY !== true) return;
      // A line that wraps cannot be taken back.
      const cut = text.slice(0, Math.max(10, (out.columns ?? 80) - 4));
      const prefix = clear();
      isOpen = true;
      out.write(`${prefix}… ${cut}`);
    },
    done: (text) => line(`${colors.green('✓')} ${text}`),
    failed: (text) => line(`${colors.red('✗')} ${text}`),
  };
}
