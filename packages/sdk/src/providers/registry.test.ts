import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { findProvider, PROVIDERS } from './registry.ts';

const NAMES =
  'sendgrid mailgun postmark ses resend brevo mandrill sparkpost mailchannels postal frontengine flexmail sendarix mailfloss mailjet mailtrap mailersend elasticemail customerio scaleway azure unisender mailomat sweego ahasend standard cloudevents generic'.split(
    ' ',
  );

const docs = readFileSync(new URL('../../../../docs/providers.md', import.meta.url), 'utf8');

describe('the registry of providers', () => {
  it('has each of them once, under names that nobody else has', () => {
    assert.deepEqual(PROVIDERS.map(({ name }) => name).sort(), [...NAMES].sort());
    const names = PROVIDERS.flatMap(({ name, aliases }) => [name, ...aliases]);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.equal(name, name.toLowerCase());
    assert.equal(findProvider('nobody'), undefined);
    assert.equal(findProvider('constructor'), undefined);
  });

  for (const { name, title, pages, answer } of PROVIDERS) {
    it(`has a test, a page and an answer policy for ${name}`, () => {
      assert.ok(existsSync(new URL(`./${name}.test.ts`, import.meta.url)), `${name}.test.ts`);
      assert.match(
        docs,
        new RegExp(`^\\| .*\`${name}\``, 'm'),
        `docs/providers.md has a row for ${name}`,
      );
      assert.ok(docs.includes(title), `docs/providers.md names ${title}`);
      assert.ok(pages.length > 0);
      assert.ok(answer.retryDelaysMs?.every((delay) => delay > 0) ?? true);
      if (name === 'brevo') assert.equal(answer.busy, 429);
    });
  }
});
