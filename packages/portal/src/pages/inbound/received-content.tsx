import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import type { ReceivedDetail } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { receivedSourceQuery } from '../../api/queries.ts';
import { Button } from '../../design/button.tsx';
import { CodeBlock } from '../../design/copy.tsx';
import { Alert } from '../../design/forms/form.tsx';
import { MailFrame } from '../../design/mail-frame.tsx';
import { ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Card, Section } from '../../design/page.tsx';
import { Tabs } from '../../design/tabs.tsx';
import { formatBytes } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';

type View = 'reply' | 'text' | 'html' | 'source';

/** What somebody wrote: the answer apart from what it quotes, the text, the HTML and the bytes; and its files. */
export function ReceivedContent({ mail }: { mail: ReceivedDetail }) {
  const { message } = useWords();
  return (
    <div className="min-w-0">
      <Section title={message.content}>
        <Views mail={mail} />
      </Section>
      <Files mail={mail} />
    </div>
  );
}

function Views({ mail }: { mail: ReceivedDetail }) {
  const { message, inbound } = useWords();
  const { text = null, html = null, reply_text = null } = mail;
  const [chosen, choose] = useState<View | null>(null);
  // An answer that quotes nothing is the text itself.
  const isAnswer = reply_text !== null && reply_text !== '' && reply_text.trim() !== text?.trim();
  const views: (readonly [View, string])[] = [
    ...(isAnswer ? [['reply', inbound.reply] as const] : []),
    ...(text === null ? [] : [['text', message.plainText] as const]),
    ...(html === null ? [] : [['html', 'HTML'] as const]),
    ['source', message.source],
  ];
  const current = chosen ?? views[0]?.[0] ?? 'source';
  return (
    <Tabs label={message.content} tabs={views} current={current} choose={choose}>
      {current === 'reply' && <CodeBlock text={reply_text ?? ''} label={inbound.reply} isWrapped />}
      {current === 'text' && <CodeBlock text={text ?? ''} label={message.plainText} isWrapped />}
      {current === 'html' && <MailFrame of="inbound" id={mail.id} />}
      {current === 'source' && <Source id={mail.id} />}
    </Tabs>
  );
}

function Source({ id }: { id: string }) {
  const { message } = useWords();
  const { data, error, refetch } = useQuery(receivedSourceQuery(id));
  if (error !== null && toProblem(error).status === 404) {
    return <p className="text-muted">{message.bodyGone}</p>;
  }
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={3} />;
  return <CodeBlock text={data} label={message.source} />;
}

function Files({ mail }: { mail: ReceivedDetail }) {
  const { words, language } = useLanguage();
  const files = mail.attachments ?? [];
  if (files.length === 0) return null;
  return (
    <Section title={words.inbound.files}>
      <Card>
        <ul>
          {files.map(({ number, filename, content_type, size_bytes }) => (
            <li
              key={number}
              className="flex flex-wrap items-center gap-3 border-b border-line p-3 last:border-0"
            >
              <span className="min-w-0 flex-1 wrap-anywhere">
                {filename ?? words.inbound.unnamed(String(number))}
                <span className="ml-2 text-muted">
                  {content_type} · {formatBytes(size_bytes, language)}
                </span>
              </span>
              <DownloadButton
                path={`/v1/inbound/messages/${encodeURIComponent(mail.id)}/attachments/${number}`}
                filename={filename ?? `${mail.id}-${number}`}
                label={words.inbound.download}
                of={filename ?? String(number)}
              />
            </li>
          ))}
        </ul>
      </Card>
      <p className="mt-1 text-[13px] text-muted">{words.inbound.filesNote}</p>
    </Section>
  );
}

/** Fetches a file as who is signed in, and hands it to the browser. */
export function DownloadButton({
  path,
  filename,
  label,
  of,
}: {
  path: string;
  filename: string;
  label: string;
  /** Of several buttons, for who does not see beside what it stands. */
  of?: string;
}) {
  const download = useMutation({
    async mutationFn() {
      const url = URL.createObjectURL(await call<Blob>(path, { asFile: true }));
      const link = document.createElement('a');
      link.href = url;
      link.download = filename;
      link.click();
      URL.revokeObjectURL(url);
    },
  });
  return (
    <>
      <Button
        isBusy={download.isPending}
        onClick={() => download.mutate()}
        {...(of === undefined ? {} : { 'aria-label': `${label}: ${of}` })}
      >
        {label}
      </Button>
      {download.error !== null && <Alert>{toProblem(download.error).message}</Alert>}
    </>
  );
}
