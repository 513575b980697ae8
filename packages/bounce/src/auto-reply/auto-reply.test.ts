import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf } from '../fixtures/compose-mail.ts';
import { parseReport } from '../parse-report.ts';

const compose = (headers: string, body = 'I am away until Monday.'): Uint8Array =>
  bytesOf(`From: Bob <bob@dest.example>\nTo: sender@shop.example\n${headers}\n\n${body}\n`);

test('knows automatic replies by RFC 3834 and by the headers before it', () => {
  for (const headers of [
    'Subject: Re: Order\nAuto-Submitted: auto-replied',
    'Subject: Re: Order\nAuto-Submitted: auto-replied (vacation)',
    'Subject: Re: Order\nX-Autoreply: yes',
    'Subject: Re: Order\nX-Autorespond: Order',
    'Subject: Re: Order\nPrecedence: auto_reply',
    'Subject: Re: Order\nX-POST-MessageClass: 9; Autoresponder',
    'Subject: Ich bin nicht im Büro\nX-Auto-Response-Suppress: All',
  ]) {
    const report = parseReport(compose(headers));
    assert.equal(report.kind, 'auto-reply', headers);
    assert.equal(report.autoReply?.from, 'bob@dest.example');
    assert.deepEqual(
      report.recipients.map(({ recipient, type, category }) => [recipient, type, category]),
      [['bob@dest.example', null, 'auto_reply']],
    );
  }
});

test('knows the subjects of mail programs in many languages', () => {
  for (const subject of [
    'Automatic reply: Order',
    'Auto: Order',
    'Out of Office: Order',
    'Automatische Antwort: Order',
    'Abwesenheitsnotiz: Order',
    'Réponse automatique : Order',
    'Automatisch antwoord: Order',
    'Respuesta automática: Order',
    'Risposta automatica: Order',
    'Resposta automática: Order',
    'Autosvar: Order',
    'Автоответ: Order',
    '自動返信: Order',
    '自动回复: Order',
  ]) {
    const encoded = `=?utf-8?B?${Buffer.from(subject).toString('base64')}?=`;
    const report = parseReport(compose(`Subject: ${encoded}`));
    assert.equal(report.kind, 'auto-reply', subject);
    assert.equal(report.autoReply?.type, 'vacation', subject);
    assert.equal(report.autoReply?.subject, subject);
  }
});

test('calls a question whether the sender is a person a challenge', () => {
  const report = parseReport(
    compose(
      'Subject: Please confirm your message\nAuto-Submitted: auto-replied',
      'Please reply to this mail to confirm your message.',
    ),
  );
  assert.equal(report.autoReply?.type, 'challenge');
  assert.equal(parseReport(compose('Subject: Hi\nX-TMDA-Fingerprint: x')).kind, 'auto-reply');
});

test('does not take someone who has left for a bounce', () => {
  const report = parseReport(
    compose(
      'Return-Path: <>\nSubject: Automatic reply: Order\nAuto-Submitted: auto-replied',
      'Bob no longer works here. Your message was not delivered.\nPlease write to jane@dest.example.',
    ),
  );
  assert.equal(report.kind, 'auto-reply');
});

test('leaves people, lists and notifications alone', () => {
  for (const headers of [
    'Subject: Re: Out of office next week?',
    'Subject: Vacation deals for you\nList-Unsubscribe: <https://x.example/u>\nPrecedence: bulk',
    'Subject: Your invoice\nAuto-Submitted: auto-generated',
    'Subject: [list] Absence of malice\nList-Id: <list.example>\nPrecedence: list',
    'Subject: Order',
  ]) {
    assert.equal(parseReport(compose(headers)).kind, 'none', headers);
  }
});
