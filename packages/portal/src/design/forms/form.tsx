import {
  createContext,
  type FormEvent,
  type ReactNode,
  useContext,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { type Problem, toProblem } from '../../api/problem.ts';

const FormProblem = createContext<Problem | null>(null);

/** What the server said of the field with this name the last time; null until then, and outside of a form. */
export function useFieldProblem(name: string | undefined): {
  problem: Problem | null;
  said: string | null;
} {
  const problem = useContext(FormProblem);
  return { problem, said: name === undefined ? null : (problem?.fieldDetail(name) ?? null) };
}

/** What went wrong, in one sentence, where no field is to blame. */
export function Alert({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="mb-4 rounded-md bg-bad-soft p-2.5 text-bad">
      {children}
    </p>
  );
}

/**
 * A form whose fields say themselves what is wrong with them: what the browser can tell as one types, what
 * only the server can tell once it was asked. What belongs to no field stands below them.
 */
export function Form({
  error,
  submit,
  className = 'flex flex-col gap-3',
  children,
}: {
  /** Of the request that it was sent with; null before. */
  error: unknown;
  submit: (form: FormData) => void;
  className?: string;
  children: ReactNode;
}) {
  const element = useRef<HTMLFormElement>(null);
  const problem = error === null || error === undefined ? null : toProblem(error);
  const [rest, setRest] = useState<string | null>(null);
  const message = problem?.message ?? null;
  const names = problem?.fields.map(({ pointer }) => pointer).join(' ') ?? '';
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer counts, also one that says the same.
  useLayoutEffect(() => {
    const wrong = element.current?.querySelector<HTMLElement>('[aria-invalid=true]');
    setRest(wrong === null ? message : null);
    wrong?.focus();
  }, [error, message, names]);

  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    // Each field that is wrong hears of it and says so (onInvalid in field.tsx).
    if (!event.currentTarget.checkValidity()) {
      event.currentTarget.querySelector<HTMLElement>(':invalid:not(fieldset)')?.focus();
      return;
    }
    submit(new FormData(event.currentTarget));
  }

  return (
    <FormProblem value={problem}>
      <form ref={element} noValidate onSubmit={onSubmit} className={className}>
        {rest !== null && <Alert>{rest}</Alert>}
        {children}
      </form>
    </FormProblem>
  );
}
