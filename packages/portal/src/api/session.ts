import {
  type QueryClient,
  queryOptions,
  useQueryClient,
  useSuspenseQuery,
} from '@tanstack/react-query';
import { call, setCaller } from './client.ts';

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
}

/** Why nobody is signed in. */
export interface NoSession {
  /** `expired`: they were signed in until now, in this page. */
  reason: 'signed_out' | 'no_owner' | 'expired';
  /** The host of the provider of OpenID Connect, where there is one. */
  sign_in_service?: string;
}

const PROJECT_KEY = 'posthorn.project';

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async (): Promise<Session | NoSession> => {
    const answer = await call<Session | NoSession>('/portal/api/session');
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
  const nobody: NoSession = { reason: 'expired' };
  client.setQueryData(sessionQuery.queryKey, nobody);
  setCaller({ csrfToken: null, projectId: null });
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'session' });
}

export function isSession(value: Session | NoSession | undefined): value is Session {
  return value !== undefined && 'user' in value;
}

/** The project whose objects are shown: what was chosen last in this browser, or the first. */
export function chosenProject({ projects }: Session): string | null {
  const kept = localStorage.getItem(PROJECT_KEY);
  return (projects.find(({ id }) => id === kept) ?? projects[0])?.id ?? null;
}

/** Whether the user may change what belongs to a project; the server decides, this spares a refusal. */
export function useMayManage(): boolean {
  return mayManage(useSession());
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
    localStorage.setItem(PROJECT_KEY, projectId);
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
