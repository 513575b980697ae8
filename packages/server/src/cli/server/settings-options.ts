import type { Option } from 'commander';
import { SETTINGS, type SettingName, settingFlag, settingVariable } from '../../config.ts';
import { option } from '../program/command-spec.ts';

/** What a command that reads settings is run with, as `loadConfig` takes it. */
export interface SettingsInput {
  flags: Partial<Record<SettingName, string>>;
  file?: string;
}

/** `--config` and an option for each setting, described as in docs/configuration.md. */
export function settingsOptions(names: readonly SettingName[]): Option[] {
  return [
    option('--config <file>', 'YAML file with settings [POSTHORN_CONFIG]'),
    ...names.map((name) => {
      const { description, default: fallback } = SETTINGS[name];
      const shown = fallback === '' ? '' : ` (default: ${fallback})`;
      return option(
        `${settingFlag(name)} <value>`,
        `${description}${shown} [${settingVariable(name)}]`,
      );
    }),
  ];
}

/** The settings among the options of a command. */
export function readSettings(options: Readonly<Record<string, unknown>>): SettingsInput {
  const flags: Partial<Record<SettingName, string>> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const value = options[name];
    if (typeof value === 'string') flags[name] = value;
  }
  const file = options['config'];
  return typeof file === 'string' ? { flags, file } : { flags };
}
