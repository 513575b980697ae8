/** What can be closed while it has no work. */
export interface Closable<T> {
  closed(connection: T): void;
}

/** The connections of all pools that have no work, of which a bounded number is kept. */
export interface IdleConnections<T> {
  /** It has no work now. May close the one that has had none for longest. */
  add(connection: T, owner: Closable<T>): void;
  /** It has work again, or is gone. */
  remove(connection: T): void;
}

/** `limit`: at least 1. */
export function createIdleConnections<T>(limit: number): IdleConnections<T> {
  /** The longest idle comes first. */
  const owners = new Map<T, Closable<T>>();
  return {
    add(connection, owner) {
      owners.set(connection, owner);
      if (owners.size <= limit) return;
      for (const [longest, itsOwner] of owners) {
        owners.delete(longest);
        return itsOwner.closed(longest);
      }
    },
    remove(connection) {
      owners.delete(connection);
    },
  };
}
