import { useState } from 'react';
import { buttonClass } from '../../design/button.tsx';
import { Alert } from '../../design/forms/form.tsx';
import { useWords } from '../../words/words.tsx';

/** Behind the `#` the server says why the way to the provider and back has ended here. */
const REFUSED = /^#oidc=(\w+)$/;

/** The other way in: by the provider of OpenID Connect at this host. */
export function SignInService({ host }: { host: string }) {
  const { signIn } = useWords();
  const [reason] = useState(() => REFUSED.exec(window.location.hash)?.[1] ?? null);
  const { pathname, search } = window.location;
  const page = encodeURIComponent(pathname + search);
  const sentences: Readonly<Record<string, string>> = signIn.oidc;
  return (
    <div className="mt-6 flex flex-col border-t border-line pt-6">
      {reason !== null && <Alert>{sentences[reason] ?? signIn.oidc.invalid}</Alert>}
      <a href={`/portal/api/oidc/start?page=${page}`} className={`${buttonClass()} justify-center`}>
        <span className="truncate">{signIn.by(host)}</span>
      </a>
    </div>
  );
}
