import type { Forwarded, Forwarder } from './forwarder.ts';

export interface KeyCommands {
  /** Takes what was typed; an array of characters may come at once. */
  type(text: string): void;
}

export const KEY_HELP = 'r: the latest again; a number and Enter: that one again; q: end';

/** What keys do while events come in: send one of them again. */
export function createKeyCommands(options: {
  forwarder: Pick<Forwarder, 'replay' | 'latest'>;
  show(forwarded: Forwarded): void;
  say(line: string): void;
  quit(): void;
}): KeyCommands {
  const { forwarder, say } = options;
  let digits = '';

  async function replay(number: number): Promise<void> {
    const forwarded = await forwarder.replay(number);
    if (forwarded !== null) options.show(forwarded);
    else
      say(number === 0 ? 'Nothing has come yet.' : `There is no event #${number} to send again.`);
  }

  function press(key: string): void {
    if (key === 'q' || key === '\u0003' || key === '\u0004') {
      options.quit();
    } else if (key === 'r') {
      digits = '';
      void replay(forwarder.latest());
    } else if (/^\d$/.test(key)) {
      digits += key;
    } else if ((key === '\r' || key === '\n') && digits !== '') {
      void replay(Number(digits));
      digits = '';
    } else {
      digits = '';
      if (key !== '\r' && key !== '\n') say(KEY_HELP);
    }
  }

  return {
    type(text) {
      for (const key of text) press(key);
    },
  };
}
