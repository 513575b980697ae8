import { Outlet } from '@tanstack/react-router';
import { Empty } from '../design/notices.tsx';
import { LostConnection } from '../frame/frame.tsx';
import { useWords } from '../words/words.tsx';

/** What stands around the pages for a customer: nothing, for they are in a frame of somebody's own. */
export function CustomerFrame() {
  return (
    <>
      <LostConnection />
      <main id="content" tabIndex={-1} className="min-w-0 outline-none">
        <Outlet />
      </main>
    </>
  );
}

/** The link has expired or was ended: only where it came from is another. */
export function LinkOver() {
  const { link } = useWords();
  return (
    <main id="content">
      <Empty isPage title={link.over} help={link.overHelp} />
    </main>
  );
}
