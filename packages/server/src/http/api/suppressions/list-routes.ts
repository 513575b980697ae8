import { z } from 'zod';
import { type CsvPiece, splitCsv } from '../../../core/csv.ts';
import { isId } from '../../../core/ids.ts';
import { LIST_FORMATS, type ListFormat } from '../../../core/mail/list-format.ts';
import { STREAMS } from '../../../core/mail/streams.ts';
import { PosthornError } from '../../../lib/errors.ts';
import { readColumns } from '../../../mail/suppression/read-list.ts';
import type { JobParts } from '../../../store/jobs/job-parts.ts';
import type { Suppressions } from '../../../store/mail/suppressions.ts';
import { defineRoute, type Route } from '../../route.ts';
import { refuseField } from '../filters.ts';
import { jobSchema } from '../jobs/job-json.ts';
import { type JobDeps, startJob } from '../jobs/start-job.ts';
import { idParam } from '../schemas.ts';
import { reasonSchema } from './suppression-json.ts';

/** Some 300,000 addresses. */
const MAX_IMPORT_BYTES = 16 * 1_048_576;
/** A piece is one step of the job and one commit: about 1,000 addresses. */
const PART_CHARS = 48_000;

/** The first row of a list is somewhere in here. */
const MAX_HEADER_CHARS = 10_000;

const format = z.enum(LIST_FORMATS);

const importBody = z.strictObject({
  format,
  content: z
    .string()
    .min(1)
    .describe(
      'The list. CSV: a first row with names, one of them address; reason, stream, note and expires_at are read too. NDJSON: an object with these fields, or an address, on each line.',
    ),
  reason: reasonSchema.default('manual').describe('For lines that name none.'),
  stream: z
    .enum(STREAMS)
    .nullable()
    .default(null)
    .describe('For lines that name none; all streams when null.'),
});

export interface ListRouteDeps extends JobDeps {
  suppressions: Pick<Suppressions, 'count'>;
  jobParts: JobParts;
}

export function createListRoutes(deps: ListRouteDeps): Route[] {
  async function* partsOf(projectId: string, jobId: string): AsyncGenerator<string> {
    for (let number = 0; ; number++) {
      const content = await deps.jobParts.get(projectId, jobId, number);
      if (content === null) return;
      yield content;
    }
  }

  return [
    defineRoute({
      method: 'POST',
      path: '/v1/suppressions/imports',
      auth: 'manage',
      group: 'Suppressions',
      summary: 'Import a list of addresses',
      description:
        'Puts the addresses of a CSV or NDJSON list on the suppression list. The answer is a job: GET /v1/jobs/{id} shows how far it has come, and which lines it could not take. An address that is there already stays as it is. There are no suppression.added events.',
      body: importBody,
      bodyLimit: MAX_IMPORT_BYTES,
      responses: { 202: { description: 'The job that does it.', schema: jobSchema } },
      async handle({ projectId, body, remember }) {
        const { columns, pieces } = cutList(body);
        const { reason, stream } = body;
        const params = { format: body.format, columns, reason, stream };
        const kind = 'import_suppressions' as const;
        const total = pieces.reduce((sum, { rows }) => sum + rows, 0);
        const asked = { kind, projectId, params, ratePerSecond: null, total };
        return startJob(deps, asked, remember, ({ id: jobId, retainUntilMs }) =>
          pieces.map(({ line, text }, number) =>
            deps.jobParts.insertion({
              projectId,
              jobId,
              number,
              content: `${line}\n${text}`,
              retainUntilMs,
            }),
          ),
        );
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/suppressions/exports',
      auth: 'manage',
      group: 'Suppressions',
      summary: 'Export the list',
      description:
        'Writes the suppression list as CSV or NDJSON. The answer is a job; when it is done, GET /v1/suppressions/exports/{id} is the list. It is kept for a week.',
      body: z.strictObject({ format: format.default('csv') }).prefault({}),
      responses: { 202: { description: 'The job that does it.', schema: jobSchema } },
      async handle({ projectId, body, remember }) {
        const total = await deps.suppressions.count(projectId);
        const params = { format: body.format };
        const kind = 'export_suppressions' as const;
        const asked = { kind, projectId, params, ratePerSecond: null, total };
        return startJob(deps, asked, remember);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/suppressions/exports/{id}',
      auth: 'read',
      group: 'Suppressions',
      summary: 'Download an exported list',
      params: idParam('id', 'job that made it'),
      responses: {
        200: {
          description: 'The list: text/csv or application/x-ndjson.',
          contentType: 'text/csv',
        },
      },
      async handle({ projectId, params }) {
        const id = String(params['id']);
        const job = isId('job', id) ? await deps.jobs.get(projectId, id) : null;
        if (job?.kind !== 'export_suppressions') {
          throw new PosthornError('not_found', `There is no export ${id}.`);
        }
        if (job.state !== 'done') {
          const detail = `The export is ${job.state}. GET /v1/jobs/${id} shows when it is done.`;
          throw new PosthornError('conflict', detail);
        }
        const parts = partsOf(projectId, id);
        const first = await parts.next();
        if (first.done === true) {
          throw new PosthornError('not_found', 'The exported list is gone. Export it again.');
        }
        const type = job.params.format === 'csv' ? 'text/csv' : 'application/x-ndjson';
        const headers = {
          'content-type': `${type}; charset=utf-8`,
          'content-disposition': `attachment; filename="suppressions.${job.params.format}"`,
          'cache-control': 'no-store',
        };
        return { status: 200, headers, body: chain(first.value, parts) };
      },
    }),
  ];
}

async function* chain(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}

/** Throws `invalid_field` for a list that cannot be read at all. */
function cutList({ format: given, content }: { format: ListFormat; content: string }) {
  if (given === 'ndjson') return { columns: [], pieces: splitLines(content) };
  const [head, second] = splitCsv(content.slice(0, MAX_HEADER_CHARS), 0);
  const columns = head === undefined ? null : readColumns(head.text);
  if (columns === null) {
    return refuseField(
      '/content',
      'The first row has to name the columns, one of them "address" (or "email").',
    );
  }
  const start = second?.line ?? 2;
  const rows = content.slice(head?.text.length ?? 0);
  const pieces = splitCsv(rows, PART_CHARS).map((piece) => ({
    ...piece,
    line: piece.line + start - 1,
  }));
  return { columns, pieces };
}

function splitLines(content: string): CsvPiece[] {
  const pieces: CsvPiece[] = [];
  let line = 1;
  for (let start = 0; start < content.length; ) {
    const found = content.indexOf('\n', start + PART_CHARS);
    const end = found === -1 ? content.length : found + 1;
    const text = content.slice(start, end);
    const lines = text.split('\n');
    pieces.push({ line, text, rows: lines.filter((one) => one.trim() !== '').length });
    line += lines.length - 1;
    start = end;
  }
  return pieces;
}
