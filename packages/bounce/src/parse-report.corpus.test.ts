import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  describeScore,
  halfOf,
  hardFigures,
  type Label,
  scoreBounces,
} from '../../../scripts/score-bounces.ts';

/** A public set of labelled bounces, kept outside of the project and only read here. */
const CORPUS = fileURLToPath(new URL('../../../../shared/corpora/bounces', import.meta.url));
const skip = existsSync(`${CORPUS}/labels.json`)
  ? false
  : 'allowed: the folder shared/corpora is not here';

for (const half of ['develop', 'held-out'] as const) {
  test(`reads the labelled mails of the half "${half}"`, { skip }, (t) => {
    const labels = JSON.parse(readFileSync(`${CORPUS}/labels.json`, 'utf8')) as Label[];
    const own = labels.filter(({ file }) => halfOf(file) === half);
    const score = scoreBounces(own, (file) => readFileSync(`${CORPUS}/mail/${file}`));
    t.diagnostic(describeScore(half, score));
    const { precision, f1 } = hardFigures(score);
    // Floors a little below what is reached: the labels call some "User unknown" soft.
    assert.ok(f1 >= 0.9, `hard F1 ${f1}`);
    assert.ok(precision >= 0.9, `hard precision ${precision}`);
    assert.ok(
      score.found / score.recipients >= 0.97,
      `found ${score.found} of ${score.recipients}`,
    );
    assert.ok(score.categories.right / score.categories.of >= 0.85);
  });
}
