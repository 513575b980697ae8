import { addressKey } from '../../mail/addresses.ts';
import { type AddressBlock, findBlocks } from '../find-blocks.ts';
import { findStage } from '../find-stage.ts';
import type { Finding, Notice, NoticeFormat } from '../notice.ts';

/** What most servers write: the address on a line of its own or behind a label, the reason after it. */
export const listedAddresses: NoticeFormat = {
  name: 'listed-addresses',
  source:
    'qmail-send(8), Exim, Postfix, Sendmail, Exchange, Courier, Domino, GroupWise, IMail, MailEnable, CommuniGate, hMailServer, James, OpenSMTPD, DragonFly, Yahoo, GMX and whoever lists addresses',
  read: (notice) =>
    mergeBlocks(findBlocks(notice.text, notice.own, ['listed', 'labelled']), notice),
};

/** The last resort: an address in a sentence that speaks of a failed delivery. */
export const mentionedAddresses: NoticeFormat = {
  name: 'mentioned-addresses',
  source: 'Gmail, Office 365, IronPort, DragonFly and others that write sentences',
  read: (notice) => mergeBlocks(findBlocks(notice.text, notice.own, ['mentioned']), notice),
};

/** One finding for each address, with the words of all its blocks. */
function mergeBlocks(blocks: AddressBlock[], notice: Notice): Finding[] {
  const findings = new Map<string, Finding>();
  const introduction = notice.text.trim().slice(0, 600);
  for (const block of blocks) {
    const key = addressKey(block.address);
    const texts = [block.paragraph, block.following, block.label].filter((text) => text !== '');
    const known = findings.get(key);
    if (known !== undefined) {
      known.texts.splice(-1, 0, ...texts);
      known.stage ??= stageOf(block);
      continue;
    }
    findings.set(key, {
      recipient: block.address,
      // What stands above everything: some servers give the reason there, once for all.
      texts: [...texts, introduction],
      stage: stageOf(block),
      originalRecipient: expandedFrom(block.paragraph),
    });
  }
  return [...findings.values()];
}

function stageOf(block: AddressBlock) {
  return findStage(`${block.paragraph}\n${block.following}`);
}

/** Postfix and Sendmail: `(expanded from <alias@example.com>)`. */
function expandedFrom(text: string): string | null {
  return /expanded\s+from:?\s+<([^<>\s]{1,300}@[^<>\s]{1,255})>/.exec(text)?.[1] ?? null;
}
