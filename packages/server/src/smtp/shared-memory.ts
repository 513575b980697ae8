/** Memory that messages share while they come in. */
export interface SharedMemory {
  /** Whether there is room for this much more; then it is taken until it is given back. */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

export function createSharedMemory(totalBytes: number): SharedMemory {
  let free = totalBytes;
  return {
    take(bytes) {
      if (bytes > free) return false;
      free -= bytes;
      return true;
    },
    giveBack(bytes) {
      free += bytes;
    },
  };
}
