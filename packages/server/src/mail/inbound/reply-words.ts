// A table: the words by which mail programs show what they quote, by language; all in lower case.

/** The line above a quote begins with one of these words (any beginning where there are none) and says one of those. */
export const ATTRIBUTIONS: readonly { begins: readonly string[]; says: readonly string[] }[] = [
  // English, Gmail and Apple Mail; "Anna on Friday wrote:".
  { begins: ['on '], says: [' wrote:'] },
  { begins: [], says: ['> wrote:'] },
  // German
  { begins: ['am ', 'on '], says: [' schrieb '] },
  { begins: [], says: ['> schrieb:', ' schrieb am '] },
  { begins: ['am '], says: [' schrieb:'] },
  // French; some programs put a no-break space before the colon.
  { begins: ['le '], says: ['a écrit :', 'a écrit\u00a0:', 'a écrit:', 'écrit :', 'écrit\u202f:'] },
  // Spanish, Portuguese, Italian, Catalan
  { begins: ['el '], says: [' escribió:', 'va escriure:'] },
  { begins: ['em ', 'a '], says: [' escreveu:'] },
  { begins: ['il '], says: ['ha scritto:', ' scritto:'] },
  // Dutch
  { begins: ['op '], says: [' schreef:', ' schreef ', ' het volgende geschreven:'] },
  // Danish, Norwegian, Swedish
  { begins: ['den ', 'man.', 'tir.', 'ons.', 'tor.', 'fre.', 'lør.', 'søn.'], says: [' skrev'] },
  { begins: ['mån ', 'tis ', 'ons ', 'tors ', 'fre ', 'lör ', 'sön '], says: [' skrev'] },
  // Finnish
  { begins: ['ma ', 'ti ', 'ke ', 'to ', 'pe ', 'la ', 'su '], says: [' kirjoitti'] },
  // Polish, Czech, Hungarian, Romanian, Turkish
  {
    begins: ['w dniu ', 'dnia ', 'pon', 'wt', 'śr', 'czw', 'pt', 'sob', 'niedz'],
    says: [' napisał', ' pisze:'],
  },
  {
    begins: [],
    says: [
      ' napsal:',
      ' napsala:',
      ' napsal(a):',
      ' ezt írta',
      ' a scris:',
      ' şunu yazdı',
      ' tarihinde yazdı',
    ],
  },
  // Russian, Ukrainian, Greek
  { begins: [], says: [' пишет:', ' писал:', ' написал:', ' написал(а):', ' пише:', ' έγραψε:'] },
  { begins: ['пн,', 'вт,', 'ср,', 'чт,', 'пт,', 'сб,', 'вс,'], says: [' г. в '] },
  // Chinese, Japanese, Korean
  { begins: ['在', '于'], says: ['写道：', '写道:', '寫道：', '寫道:'] },
  {
    begins: [],
    says: ['のメッセージ:', 'のメッセージ：', 'さんは書きました:', '님이 작성:', ' 작성:'],
  },
];

/** Between dashes, above a mail that is quoted or forwarded whole. */
export const SEPARATORS: readonly string[] = [
  'original message',
  'forwarded message',
  'ursprüngliche nachricht',
  'original nachricht',
  'weitergeleitete nachricht',
  "message d'origine",
  'message d’origine',
  'message original',
  'message transféré',
  'mensaje original',
  'mensaje reenviado',
  'mensagem original',
  'mensagem encaminhada',
  'messaggio originale',
  'messaggio inoltrato',
  'oorspronkelijk bericht',
  'doorgestuurd bericht',
  'oprindelig meddelelse',
  'opprinnelig melding',
  'ursprungligt meddelande',
  'alkuperäinen viesti',
  'wiadomość oryginalna',
  'oryginalna wiadomość',
  'původní zpráva',
  'исходное сообщение',
  'пересылаемое сообщение',
  '原始邮件',
  '原始郵件',
  '元のメッセージ',
  '원본 메시지',
];

/** Of a mail's headers as Outlook writes them above what it quotes. */
export const HEADER_LABELS: { from: readonly string[]; others: readonly string[] } = {
  from: [
    'from',
    'von',
    'de',
    'da',
    'van',
    'fra',
    'från',
    'lähettäjä',
    'od',
    'от',
    'від',
    'kimden',
    '发件人',
    '寄件者',
    '差出人',
    '보낸 사람',
  ],
  others: [
    ...['sent', 'date', 'to', 'cc', 'subject'],
    ...['gesendet', 'datum', 'an', 'betreff'],
    ...['envoyé', 'à', 'objet'],
    ...['enviado', 'enviado el', 'fecha', 'para', 'asunto'],
    ...['enviada em', 'enviado em', 'data', 'assunto'],
    ...['inviato', 'a', 'oggetto'],
    ...['verzonden', 'aan', 'onderwerp'],
    ...['sendt', 'dato', 'til', 'emne', 'skickat', 'till', 'ämne'],
    ...['lähetetty', 'vastaanottaja', 'aihe'],
    ...['wysłano', 'do', 'temat', 'odesláno', 'komu', 'předmět'],
    ...['отправлено', 'дата', 'кому', 'тема', 'gönderme tarihi', 'kime', 'konu'],
    ...[
      '发送时间',
      '收件人',
      '主题',
      '寄件日期',
      '收件者',
      '主旨',
      '送信日時',
      '宛先',
      '件名',
      '받는 사람',
      '제목',
    ],
  ],
};

/** What telephones and web mail write below. */
export const SENT_FROM: readonly string[] = [
  'sent from my ',
  'sent from mail for ',
  'sent from outlook',
  'get outlook for ',
  'von meinem ',
  'gesendet von ',
  'envoyé de mon ',
  'envoyé depuis ',
  'envoyé à partir ',
  'enviado desde ',
  'enviado do meu ',
  'enviado a partir ',
  'inviato da ',
  'verzonden vanaf ',
  'verstuurd vanaf ',
  'sendt fra ',
  'skickat från ',
  'skickades från ',
  'lähetetty ',
  'wysłane z ',
  'wysłano z ',
  'отправлено с ',
  '发自我的',
  'iphoneから送信',
  '나의 iphone에서 보냄',
];
