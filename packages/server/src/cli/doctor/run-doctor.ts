import { messageOf } from '../../lib/errors.ts';
import { MACHINE_CHECKS } from './checks/machine-checks.ts';
import { MAIL_CHECKS } from './checks/mail-checks.ts';
import { NAME_CHECKS } from './checks/name-checks.ts';
import { type DoctorCheck, type Finding, fail, type Patient, skip } from './doctor-check.ts';

export const DOCTOR_CHECKS: readonly DoctorCheck[] = [
  ...MACHINE_CHECKS,
  ...NAME_CHECKS,
  ...MAIL_CHECKS,
];

export interface DoctorResult extends Finding {
  check: string;
  title: string;
}

/** One check after the other, in the order of the report. None of them can end the others. */
export async function* runDoctor(
  patient: Patient,
  { asksOutside }: { asksOutside: boolean },
): AsyncGenerator<DoctorResult> {
  for (const { name, title, isOutside, run } of DOCTOR_CHECKS) {
    const findings =
      isOutside && !asksOutside
        ? [skip('Nobody outside was asked (--no-outside).')]
        : await run(patient).catch((error: unknown) => [
            fail(`The check itself failed: ${messageOf(error)}.`, 'Tell the makers of Posthorn.'),
          ]);
    for (const finding of findings) yield { check: name, title, ...finding };
  }
}
