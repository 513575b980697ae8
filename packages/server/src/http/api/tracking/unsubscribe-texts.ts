// A table file: what the unsubscribe page says, in each language.

/** `{address}` and `{sender}` are put in. */
export interface UnsubscribeTexts {
  title: string;
  ask: string;
  leave: string;
  left: string;
  note: string;
  comeBack: string;
}

export const UNSUBSCRIBE_TEXTS = {
  en: {
    title: 'Unsubscribe',
    ask: 'Do you want no more mailings from {sender} at {address}?',
    leave: 'Unsubscribe',
    left: '{address} gets no more mailings from {sender}.',
    note: 'You still get what you asked for yourself, such as receipts and passwords.',
    comeBack: 'Subscribe again',
  },
  de: {
    title: 'Abmelden',
    ask: 'Möchten Sie unter {address} keine Rundmails von {sender} mehr erhalten?',
    leave: 'Abmelden',
    left: '{address} erhält keine Rundmails von {sender} mehr.',
    note: 'Was Sie selbst angefordert haben, etwa Belege und Passwörter, erhalten Sie weiterhin.',
    comeBack: 'Wieder anmelden',
  },
  fr: {
    title: 'Se désabonner',
    ask: 'Ne plus recevoir les envois de {sender} à l’adresse {address} ?',
    leave: 'Se désabonner',
    left: '{address} ne reçoit plus les envois de {sender}.',
    note: 'Vous recevez toujours ce que vous avez demandé vous-même, comme les reçus et les mots de passe.',
    comeBack: 'Se réabonner',
  },
  nl: {
    title: 'Uitschrijven',
    ask: 'Wilt u op {address} geen mailings van {sender} meer ontvangen?',
    leave: 'Uitschrijven',
    left: '{address} ontvangt geen mailings van {sender} meer.',
    note: 'Wat u zelf hebt aangevraagd, zoals bonnen en wachtwoorden, ontvangt u nog steeds.',
    comeBack: 'Weer inschrijven',
  },
  es: {
    title: 'Darse de baja',
    ask: '¿No quiere recibir más envíos de {sender} en {address}?',
    leave: 'Darse de baja',
    left: '{address} ya no recibe envíos de {sender}.',
    note: 'Seguirá recibiendo lo que usted mismo ha pedido, como recibos y contraseñas.',
    comeBack: 'Volver a suscribirse',
  },
  it: {
    title: 'Annulla l’iscrizione',
    ask: 'Non vuole più ricevere invii da {sender} all’indirizzo {address}?',
    leave: 'Annulla l’iscrizione',
    left: '{address} non riceve più invii da {sender}.',
    note: 'Continuerà a ricevere ciò che ha chiesto personalmente, come ricevute e password.',
    comeBack: 'Iscriviti di nuovo',
  },
} as const satisfies Record<string, UnsubscribeTexts>;

export type Language = keyof typeof UNSUBSCRIBE_TEXTS;

/** RFC 9110 12.5.4: the one that the reader likes best of those that there are; English otherwise. */
export function chooseLanguage(header: string | undefined): Language {
  const wanted = (header ?? '')
    .split(',', 50)
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const quality = parameters.map((one) => /^\s*q=([\d.]+)$/.exec(one)?.[1]).find(Boolean);
      return { language: tag.split('-')[0] ?? '', quality: Number(quality ?? 1) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  for (const { language } of wanted) if (isLanguage(language)) return language;
  return 'en';
}

function isLanguage(name: string): name is Language {
  return Object.hasOwn(UNSUBSCRIBE_TEXTS, name);
}
