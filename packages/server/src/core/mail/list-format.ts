/** How lists of addresses come in and go out. */
export const LIST_FORMATS = ['csv', 'ndjson'] as const;

export type ListFormat = (typeof LIST_FORMATS)[number];
