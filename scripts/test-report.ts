/** What a test run prints. Text from results, no I/O. */
import { countTotals, type FileResult, isSkipAllowed } from './test-tally.ts';

/** A line for a file that passed; for one that failed, also every failure and what the file wrote. */
export function describeFile(result: FileResult, isCi: boolean): string {
  const { passed, failed, skipped } = countTotals([result], isCi);
  const counts = [`${passed} passed`];
  if (failed > 0) counts.push(`${failed} failed`);
  if (skipped > 0) counts.push(`${skipped} skipped`);
  const mark = failed > 0 ? 'FAIL' : 'ok  ';
  const lines = [`${mark} ${result.file}: ${counts.join(', ')} (${result.durationMs} ms)`];
  for (const { name, text } of result.failures) lines.push(`  not ok: ${name}`, indent(text));
  if (result.failures.length > 0 && result.output.trim() !== '') {
    lines.push('  output of the file:', indent(result.output.trimEnd()));
  }
  return lines.join('\n');
}

/** The end of the run: skips with their reasons, the failures by name, and the line of totals. */
export function describeRun(results: readonly FileResult[], isCi: boolean): string {
  const lines: string[] = [''];
  const failures = results.flatMap(({ file, failures }) =>
    failures.map(({ name }) => `  ${file}: ${name}`),
  );
  const skips = results.flatMap(({ file, skips }) =>
    skips.map(({ name, text }) => ({ line: `  ${file}: ${name} (${text})`, reason: text })),
  );
  const allowed = skips.filter(({ reason }) => isSkipAllowed(reason, isCi));
  const refused = skips.filter(({ reason }) => !isSkipAllowed(reason, isCi));
  if (allowed.length > 0) lines.push('Skipped:', ...allowed.map(({ line }) => line));
  if (refused.length > 0) {
    lines.push(
      'Skipped, which counts as failed because CI is set (a skip that may stay has a reason that begins with "allowed:"):',
      ...refused.map(({ line }) => line),
    );
  }
  if (failures.length > 0) lines.push('Failed:', ...failures);
  const { passed, failed, skipped } = countTotals(results, isCi);
  if (passed + failed === 0) lines.push('No test ran, which counts as a failed run.');
  lines.push(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return lines.join('\n');
}

const indent = (text: string) => text.replace(/^/gm, '    ');
