import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SinkItem } from '../contract.ts';
import { loadPackage } from '../load-package.ts';

/** How many events stand in one object. */
export interface FileFormat {
  suffix: string;
  contentType: string;
  write(items: readonly SinkItem[]): Promise<Uint8Array>;
}

const compress = promisify(gzip);

const ndjson: FileFormat = {
  suffix: '.ndjson.gz',
  contentType: 'application/gzip',
  write: (items) => compress(items.map(({ body }) => `${JSON.stringify(body)}\n`).join('')),
};

/** The columns that nearly every question asks by, and the whole as JSON. */
const parquet: FileFormat = {
  suffix: '.parquet',
  contentType: 'application/vnd.apache.parquet',
  async write(items) {
    const { parquetWriteBuffer } = await loadPackage(
      'hyparquet-writer',
      () => import('hyparquet-writer'),
    );
    const column = (name: string, of: (item: SinkItem) => string | null) => {
      return { name, type: 'STRING' as const, data: items.map(of) };
    };
    const file = parquetWriteBuffer({
      columnData: [
        column('id', ({ event }) => event.id),
        column('type', ({ event }) => event.type),
        {
          name: 'timestamp',
          type: 'TIMESTAMP',
          data: items.map(({ event }) => new Date(event.timestamp)),
        },
        column('message_id', ({ event }) => event.data.message?.id ?? null),
        column('recipient', ({ event }) => event.data.recipient ?? null),
        column('event', ({ body }) => JSON.stringify(body)),
      ],
    });
    return new Uint8Array(file);
  },
};

export const FILE_FORMATS = { ndjson, parquet };
