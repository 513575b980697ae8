import { Client, type Dispatcher } from 'undici';
import type { OpenConnection, Opening } from './connect/open-connection.ts';
import { type ContinueFilter, passOverContinue } from './connect/pass-over-continue.ts';
import type { PendingPost } from './pending-post.ts';

/**
 * Connections stay open this long without work. A fresh TLS connection costs 20 to 25 times a kept
 * one; most servers close idle ones after 60 s or more, and say so when they close sooner.
 */
const KEEP_ALIVE_MS = 30_000;

/** What a connection tells its pool. Each post ends with `free` or `broken`. */
export interface ConnectionOwner {
  /** Sends it over a connection that is known to work. */
  sendAnew(post: PendingPost): void;
  /** It can carry the next post. */
  free(connection: PostConnection): void;
  /** It is not to be used again. */
  broken(connection: PostConnection): void;
  /** The other side hung up, or it had no work for long. */
  closed(connection: PostConnection): void;
}

/** One connection to an endpoint at a time, opened when a post needs it. Carries one post at a time. */
export class PostConnection {
  /** How the present connection came about; null before the first. */
  opening: Opening | null = null;
  readonly #owner: ConnectionOwner;
  readonly #client: Client;
  #filter: ContinueFilter | null = null;
  #posts = 0;

  constructor(origin: string, open: OpenConnection, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#client = new Client(origin, {
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The deadline of the post covers these.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, done) => {
        this.#posts = 0;
        this.opening = null;
        this.opening = open((...result) => {
          const [, socket] = result;
          if (socket !== null) this.#filter = passOverContinue(socket);
          done(...result);
        });
      },
    });
    this.#client.on('disconnect', () => owner.closed(this));
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#client.dispatch(options, handler);
  }

  /** The request is being written. True when an earlier one used the same connection. */
  beginPost(): boolean {
    this.#filter?.expectAnswer();
    this.#posts += 1;
    return this.#posts > 1;
  }

  /** It has carried a post. */
  get isKept(): boolean {
    return this.#posts > 0;
  }

  /** Lets another connection carry a post on which the other side hung up. */
  passOn(post: PendingPost): void {
    this.#owner.broken(this);
    this.#owner.sendAnew(post);
  }

  endPost(isUsable: boolean): void {
    if (isUsable) this.#owner.free(this);
    else this.#owner.broken(this);
  }

  /** Ends it; a post that is under way fails with `reason`. */
  async destroy(reason: Error): Promise<void> {
    if (this.opening?.stage !== 'open') this.opening?.destroy();
    await this.#client.destroy(reason);
  }
}
