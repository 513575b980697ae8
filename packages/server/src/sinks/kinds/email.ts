import type { CanonicalEvent } from '@posthorn/sdk';
import { z } from 'zod';
import { isAboutNotice } from '../../core/mail/notice-tag.ts';
import { defineSink } from '../contract.ts';
import { writeDigest } from '../people/write-digest.ts';

const MAX_PEOPLE = 20;

const settings = z.strictObject({
  to: z
    .string()
    .max(3_000)
    .superRefine((text, context) => {
      const people = readPeople(text);
      const wrong = people.find((one) => !z.email().max(320).safeParse(one).success);
      const message =
        wrong !== undefined
          ? `${JSON.stringify(wrong)} is no address; write such as anna@example.com, ben@example.com.`
          : `Write 1 to ${MAX_PEOPLE} addresses.`;
      if (wrong !== undefined || people.length === 0 || people.length > MAX_PEOPLE) {
        context.addIssue({ code: 'custom', message });
      }
    })
    .describe('Addresses with commas between them; each gets a mail of its own.'),
  every_seconds: z
    .int()
    .min(60)
    .max(86_400)
    .default(300)
    .describe('At most one mail in that time, with all that has gathered.'),
});

type Settings = z.output<typeof settings>;

/** People, by mails of Posthorn's own. What is about such a mail goes to none of these sinks. */
export const email = defineSink<Settings>({
  kind: 'email',
  title: 'Email',
  summary: 'A mail to people, at most one in a few minutes, with all events that have gathered.',
  repeats: 'It comes in another mail.',
  settings,
  secrets: [],
  batch: 2_000,
  // Two sinks that told each other of their mails would never end either.
  ignores: isAboutNotice,
  spacingMs: ({ every_seconds }) => every_seconds * 1_000,
  open: async ({ to, every_seconds }, { mail, projectId, sinkId }) => ({
    async send(given) {
      const people = readPeople(to);
      const items = given.filter(({ event }) => !isOurMailElsewhere(event, people));
      if (items.length === 0) return [];
      const ending = `Sent by the sink ${sinkId} of Posthorn, at most once in ${sayTime(every_seconds)}.`;
      const digest = writeDigest(items, ending);
      await mail(people.map((person) => ({ projectId, to: person, ...digest })));
      return [];
    },
    async close() {},
  }),
});

/**
 * Where mail leaves by a provider, that one tells of the digests too, without their tag: of each there would be
 * another, for ever.
 */
function isOurMailElsewhere({ type, data }: CanonicalEvent, people: readonly string[]): boolean {
  if (!type.startsWith('email.') || data.provider === 'posthorn') return false;
  const { recipient } = data;
  return recipient != null && people.some((one) => one.toLowerCase() === recipient.toLowerCase());
}

function readPeople(text: string): string[] {
  const people = text.split(/[,;\s]+/).filter((one) => one !== '');
  return [...new Set(people)];
}

function sayTime(seconds: number): string {
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
