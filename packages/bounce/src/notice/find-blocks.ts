import { addressKey, findAddresses } from '../mail/addresses.ts';

/** An address that a notice lists, with the words around it. */
export interface AddressBlock {
  address: string;
  /** How surely the line lists a recipient: at its start, behind a label, or in a sentence. */
  kind: 'listed' | 'labelled' | 'mentioned';
  /** The words before the address on its line. */
  label: string;
  /** The rest of the line and what follows up to an empty line. */
  paragraph: string;
  /** What follows after that, up to the next address. */
  following: string;
}

interface Anchor extends Pick<AddressBlock, 'address' | 'kind' | 'label'> {
  line: number;
  rest: string;
}

const MAX_LINES = 3_000;
const MAX_ANCHORS = 1_000;
const MAX_LINE_CHARS = 2_000;
const MAX_FOLLOWING_CHARS = 1_500;

/** Marks that may stand before a listed address. */
const MARKS = /^[\s<"'([*>•·|+-]{0,40}$/;

/** `To:` of a table that describes the message, and not the failure. */
const HEADER_LABEL =
  /^\W*(?:from|to|cc|bcc|von|an|de|para|sender|reply-to|subject|sent|message-id|return-path|errors-to|x-[\w-]+|delivered-to|for|with)\s*:?\W*$/i;

const LABEL =
  /recipient|deliver|address|mail ?box|user|account|rcpt|could not|couldn'?t|unable|undeliverable|invalid|unknown|fail|error|empf|destinat|zugestellt|ontvanger|reach/i;

const FAILURE =
  /deliver|undeliver|not (?:be )?(?:sent|reach|found|relayed)|reject|bounc|return|fail|couldn'?t|wasn'?t|unable|zustell|zugestellt|remis|entreg|recapit|consegn|bezorg|доставлен|送信|配信|配送|送达|退信/i;

/** Every address that the notice lists in one of the ways `kinds`, `skip` left out, in order. */
export function findBlocks(
  text: string,
  skip: ReadonlySet<string>,
  kinds: readonly AddressBlock['kind'][],
): AddressBlock[] {
  const lines = text.split('\n', MAX_LINES).map((line) => line.slice(0, MAX_LINE_CHARS));
  const anchors = lines
    .flatMap((line, index) => findAnchor(line, index, lines))
    .filter(({ address, kind }) => {
      return kinds.includes(kind) && !skip.has(addressKey(address)) && !isPostmaster(address);
    })
    .filter((anchor, index, all) => !continues(anchor, all[index - 1], lines))
    .slice(0, MAX_ANCHORS);
  const blocks = anchors.map((anchor, index) =>
    toBlock(lines, anchor, anchors[index + 1]?.line ?? lines.length),
  );
  shareReasons(blocks);
  return blocks;
}

function findAnchor(line: string, index: number, lines: string[]): Anchor[] {
  const found = line.includes('@') ? findAddresses(line, 5) : [];
  const first = found[0];
  if (first === undefined || isQuotedReply(line)) return [];
  const label = line.slice(0, first.start);
  const rest = line.slice(first.end).replace(/^[>"')\],:;\s]+/, '');
  const anchor = { address: first.address, label: label.trim(), line: index, rest };
  if (MARKS.test(label)) return [{ ...anchor, kind: 'listed' }];
  if (/[:=]\s*[<"'[]?(?:smtp:|rfc822;|mailto:)?\s*$/i.test(label) && label.length < 120) {
    if (HEADER_LABEL.test(label)) return [];
    if (LABEL.test(label)) return [{ ...anchor, kind: 'labelled' }];
  }
  const near = lines.slice(Math.max(0, index - 4), index + 3).join(' ');
  // `not accepting mail from a@b.example` blames the other end.
  if (/(?<!generated )\b(?:from|sender|by):?\s*[<"']?$/i.test(label)) return [];
  if (!FAILURE.test(near)) return [];
  return found.map(({ address, end }) => ({
    ...anchor,
    address,
    rest: line.slice(end).replace(/^[>"')\],:;\s]+/, ''),
    kind: 'mentioned' as const,
  }));
}

/** `> text` of a person's reply. `>>> RCPT TO` of a transcript is read elsewhere. */
function isQuotedReply(line: string): boolean {
  return /^\s*>(?!>> ?[^>])/.test(line) || /^\s*(?:>>>|<<<) [A-Z0-9]{3,4}\b/.test(line);
}

function isPostmaster(address: string): boolean {
  return /^(?:postmaster|mailer-daemon|hostmaster|abuse)@/i.test(address);
}

/** The reason below an address names it again: `after RCPT TO:<a@example.com>:`. */
function continues(anchor: Anchor, before: Anchor | undefined, lines: string[]): boolean {
  if (before === undefined || addressKey(before.address) !== addressKey(anchor.address))
    return false;
  return lines.slice(before.line, anchor.line).every((line) => line.trim() !== '');
}

function toBlock(lines: string[], anchor: Anchor, nextLine: number): AddressBlock {
  const paragraph = [anchor.rest];
  let line = anchor.line + 1;
  while (line < nextLine && (lines[line] ?? '').trim() !== '') {
    paragraph.push((lines[line] ?? '').trim());
    line += 1;
  }
  const following = lines.slice(line, Math.min(nextLine, line + 40)).join('\n');
  return {
    address: anchor.address,
    kind: anchor.kind,
    label: anchor.label,
    paragraph: paragraph.join('\n').trim().slice(0, MAX_LINE_CHARS),
    following: following.trim().slice(0, MAX_FOLLOWING_CHARS),
  };
}

/** A list of addresses with one reason below them all: each gets it. */
function shareReasons(blocks: AddressBlock[]): void {
  for (let index = blocks.length - 2; index >= 0; index -= 1) {
    const block = blocks[index];
    const next = blocks[index + 1];
    if (block === undefined || next === undefined || block.kind !== next.kind) continue;
    if (block.paragraph === '' && block.following === '') {
      block.paragraph = next.paragraph;
      block.following = next.following;
    }
  }
}
