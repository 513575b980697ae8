import {
  type QueryClient,
  queryOptions,
  useQueryClient,
  useSuspenseQuery,
} from '@tanstack/react-query';
import { call, setCaller } from './client.ts';
import { keep, readKept } from './kept.ts';
import { toProblem } from './problem.ts';

export type Role = 'owner' | 'developer' | 'support' | 'read_only';

/** Who is signed in, and what of. */
export interface Session {
  user: {
    id: string;
    email: string;
    name: string;
    role: Role;
    has_totp: boolean;
    /** How many are left. */
    recovery_codes: number;
    /** False for who signs in by OpenID Connect alone. */
    has_password: boolean;
  };
  projects: { id: string; name: string }[];
  csrf_token: string;
  server: { version: string };
  /** Of a customer who has come by a link: what it opens. */
  link?: { may_create: boolean; expires_at: string };
}

/** Why nobody is signed in. */
export interface NoSession {
  /** `expired`: they were signed in until now, in this page. `link_over`: the link of a customer opens nothing. */
  reason: 'signed_out' | 'no_owner' | 'expired' | 'link_over';
  /** The host of the provider of OpenID Connect, where there is one. */
  sign_in_service?: string;
}

const PROJECT_KEY = 'posthorn.project';

const SESSION = '/portal/api/session';

let isByLink = false;

/** From now on the server knows by this token who asks, and not by a cookie. */
export function comeByLink(linkToken: string): void {
  isByLink = true;
  setCaller({ linkToken });
}

function askByLink(): Promise<Session | NoSession> {
  return call<Session>('/portal/api/link').catch((error: unknown) => {
    if (toProblem(error).status === 401) return { reason: 'link_over' };
    throw error;
  });
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<Session | NoSession> => {
    const answer = isByLink ? await askByLink() : await call<Session | NoSession>(SESSION);
    if (isSession(answer)) {
      setCaller({ csrfToken: answer.csrf_token, projectId: chosenProject(answer) });
    }
    return answer;
  },
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
});

/** The server knows the session no more: the sign-in page says why it is there. */
export function expireSession(client: QueryClient): void {
  if (!isSession(client.getQueryData(sessionQuery.queryKey))) return;
  const nobody: NoSession = { reason: isByLink ? 'link_over' : 'expired' };
  client.setQueryData(sessionQuery.queryKey, nobody);
  setCaller({ csrfToken: null, projectId: null });
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
}

export function isSession(value: Session | NoSession | undefined): value is Session {
  return value !== undefined && 'user' in value;
}

/** The project whose objects are shown: what was chosen last in this browser, or the first. */
export function chosenProject({ projects }: Session): string | null {
  const kept = readKept(PROJECT_KEY);
  return (projects.find(({ id }) => id === kept) ?? projects[0])?.id ?? null;
}

/** Whether the user may change what belongs to a project; the server decides, this spares a refusal. */
export function useMayManage(): boolean {
  return mayManage(useSession());
}

/** Whether they may make and remove endpoints. */
export function useMayCreate(): boolean {
  const session = useSession();
  return mayManage(session) && session.link?.may_create !== false;
}

/** Whether they are somebody's customer, who sees endpoints and deliveries and nothing else. */
export function useIsCustomer(): boolean {
  return useSession().link !== undefined;
}

/** Whether they may send mail. */
export function useMaySend(): boolean {
  return useSession().user.role !== 'read_only';
}

export function mayManage({ user }: Session): boolean {
  return user.role === 'owner' || user.role === 'developer';
}

/** Only below the frame, which is shown to who is signed in. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (!isSession(data)) throw new Error('Nobody is signed in.');
  return data;
}

export function useChooseProject(): (projectId: string) => void {
  const client = useQueryClient();
  return (projectId) => {
    keep(PROJECT_KEY, projectId);
    setCaller({ projectId });
    // Everything but the session belongs to the project before.
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
    void client.invalidateQueries();
  };
}

export interface SignInFields {
  email: string;
  password: string;
  totp?: string;
}

export function useSignIn() {
  const client = useQueryClient();
  return async (fields: SignInFields): Promise<void> => {
    await call('/portal/api/session', { method: 'POST', body: fields });
    await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
}

/** Makes the first user, its owner; `setupToken` is what the server printed when it first started. */
export function useCreateOwner() {
  const client = useQueryClient();
  return async (fields: {
    setup_token: string;
    email: string;
    password: string;
  }): Promise<void> => {
    await call('/portal/api/owner', { method: 'POST', body: fields });
    await client.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
}

export function useSignOut() {
  const client = useQueryClient();
  return async (): Promise<void> => {
    await call('/portal/api/session', { method: 'DELETE' });
    setCaller({ csrfToken: null, projectId: null });
    // First the frame goes, which watches the session, then what its pages have read.
    await client.refetchQueries({ queryKey: sessionQuery.queryKey });
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
  };
}
