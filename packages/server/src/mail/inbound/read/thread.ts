import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../../lib/errors.ts';
import { authenticateMail, dnsFault } from './authenticate-mail.ts';
import { extractFile, extractHtml, parseMail } from './parse-mail.ts';
import { NOT_KNOWN, type Note, type Order, type Results, type Task } from './protocol.ts';

/** Reads mails from strangers beside the main thread: a large one takes a second, and has its own heap. */

const port = parentPort;
if (port === null) throw new Error('this file is started as a thread');

const AUTHENTICATION_MS = 15_000;

const questions = new Map<number, (order: Extract<Order, { kind: 'dns' }>) => void>();
let lastQuestion = 0;

const say = (note: Note): void => port.postMessage(note);

/** The main thread asks DNS: what it asks is decided there. */
function resolve(name: string, type: string): Promise<unknown> {
  lastQuestion += 1;
  const id = lastQuestion;
  return new Promise((found, refuse) => {
    questions.set(id, ({ values, fault }) => {
      questions.delete(id);
      if (fault === null) found(values);
      else refuse(dnsFault(fault.code, fault.message));
    });
    say({ kind: 'dns', id, name, type });
  });
}

/** What slow DNS servers of strangers have not said by then is not waited for: the words are there. */
function soon<T>(work: Promise<T>, otherwise: T): Promise<T> {
  const late = Promise.withResolvers<T>();
  const timer = setTimeout(() => late.resolve(otherwise), AUTHENTICATION_MS);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

async function perform(task: Task): Promise<Results[keyof Results]> {
  switch (task.kind) {
    case 'read': {
      const [mail, authentication] = await Promise.all([
        parseMail(task.raw),
        soon(authenticateMail(task.raw, task.envelope, resolve), NOT_KNOWN),
      ]);
      return { mail, authentication };
    }
    case 'words':
      return parseMail(task.raw);
    case 'html':
      return extractHtml(task.raw);
    case 'file':
      return extractFile(task.raw, task.number);
  }
}

port.on('message', (order: Order) => {
  if (order.kind === 'dns') {
    questions.get(order.id)?.(order);
    return;
  }
  const { id } = order;
  perform(order.task).then(
    (result) => say({ kind: 'done', id, result }),
    (error: unknown) => say({ kind: 'failed', id, message: messageOf(error) }),
  );
});
