import type { OpenConnection } from './connect/open-connection.ts';
import type { IdleConnections } from './idle-connections.ts';
import type { PendingPost } from './pending-post.ts';
import { type ConnectionOwner, PostConnection } from './post-connection.ts';
import { PostFailure } from './post-failure.ts';

/** The connections to one origin that show the same TLS material. */
export interface ConnectionPool {
  /** Sends it over a free connection, over a new one, or over the first that becomes free. */
  send(post: PendingPost): void;
  /** It has no connection. */
  isEmpty(): boolean;
  /** Closes connections as soon as they have no work, and keeps none for later. */
  retire(): void;
  /** Ends all connections and what waits for one. */
  destroy(reason: PostFailure): Promise<void>;
}

export function createConnectionPool(options: {
  origin: string;
  open: OpenConnection;
  /** How many connections at most. */
  limit: number;
  /** Of all pools. */
  idle: IdleConnections<PostConnection>;
  /** No connection is left. */
  onEmpty: () => void;
}): ConnectionPool {
  const { origin, open, limit, idle } = options;
  const connections = new Set<PostConnection>();
  /** The last one in is the first one out, so that those that are not needed fall idle. */
  const free: PostConnection[] = [];
  let waiting: PendingPost[] = [];
  let retired = false;

  function send(post: PendingPost): void {
    const kept = free.pop();
    if (kept !== undefined) {
      idle.remove(kept);
      post.sendOver(kept);
    } else if (connections.size < limit) {
      post.sendOver(connect());
    } else {
      waiting.push(post);
    }
  }

  const owner: ConnectionOwner = {
    sendAnew(post) {
      // Of those that are free, more may have been closed. One that comes back from a post was not.
      if (connections.size < limit) post.sendOver(connect());
      else waiting.unshift(post);
    },
    free(connection) {
      const next = nextWaiting();
      if (next !== null) next.sendOver(connection);
      else if (retired) drop([connection]);
      else {
        free.push(connection);
        idle.add(connection, owner);
      }
    },
    broken(connection) {
      const next = nextWaiting();
      if (next !== null) next.sendOver(connect());
      drop([connection]);
    },
    closed(connection) {
      const index = free.indexOf(connection);
      // One that is at work opens itself anew, or fails its post and is broken.
      if (index === -1) return;
      drop(free.splice(index, 1));
    },
  };

  function connect(): PostConnection {
    const connection = new PostConnection(origin, open, owner);
    connections.add(connection);
    return connection;
  }

  function drop(unneeded: PostConnection[]): void {
    for (const connection of unneeded) {
      connections.delete(connection);
      idle.remove(connection);
      void connection.destroy(new PostFailure('connection_closed', 'It is not needed any more.'));
    }
    if (unneeded.length > 0 && connections.size === 0) options.onEmpty();
  }

  /** Passes over those whose deadline has passed while they waited. */
  function nextWaiting(): PendingPost | null {
    let post = waiting.shift();
    while (post?.done === true) post = waiting.shift();
    return post ?? null;
  }

  return {
    send,
    isEmpty: () => connections.size === 0,
    retire() {
      retired = true;
      drop(free.splice(0));
    },
    async destroy(reason) {
      const posts = waiting;
      waiting = [];
      for (const connection of free.splice(0)) idle.remove(connection);
      for (const post of posts) post.fail(reason);
      await Promise.all([...connections].map((connection) => connection.destroy(reason)));
    },
  };
}
