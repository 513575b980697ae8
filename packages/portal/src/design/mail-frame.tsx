import { chosenProject, useSession } from '../api/session.ts';
import { useWords } from '../words/words.tsx';

/** The HTML of a mail, in a frame that loads nothing, runs nothing and leads nowhere. */
export function MailFrame({ of, id }: { of: 'messages' | 'inbound'; id: string }) {
  const { message } = useWords();
  const session = useSession();
  const project = encodeURIComponent(chosenProject(session) ?? '');
  return (
    <>
      {/* Its own answer says so too (message-frame.ts). */}
      <iframe
        title={message.content}
        sandbox=""
        referrerPolicy="no-referrer"
        src={`/portal/api/projects/${project}/${of}/${encodeURIComponent(id)}/html`}
        className="h-96 w-full resize-y rounded-md border border-line bg-[#fff]"
      />
      <p className="mt-1 text-[13px] text-muted">{message.htmlNote}</p>
    </>
  );
}
