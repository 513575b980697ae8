import { useEffect, useState } from 'react';

/** How long nothing has to be typed before it is asked for, ms. */
const SETTLE_MS = 300;

/** What is typed, once it rests: so that not each letter asks the server. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
