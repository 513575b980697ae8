import { z } from 'zod';

/** Settings of every warehouse. */

export const nameField = z
  .string()
  .regex(/^[A-Za-z_]\w{0,99}$/, 'Write letters, digits and underscores, no digit first.');

export const everySecondsField = z
  .int()
  .min(0)
  .max(3_600)
  .describe('At most one load in that time, unless there is more than fits into one.');
