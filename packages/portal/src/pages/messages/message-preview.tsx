import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { MessageContent } from '../../api/objects.ts';
import { toProblem } from '../../api/problem.ts';
import { messageContentQuery, messageSourceQuery } from '../../api/queries.ts';
import { CodeBlock } from '../../design/copy.tsx';
import { MailFrame } from '../../design/mail-frame.tsx';
import { ProblemNotice, Waiting } from '../../design/notices.tsx';
import { Section } from '../../design/page.tsx';
import { Tabs } from '../../design/tabs.tsx';
import { formatBytes } from '../../words/format.ts';
import { useLanguage, useWords } from '../../words/words.tsx';

type View = 'html' | 'text' | 'source';

/** What the mail said: as people saw it, as text, and as it went over the line. */
export function MessagePreview({ id }: { id: string }) {
  const { message } = useWords();
  const query = useQuery(messageContentQuery(id));
  const [chosen, choose] = useState<View | null>(null);
  const { data, error } = query;
  if (error !== null && toProblem(error).code === 'body_gone') {
    return (
      <Section title={message.content}>
        <p className="text-muted">{message.bodyGone}</p>
      </Section>
    );
  }
  const current = chosen ?? (data?.html === null ? 'text' : 'html');
  const views = [
    ['html', 'HTML'],
    ['text', message.plainText],
    ['source', message.source],
  ] as const;
  return (
    <Section title={message.content}>
      {data === undefined ? (
        error === null ? (
          <Waiting rows={3} />
        ) : (
          <ProblemNotice error={error} retry={() => void query.refetch()} />
        )
      ) : (
        <Tabs label={message.content} tabs={views} current={current} choose={choose}>
          {current === 'html' && <HtmlView id={id} content={data} />}
          {current === 'text' && <TextView content={data} />}
          {current === 'source' && <SourceView id={id} />}
          <Attachments content={data} />
        </Tabs>
      )}
    </Section>
  );
}

function HtmlView({ id, content }: { id: string; content: MessageContent }) {
  const { message } = useWords();
  if (content.html === null) return <p className="text-muted">{message.noHtml}</p>;
  return <MailFrame of="messages" id={id} />;
}

function TextView({ content: { text } }: { content: MessageContent }) {
  const { message } = useWords();
  if (text === null) return <p className="text-muted">{message.noText}</p>;
  return <CodeBlock text={text} label={message.plainText} isWrapped />;
}

function SourceView({ id }: { id: string }) {
  const { message } = useWords();
  const { data, error, refetch } = useQuery(messageSourceQuery(id));
  if (error !== null) return <ProblemNotice error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Waiting rows={3} />;
  return <CodeBlock text={data} label={message.source} />;
}

function Attachments({ content: { attachments, truncated } }: { content: MessageContent }) {
  const { words, language } = useLanguage();
  return (
    <>
      {attachments.length > 0 && (
        <p className="mt-3 text-muted">
          {words.message.attachments}:{' '}
          {attachments
            .map(
              ({ filename, content_type, size_bytes }) =>
                `${filename ?? content_type} (${formatBytes(size_bytes, language)})`,
            )
            .join(', ')}
        </p>
      )}
      {truncated && <p className="mt-1 text-muted">{words.message.contentTruncated}</p>}
    </>
  );
}
