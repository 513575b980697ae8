/** What would be sent of one event. */
export interface PreviewLine {
  eventId: string;
  eventType: string;
  /** `left_out` by the filter, or by a transformation that makes nothing of it. */
  outcome: 'sent' | 'left_out' | 'failed';
  body: unknown;
  error: string | null;
}
