import { describeProgress, type JobView } from '../client/wait-for-job.ts';
import { paintState, type TableColumn, toShortTime } from '../output/table.ts';

export const JOB_COLUMNS: readonly TableColumn<JobView>[] = [
  { head: 'job', text: ({ id }) => id },
  { head: 'kind', minWidth: 6, text: ({ kind }) => kind },
  { head: 'began', minWidth: 10, text: ({ created_at }) => toShortTime(created_at) },
  {
    head: 'progress',
    minWidth: 10,
    text: describeProgress,
    paint: ({ state }, colors) => paintState(state, colors),
  },
];
