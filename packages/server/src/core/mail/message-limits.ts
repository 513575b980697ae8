/** What a message may carry, through whichever door it comes. All of it travels in every event. */
export const MAX_TAGS = 10;
export const MAX_TAG_CHARS = 128;
/** By when a message may be expected to have reached its end, counted from its first attempt. */
export const MIN_EXPECT_MS = 1_000;
export const MAX_EXPECT_MS = 7 * 86_400_000;
/** The whole metadata object, as JSON. */
export const MAX_METADATA_CHARS = 4_096;
export const MAX_METADATA_KEY_CHARS = 64;

/** `null` when it is fine; otherwise a sentence, and the key that it is about if it is about one. */
export function explainMetadata(
  metadata: Record<string, unknown>,
): { key: string | null; detail: string } | null {
  if (JSON.stringify(metadata).length > MAX_METADATA_CHARS) {
    return { key: null, detail: `Metadata may have ${MAX_METADATA_CHARS} characters as JSON.` };
  }
  const key = Object.keys(metadata).find(
    (one) => one.length > MAX_METADATA_KEY_CHARS || one === '',
  );
  if (key === undefined) return null;
  return { key, detail: `A metadata key has 1 to ${MAX_METADATA_KEY_CHARS} characters.` };
}

/** An event without `raw` stays below this, so that any receiver takes it. */
export const MAX_EVENT_CHARS = 20_000;
