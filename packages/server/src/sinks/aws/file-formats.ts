import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SinkItem } from '../contract.ts';
import { loadPackage } from '../dialing/load-package.ts';
import { type EventRow, toEventRow } from '../warehouse/event-row.ts';

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
  write: (items) => compress(items.map(({ json }) => `${json}\n`).join('')),
};

const parquet: FileFormat = {
  suffix: '.parquet',
  contentType: 'application/vnd.apache.parquet',
  async write(items) {
    const { parquetWriteBuffer } = await loadPackage(
      'hyparquet-writer',
      () => import('hyparquet-writer'),
    );
    const rows = items.map(toEventRow);
    const text = (name: keyof EventRow) => {
      return { name, type: 'STRING' as const, data: rows.map((row) => row[name]) };
    };
    const timestamp = {
      name: 'timestamp',
      type: 'TIMESTAMP' as const,
      data: rows.map(({ timestampMs }) => new Date(timestampMs)),
    };
    const file = parquetWriteBuffer({
      columnData: [
        text('id'),
        text('type'),
        timestamp,
        text('message_id'),
        text('recipient'),
        text('event'),
      ],
    });
    return new Uint8Array(file);
  },
};

export const FILE_FORMATS = { ndjson, parquet };
