/** Hears each key as it is pressed, without Enter. Returns how to stop; the terminal is as before then. */
export function listenToKeys(listener: (text: string) => void): () => void {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', listener);
  stdin.resume();
  return () => {
    stdin.off('data', listener);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
