import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { splitReply } from './split-reply.ts';

/** What stands above a quote whose lines begin with ">", by language and program. */
const ABOVE_QUOTES = [
  'On Fri, Nov 20, 2026 at 10:14 AM Example Shop <shop@example.com> wrote:',
  'On Fri, Nov 20, 2026 at 10:14 AM Example Shop\n<support+a-long-address@shop.example.com>\nwrote:',
  'Example Shop <shop@example.com> wrote:',
  'Am Fr., 20. Nov. 2026 um 10:14 Uhr schrieb Example Shop <shop@example.com>:',
  'Am 20.11.2026 um 10:14 schrieb Example Shop:',
  'Example Shop <shop@example.com> schrieb am Fr. 20. Nov. 2026 um 10:14:',
  'Le ven. 20 nov. 2026 à 10:14, Example Shop <shop@example.com> a écrit :',
  'Le 20 nov. 2026 à 10:14, Example Shop <shop@example.com> a écrit\u00a0:',
  'El vie, 20 nov 2026 a las 10:14, Example Shop (<shop@example.com>) escribió:',
  'Em sex., 20 de nov. de 2026 às 10:14, Example Shop <shop@example.com> escreveu:',
  'Il giorno ven 20 nov 2026 alle ore 10:14 Example Shop <shop@example.com> ha scritto:',
  'Op vr 20 nov 2026 om 10:14 schreef Example Shop <shop@example.com>:',
  'Den fre. 20. nov. 2026 kl. 10.14 skrev Example Shop <shop@example.com>:',
  'fre 20 nov. 2026 kl. 10:14 skrev Example Shop <shop@example.com>:',
  'pe 20. marrask. 2026 klo 10.14 Example Shop (shop@example.com) kirjoitti:',
  'pt., 20 lis 2026 o 10:14 Example Shop <shop@example.com> napisał(a):',
  'пт, 20 нояб. 2026 г. в 10:14, Example Shop <shop@example.com>:',
  '20 ноября 2026 Example Shop <shop@example.com> написал(а):',
  '在 2026年11月20日 10:14，Example Shop <shop@example.com> 写道：',
  '2026年11月20日(金) 10:14 Example Shop <shop@example.com>のメッセージ:',
];

test('what is quoted below an attribution is left out, in many languages', () => {
  for (const above of ABOVE_QUOTES) {
    const text = `Thank you, it is here.\n\n${above}\n\n> Your order\n> is on its way.\n>> and older\n`;
    assert.equal(splitReply(text), 'Thank you, it is here.', above);
    assert.equal(splitReply(text.replaceAll('\n', '\r\n')), 'Thank you, it is here.', above);
  }
});

test('what is quoted without marks is left out from the attribution on', () => {
  for (const above of ABOVE_QUOTES) {
    const text = `Yes.\n\n${above}\nYour order\nis on its way.\n`;
    assert.equal(splitReply(text), 'Yes.', above);
  }
});

test('headers of the quoted mail end the reply, as Outlook writes them', () => {
  for (const headers of [
    'From: Example Shop <shop@example.com>\nSent: Friday, November 20, 2026 10:14 AM\nTo: Jane\nSubject: Your order',
    '*Von:* Example Shop\n*Gesendet:* Freitag, 20. November 2026\n*An:* Jane\n*Betreff:* Bestellung',
    'De : Example Shop\nEnvoyé : vendredi 20 novembre 2026\nÀ : Jane\nObjet : Commande',
    'De: Example Shop\nEnviado el: viernes, 20 de noviembre\nPara: Jane\nAsunto: Pedido',
    'Van: Example Shop\nVerzonden: vrijdag 20 november\nAan: Jane\nOnderwerp: Bestelling',
    'Da: Example Shop\nInviato: venerdì 20 novembre\nA: Jane\nOggetto: Ordine',
    '发件人：Example Shop\n发送时间：2026年11月20日\n收件人：Jane\n主题：订单',
  ]) {
    assert.equal(splitReply(`Fine.\n\n${headers}\n\nYour order is on its way.`), 'Fine.', headers);
  }
});

test('lines of dashes and underscores end it', () => {
  for (const line of [
    '-----Original Message-----',
    '-------- Ursprüngliche Nachricht --------',
    '---------- Forwarded message ---------',
    '________________________________',
  ])
    assert.equal(splitReply(`Fine.\n${line}\nFrom: x\nold`), 'Fine.', line);
});

test('answers between quoted lines stay', () => {
  const text =
    'Hello,\n\nOn Friday 20 Nov, Shop wrote:\n> Which size?\nLarge.\n\n> Which colour?\nBlue.\n';
  assert.equal(splitReply(text), 'Hello,\n\nLarge.\n\nBlue.');
});

test('signatures and what telephones add are left out', () => {
  assert.equal(splitReply('Yes.\n-- \nJane Doe\nExample Ltd'), 'Yes.');
  assert.equal(splitReply('Yes.\n\nSent from my iPhone\n\n> old'), 'Yes.');
  assert.equal(splitReply('Ja.\n\nVon meinem iPhone gesendet\n'), 'Ja.');
  assert.equal(splitReply('Oui.\n\nEnvoyé de mon iPhone'), 'Oui.');
});

test('ordinary text is left alone', () => {
  for (const text of [
    'I wrote: this is not a quote.',
    'On Monday I will come. See you then:\n\n- one\n- two',
    'From: here to there it is far.',
    'Am Montag schreibe ich Ihnen.',
    'The total is:\n42',
    'a > b',
  ])
    assert.equal(splitReply(text), text);
});

test('nothing is left of a mail that only quotes', () => {
  assert.equal(splitReply('> a\n> b\n'), '');
  assert.equal(splitReply(''), '');
});

test('any text has an answer that is part of it, soon', () => {
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      '\n',
      '\r\n',
      '> ',
      'On 1 ',
      ' wrote:',
      'From: ',
      'To: ',
      '-- \n',
      ...ABOVE_QUOTES,
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join('');
      const own = splitReply(text).split('\n');
      const lines = new Set(
        text
          .replaceAll('\r\n', '\n')
          .split('\n')
          .map((line) => line.trim()),
      );
      assert.ok(own.every((line) => line.trim() === '' || lines.has(line.trim())));
    }),
    { numRuns: 200 },
  );
  // Each of these would take a backtracking expression minutes.
  for (const unit of ['On 1 ', 'On 1\n', 'Op 1 schreef ', '>', '-', 'From: a\n', ' ', 'a:\n', '\n'])
    assert.equal(typeof splitReply(unit.repeat(100_000)), 'string');
});
