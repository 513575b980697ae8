import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { setCaller } from './api/client.ts';
import { Problem } from './api/problem.ts';
import { comeByLink, expireSession } from './api/session.ts';
import './design/theme.css';
import { applyTheme } from './design/theme.ts';
import { readLinkToken } from './embed/link-token.ts';
import { createPortalRouter } from './router.tsx';
import { WordsProvider } from './words/words.tsx';

/** A request that did not get through is tried again; what the server refused is not. */
const RETRIES = 3;

applyTheme();
const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The server may be on this machine, whatever the browser thinks of the network.
      networkMode: 'always',
      retry: (failures, error) =>
        failures < RETRIES &&
        error instanceof Problem &&
        (error.status === 0 || error.status >= 502),
    },
    mutations: { networkMode: 'always' },
  },
});
setCaller({ expired: () => expireSession(client) });
const linkToken = readLinkToken(window.location);
if (linkToken !== null) comeByLink(linkToken);
const router = createPortalRouter(client, linkToken !== null);
const root = document.getElementById('portal');
if (root === null) throw new Error('The page has no element with the id portal.');
createRoot(root).render(
  <StrictMode>
    <WordsProvider>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </WordsProvider>
  </StrictMode>,
);
