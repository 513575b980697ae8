import { MAX_REPORT_BYTES, type ParseOptions, parseReport } from './parse-report.ts';
import type { Report } from './report.ts';

/**
 * `parseReport` for a mail that arrives in pieces. Keeps at most `maxBytes` of it in memory, and reads
 * the rest to its end without keeping it. Rejects only where `chunks` does.
 */
export async function parseReportStream(
  chunks: AsyncIterable<Uint8Array>,
  options: ParseOptions = {},
): Promise<Report> {
  let room = options.maxBytes ?? MAX_REPORT_BYTES;
  const kept: Uint8Array[] = [];
  for await (const chunk of chunks) {
    if (room <= 0) continue;
    // Copied, because a part of a chunk would hold on to all of it.
    kept.push(chunk.length <= room ? chunk : chunk.slice(0, room));
    room -= chunk.length;
  }
  return parseReport(Buffer.concat(kept), options);
}
