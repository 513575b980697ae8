import { SETTINGS, type SettingName } from '../../config.ts';
import { paintState } from '../output/table.ts';
import { defineLocalCommand, option } from '../program/command-spec.ts';
import type { World } from '../program/world.ts';
import { readSettings, settingsOptions } from '../server/settings-options.ts';
import type { Probes } from './doctor-check.ts';
import type { DoctorResult } from './run-doctor.ts';

interface Options extends Record<string, unknown> {
  outside: boolean;
  probeDomain: string;
}

/** `posthorn doctor`: what is wrong on the machine of a server, and what to do about it. */
export const doctor = createDoctorCommand();

/** `createProbes`: how the machine is asked; the real one unless a test gives another. */
export function createDoctorCommand(createProbes?: () => Probes) {
  return defineLocalCommand<Options>({
    name: 'doctor',
    summary:
      'Look for what keeps a server from working: ports, database, disk, clock, DNS, PTR, TLS, port 25.',
    options: [
      option('--no-outside', 'ask nobody outside of this machine'),
      option('--probe-domain <name>', 'whose mail servers are tried').default('gmail.com'),
      ...settingsOptions(Object.keys(SETTINGS) as SettingName[]),
    ],
    json: 'each finding as JSON, on a line',
    examples: [
      'posthorn doctor --config /etc/posthorn.yaml',
      'posthorn doctor --no-outside --json',
    ],
    async run({ options, print, world }) {
      const { loadConfig } = await import('../../config/load-config.ts');
      const { runDoctor } = await import('./run-doctor.ts');
      const config = loadConfig({ ...readSettings(options), env: world.env });
      const probes = createProbes?.() ?? (await systemProbes(config.dnsServers));
      const patient = { config, probes, probeDomain: options.probeDomain };
      let failed = 0;
      for await (const result of runDoctor(patient, { asksOutside: options.outside })) {
        if (result.result === 'fail') failed += 1;
        print.thing(result, () => render(result, world.colors));
      }
      print.note(failed === 0 ? 'Nothing stands in the way.' : `${failed} things to mend.`);
      return failed === 0 ? 0 : 1;
    },
  });
}

async function systemProbes(dnsServers: readonly string[]): Promise<Probes> {
  const { createSystemProbes } = await import('./system-probes.ts');
  return createSystemProbes({ dnsServers });
}

function render(
  { title, result, reason, advice }: DoctorResult,
  colors: World['colors'],
): string[] {
  const mark = (paintState(result, colors) ?? colors.dim)(result.padEnd(4));
  const head = `${mark}  ${title.padEnd(21)}${reason}`;
  return advice === undefined ? [head] : [head, `      ${colors.bold('Do:')} ${advice}`];
}
