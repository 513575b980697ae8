/** A token of theme.css. */
export type ChartColour = 'good' | 'bad' | 'warn' | 'complaint' | 'engaged' | 'accent' | 'muted';

/** How a line is drawn, so that lines are told apart without colours: lengths of line and gap, px. */
export const DASHES = { solid: [], dashed: [6, 3], dotted: [2, 3] } as const;

export interface ChartSeries {
  name: string;
  colour: ChartColour;
  /** One for each time; null where there is nothing to say. */
  values: readonly (number | null)[];
  /** Solid, unless it is said. */
  line?: keyof typeof DASHES;
}
